package io.tproc.arrow;

import java.util.Map;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** Types as the C Data Interface writes them. */
final class Formats {
  private static final Map<String, ArrowType> SIMPLE =
      Map.ofEntries(
          Map.entry("n", ArrowType.Null.INSTANCE),
          Map.entry("b", ArrowType.Bool.INSTANCE),
          Map.entry("c", new ArrowType.Int(8, true)),
          Map.entry("C", new ArrowType.Int(8, false)),
          Map.entry("s", new ArrowType.Int(16, true)),
          Map.entry("S", new ArrowType.Int(16, false)),
          Map.entry("i", new ArrowType.Int(32, true)),
          Map.entry("I", new ArrowType.Int(32, false)),
          Map.entry("l", new ArrowType.Int(64, true)),
          Map.entry("L", new ArrowType.Int(64, false)),
          Map.entry("e", new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)),
          Map.entry("f", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)),
          Map.entry("g", new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE)),
          Map.entry("z", ArrowType.Binary.INSTANCE),
          Map.entry("Z", ArrowType.LargeBinary.INSTANCE),
          Map.entry("u", ArrowType.Utf8.INSTANCE),
          Map.entry("U", ArrowType.LargeUtf8.INSTANCE),
          Map.entry("+l", ArrowType.List.INSTANCE),
          Map.entry("+L", ArrowType.LargeList.INSTANCE),
          Map.entry("+s", ArrowType.Struct.INSTANCE),
          Map.entry("tdD", new ArrowType.Date(DateUnit.DAY)),
          Map.entry("tdm", new ArrowType.Date(DateUnit.MILLISECOND)),
          Map.entry("tts", new ArrowType.Time(TimeUnit.SECOND, 32)),
          Map.entry("ttm", new ArrowType.Time(TimeUnit.MILLISECOND, 32)),
          Map.entry("ttu", new ArrowType.Time(TimeUnit.MICROSECOND, 64)),
          Map.entry("ttn", new ArrowType.Time(TimeUnit.NANOSECOND, 64)),
          Map.entry("tDs", new ArrowType.Duration(TimeUnit.SECOND)),
          Map.entry("tDm", new ArrowType.Duration(TimeUnit.MILLISECOND)),
          Map.entry("tDu", new ArrowType.Duration(TimeUnit.MICROSECOND)),
          Map.entry("tDn", new ArrowType.Duration(TimeUnit.NANOSECOND)),
          Map.entry("tiM", new ArrowType.Interval(IntervalUnit.YEAR_MONTH)),
          Map.entry("tiD", new ArrowType.Interval(IntervalUnit.DAY_TIME)),
          Map.entry("tin", new ArrowType.Interval(IntervalUnit.MONTH_DAY_NANO)));

  private static final Map<Character, TimeUnit> UNITS =
      Map.of(
          's', TimeUnit.SECOND,
          'm', TimeUnit.MILLISECOND,
          'u', TimeUnit.MICROSECOND,
          'n', TimeUnit.NANOSECOND);

  private Formats() {}

  /** Whether both ways are open to a type. */
  static boolean isKnown(ArrowType type) {
    return switch (type.getTypeID()) {
      case FixedSizeBinary, FixedSizeList, Map, Timestamp, Decimal -> true;
      default -> SIMPLE.containsValue(type);
    };
  }

  /**
   * The type that a program has written.
   *
   * @throws IllegalArgumentException when Java does not get such a type
   */
  static ArrowType parse(String format, boolean keysSorted) {
    ArrowType simple = SIMPLE.get(format);
    ArrowType type = simple != null ? simple : parameterized(format, keysSorted);
    if (type == null) {
      throw new IllegalArgumentException("a type that Java does not get: '" + format + "'");
    }
    return type;
  }

  private static @Nullable ArrowType parameterized(String format, boolean keysSorted) {
    if (format.equals("+m")) {
      return new ArrowType.Map(keysSorted);
    }
    if (format.startsWith("w:")) {
      return new ArrowType.FixedSizeBinary(positive(format, format.substring(2)));
    }
    if (format.startsWith("+w:")) {
      return new ArrowType.FixedSizeList(positive(format, format.substring(3)));
    }
    if (format.startsWith("d:")) {
      return decimal(format, format.substring(2).split(",", -1));
    }
    return timestamp(format);
  }

  private static @Nullable ArrowType decimal(String format, String[] numbers) {
    if (numbers.length < 2 || numbers.length > 3) {
      return null;
    }
    int bits = numbers.length == 2 ? 128 : positive(format, numbers[2]);
    if (bits != 128 && bits != 256) {
      return null;
    }
    return new ArrowType.Decimal(positive(format, numbers[0]), number(format, numbers[1]), bits);
  }

  private static @Nullable ArrowType timestamp(String format) {
    if (format.length() < 4 || !format.startsWith("ts") || format.charAt(3) != ':') {
      return null;
    }
    TimeUnit unit = UNITS.get(format.charAt(2));
    String zone = format.substring(4);
    return unit == null ? null : new ArrowType.Timestamp(unit, zone.isEmpty() ? null : zone);
  }

  private static int positive(String format, String text) {
    int number = number(format, text);
    if (number <= 0) {
      throw new IllegalArgumentException(
          "a type with a number that is not positive: '" + format + "'");
    }
    return number;
  }

  private static int number(String format, String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException none) {
      throw new IllegalArgumentException("a type without its number: '" + format + "'", none);
    }
  }
}
