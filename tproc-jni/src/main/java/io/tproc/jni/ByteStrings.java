package io.tproc.jni;

import io.tproc.Errno;
import io.tproc.LaunchException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Texts as the kernel knows them: bytes in the encoding that the JDK itself uses for commands,
 * environments and paths. Not modified UTF-8, which no program outside the JVM reads.
 */
final class ByteStrings {
  /**
   * JDK 18 separated the default charset, now UTF-8, from that of the platform (JEP 400); before,
   * both were the same.
   */
  private static final int JEP_400 = 18;

  /** ProcessImpl's choice: it must be the charset that System.getenv() has decoded with. */
  static final Charset CHARSET =
      Runtime.version().feature() < JEP_400
          ? Charset.defaultCharset()
          : Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

  private ByteStrings() {}

  static String decode(byte[] bytes) {
    return new String(bytes, CHARSET);
  }

  /** Texts that each have a NUL at their end. */
  static List<String> split(byte[] texts) {
    List<String> found = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < texts.length; i++) {
      if (texts[i] == 0) {
        found.add(decode(Arrays.copyOfRange(texts, start, i)));
        start = i + 1;
      }
    }
    return found;
  }

  static byte[] encode(String text) {
    return text.getBytes(CHARSET);
  }

  /**
   * Encodes a text with its terminating NUL.
   *
   * @param what names the text in the message: {@code argument 2}
   * @throws LaunchException when there is a NUL inside, where C would cut the text
   */
  static byte[] terminated(String text, String what) throws LaunchException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    append(block, encode(text), what);
    return block.toByteArray();
  }

  /** Adds a text and its terminating NUL to a block; see {@link #terminated}. */
  static void append(ByteArrayOutputStream block, byte[] text, String what) throws LaunchException {
    for (byte each : text) {
      if (each == 0) {
        throw new LaunchException(
            Errno.EINVAL, "cannot host: " + what + " contains a NUL character (EINVAL)");
      }
    }
    block.write(text, 0, text.length);
    block.write(0);
  }
}
