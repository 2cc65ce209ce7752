package io.tproc.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number of bytes as it is typed: {@code 4096}, {@code 500K}, {@code 64M}, {@code 2G}. */
final class ByteCount implements ITypeConverter<Long> {
  private static final Pattern TYPED = Pattern.compile("([0-9]+)([KMGkmg]?)");
  private static final String SUFFIXES = "KMG";
  private static final long STEP = 1024;

  @Override
  public Long convert(String typed) {
    Matcher matcher = TYPED.matcher(typed);
    if (!matcher.matches()) {
      throw new TypeConversionException("no number of bytes: '" + typed + "'");
    }
    try {
      long bytes = Long.parseLong(matcher.group(1));
      int suffix = SUFFIXES.indexOf(matcher.group(2).toUpperCase(Locale.ROOT));
      for (int i = 0; !matcher.group(2).isEmpty() && i <= suffix; i++) {
        bytes = Math.multiplyExact(bytes, STEP);
      }
      if (bytes < 1) {
        throw new TypeConversionException("less than 1 byte: '" + typed + "'");
      }
      return bytes;
    } catch (NumberFormatException | ArithmeticException tooLarge) {
      throw new TypeConversionException("too many bytes: '" + typed + "'");
    }
  }
}
