package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.DoubleAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which values of Java stand for which of C. */
class ValuesTest {
  private static final Values.Place PLACE =
      new Values.Place() {
        @Override
        public long address(String text) {
          throw new AssertionError(text);
        }

        @Override
        public long address(Buffer direct) {
          return 1000;
        }

        @Override
        public long address(Callback callback) {
          throw new AssertionError(callback);
        }
      };

  private static ByteBuffer put(CType type, @Nullable Object value) {
    ByteBuffer memory = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
    Values.put(memory, 0, type, value, PLACE);
    return memory;
  }

  private static void assertRefused(CType type, Object value, String message) {
    assertThatThrownBy(() -> put(type, value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void largeNumbersFitByTheirBits() {
    BigInteger largest = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    assertThat(put(CType.LONG, largest).getLong(0)).isEqualTo(-1);
    assertThat(put(CType.LONG, BigInteger.ONE.shiftLeft(63).negate()).getLong(0))
        .isEqualTo(Long.MIN_VALUE);
    assertThat(put(CType.INT, new BigDecimal("7.00")).getInt(0)).isEqualTo(7);
    assertThat(put(CType.UNSIGNED_INT, new BigDecimal("4E9")).getInt(0))
        .isEqualTo((int) 4_000_000_000L);
    assertThat(put(CType.DOUBLE, largest).getDouble(0)).isEqualTo(0x1p64);
    assertThat(put(CType.FLOAT, Double.POSITIVE_INFINITY).getFloat(0)).isInfinite();
    assertThat(put(CType.BOOL, 0.5).get(0)).isEqualTo((byte) 1);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    BigInteger tooLarge = BigInteger.ONE.shiftLeft(64);
    assertRefused(CType.INT, tooLarge.add(BigInteger.ONE), "out of the range of int32");
    assertRefused(CType.LONG, tooLarge, "out of the range of int64: 18446744073709551616");
    assertRefused(CType.LONG, tooLarge.negate(), "out of the range of int64");
    assertRefused(CType.LONG, BigInteger.ONE.shiftLeft(63).not(), "out of the range of int64");
    assertRefused(CType.LONG, new BigDecimal("1e1000000000"), "out of the range of int64");
    assertRefused(CType.LONG, new BigDecimal("1.5"), "not a value for int64: 1.5");
    DoubleAdder half = new DoubleAdder();
    half.add(0.5);
    assertRefused(CType.LONG, half, "not a value for int64: 0.5");
    assertRefused(CType.FLOAT, 1e300, "out of the range of float: 1.0E300");
    assertRefused(CType.DOUBLE, new BigDecimal("1e400"), "out of the range of double");
  }

  private static Buffer doubles(ByteOrder order) {
    return ByteBuffer.allocateDirect(32).order(order).asDoubleBuffer().position(1);
  }

  @Test
  void elementsAreInTheOrderOfC() {
    ByteOrder other =
        ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
            ? ByteOrder.LITTLE_ENDIAN
            : ByteOrder.BIG_ENDIAN;
    assertThat(put(CType.POINTER, doubles(ByteOrder.nativeOrder())).getLong(0)).isEqualTo(1008);
    assertRefused(CType.POINTER, doubles(other), "elements in " + other + " order, where C uses");
    assertThat(put(CType.POINTER, ByteBuffer.allocateDirect(8).order(other)).getLong(0))
        .isEqualTo(1000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"callInt", "callLong", "callDouble", "callString"})
  void resultsOfOtherTypesAreRefusedBeforeTheCall(String how) throws Exception {
    CType[] types = {CType.VOID, CType.struct(CType.INT)};
    for (CType type : types) {
      ContainedFunction function = UncallableFunction.of("f", Signature.of(type));
      assertThatThrownBy(
              () ->
                  ContainedFunction.class
                      .getMethod(how, Object[].class)
                      .invoke(function, (Object) new Object[0]))
          .cause()
          .isInstanceOf(ClassCastException.class)
          .hasMessageStartingWith("f gives " + type + ", not a");
    }
    assertThatThrownBy(() -> UncallableFunction.of("f", Signature.of(CType.LONG)).callInt())
        .isInstanceOf(ClassCastException.class)
        .hasMessage("f gives int64, not an int");
    assertThatThrownBy(() -> UncallableFunction.of("f", Signature.of(CType.INT)).callDouble())
        .isInstanceOf(ClassCastException.class);
  }
}
