package io.tproc.it;

import static io.tproc.library.CType.BOOL;
import static io.tproc.library.CType.BYTE;
import static io.tproc.library.CType.DOUBLE;
import static io.tproc.library.CType.FLOAT;
import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.LONG_DOUBLE;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.SHORT;
import static io.tproc.library.CType.STRING;
import static io.tproc.library.CType.UNSIGNED_BYTE;
import static io.tproc.library.CType.UNSIGNED_INT;
import static io.tproc.library.CType.UNSIGNED_SHORT;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryLoadException;
import io.tproc.library.Signature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Values of all types to and from functions of a contained library. */
@ExtendWith(HostExtension.class)
class ContainedLibraryIT {
  private static ContainedLibrary library;

  record Small(int x, float y) {}

  record Mixed(byte a, double b, short c) {}

  record Outer(Small inner, byte tail) {}

  interface Functions {
    long next_int64(long value);

    double next_double(double value);

    byte next_int8(byte value);

    short next_int16(short value);

    char next_uint16(char value);

    boolean negate(boolean value);

    long length_of(String text);

    String greeting();

    String nothing_said();

    void fill(ByteBuffer bytes, long count, int value);

    Small swap_small(Small value);

    Mixed next_mixed(Mixed value);

    Outer next_outer(Outer value);

    default long nextButOne(long value) {
      return next_int64(next_int64(value));
    }
  }

  @BeforeAll
  static void open(TprocHost host) throws Exception {
    library = host.library(Programs.library("contained"));
  }

  @AfterAll
  static void close() {
    library.close();
  }

  private static Object next(CType type, String name, Object value) {
    return library.function("next_" + name, type, type).call(value);
  }

  @Test
  void numbersOfAllTypes() {
    assertThat(next(BYTE, "int8", 126)).isEqualTo(127);
    assertThat(next(BYTE, "int8", 127)).isEqualTo(-128);
    assertThat(next(BYTE, "int8", -1)).isEqualTo(0);
    assertThat(next(UNSIGNED_BYTE, "uint8", 254)).isEqualTo(255);
    assertThat(next(UNSIGNED_BYTE, "uint8", -1)).isEqualTo(0);
    assertThat(next(SHORT, "int16", -2)).isEqualTo(-1);
    assertThat(next(UNSIGNED_SHORT, "uint16", 65534)).isEqualTo(65535);
    assertThat(next(INT, "int32", Integer.MAX_VALUE)).isEqualTo(Integer.MIN_VALUE);
    assertThat(next(UNSIGNED_INT, "uint32", 0xffff_fffeL)).isEqualTo(0xffff_ffffL);
    assertThat(next(LONG, "int64", Long.MAX_VALUE - 1)).isEqualTo(Long.MAX_VALUE);
    assertThat(next(FLOAT, "float", 1.5f)).isEqualTo(2.5f);
    assertThat(next(DOUBLE, "double", -0.25)).isEqualTo(0.75);
    assertThat(next(LONG_DOUBLE, "long_double", 1.25)).isEqualTo(2.25);
    assertThat(next(POINTER, "pointer", 41L)).isEqualTo(42L);
    assertThat(library.function("negate", BOOL, BOOL).call(true)).isEqualTo(false);
    assertThat(library.function("negate", BOOL, BOOL).call(0)).isEqualTo(true);
  }

  @Test
  void moreArgumentsThanRegisters() {
    ContainedFunction sum =
        library.function(
            "sum_of_many",
            DOUBLE,
            BYTE,
            SHORT,
            INT,
            LONG,
            FLOAT,
            DOUBLE,
            UNSIGNED_BYTE,
            UNSIGNED_SHORT,
            UNSIGNED_INT,
            LONG,
            FLOAT,
            DOUBLE,
            DOUBLE,
            DOUBLE,
            DOUBLE,
            DOUBLE,
            DOUBLE,
            LONG,
            LONG);
    Object[] arguments = {
      -1,
      -2,
      -3,
      -4L,
      0.5f,
      1.5,
      200,
      60000,
      4_000_000_000L,
      5L,
      2.5f,
      3.5,
      4.5,
      5.5,
      6.5,
      7.5,
      8.5,
      -9L,
      10L
    };
    double expected = 0;
    for (int i = 0; i < arguments.length; i++) {
      expected += (i + 1) * ((Number) arguments[i]).doubleValue();
    }
    assertThat(sum.callDouble(arguments)).isEqualTo(expected);
  }

  /** A library that nobody can reach is ended, and one whose function somebody can is not. */
  @Test
  void aFunctionKeepsItsLibrary(TprocHost host) throws Exception {
    ContainedFunction kept = openAndForget(host).function("next_int32", INT, INT);
    int before = host.statuses().size();
    openAndForget(host);
    assertThat(
            Patience.until(
                Patience.seconds(60),
                () -> {
                  System.gc();
                  return host.statuses().size() <= before;
                }))
        .isTrue();
    assertThat(kept.callInt(1)).isEqualTo(2);
  }

  private static ContainedLibrary openAndForget(TprocHost host) throws IOException {
    return host.library(Programs.library("contained"));
  }

  @Test
  void textBothWays() {
    ContainedFunction length = library.function("length_of", LONG, STRING);
    assertThat(length.callLong("grüß dich")).isEqualTo(11);
    assertThat(length.callLong("")).isZero();
    assertThat(length.callLong("x".repeat(1_000_000))).isEqualTo(1_000_000);
    assertThat(library.function("greeting", STRING).callString()).isEqualTo("grüß dich");
    assertThat(library.function("nothing_said", STRING).callString()).isNull();
    assertThat(library.function("long_greeting", STRING).callString())
        .isEqualTo("x".repeat(100_000));
    assertThatThrownBy(() -> length.call("a\0b")).hasMessageContaining("NUL");
  }

  @Test
  void memoryOfBothSides(TprocHost host) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(100);
    library.function("fill", VOID, POINTER, LONG, INT).call(bytes.position(10), 80L, 7);
    assertThat(bytes.get(9)).isZero();
    assertThat(bytes.get(10)).isEqualTo((byte) 7);
    assertThat(bytes.get(89)).isEqualTo((byte) 7);
    assertThat(bytes.get(90)).isZero();

    long variable = library.symbol("variable").orElseThrow();
    assertThat(library.function("address_of_variable", POINTER).callLong()).isEqualTo(variable);
    ByteBuffer copy = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
    library.read(variable, copy);
    assertThat(copy.getInt(0)).isEqualTo(42);
    assertThat(host.view(variable, 4).getInt(0)).isEqualTo(42);
  }

  @Test
  void errnoOfTheLatestCall() {
    ContainedFunction fail = library.function("fail_with", INT, INT);
    assertThat(fail.callInt(17)).isEqualTo(-1);
    assertThat(library.errno()).isEqualTo(17);
    library.function("count", LONG).call();
    assertThat(library.errno()).isZero();
  }

  @Test
  void structsByValue() {
    CType small = CType.struct(INT, FLOAT);
    CType large = CType.struct(LONG, LONG, LONG, LONG, LONG);
    ByteBuffer swapped =
        (ByteBuffer) library.function("swap_small", small, small).call(new Small(3, 4.0f));
    assertThat(swapped.getInt(0)).isEqualTo(4);
    assertThat(swapped.getFloat(4)).isEqualTo(3.0f);

    ByteBuffer given = ByteBuffer.allocate(40).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 5; i++) {
      given.putLong(8 * i, i);
    }
    ByteBuffer reversed =
        (ByteBuffer)
            library.function("reverse_large", large, INT, large, INT).call(100, given, 1000);
    assertThat(reversed.getLong(0)).isEqualTo(104);
    assertThat(reversed.getLong(8)).isEqualTo(3);
    assertThat(reversed.getLong(32)).isEqualTo(1000);
    assertThatThrownBy(
            () -> library.function("swap_small", small, small).call(ByteBuffer.allocate(7)))
        .hasMessageContaining("8 bytes, and not 7");
  }

  @Test
  void variadicFunctions() {
    Signature signature = Signature.of(DOUBLE, INT, INT, DOUBLE, INT, DOUBLE).variadicAfter(1);
    assertThat(library.function("sum_variadic", signature).callDouble(4, 1, 2.5, 3, 4.5))
        .isEqualTo(11.0);
    ByteBuffer out = ByteBuffer.allocateDirect(100);
    Signature printing =
        Signature.of(INT, POINTER, LONG, STRING, INT, DOUBLE, STRING).variadicAfter(3);
    int length =
        library.function("snprintf", printing).callInt(out, 100L, "%d %.2f %s", -5, 1.25, "end");
    byte[] text = new byte[length];
    out.get(0, text);
    assertThat(new String(text, java.nio.charset.StandardCharsets.UTF_8)).isEqualTo("-5 1.25 end");
    assertThatThrownBy(() -> Signature.of(INT, STRING, FLOAT).variadicAfter(1))
        .hasMessageContaining("promotes");
  }

  /** As many as C guarantees; more is refused, as SignatureTest shows. */
  @Test
  void asManyArgumentsAsThereCanBe() {
    int count = 126;
    CType[] types = new CType[1 + count];
    Object[] arguments = new Object[1 + count];
    types[0] = INT;
    arguments[0] = count;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      types[1 + i] = i % 2 == 0 ? INT : DOUBLE;
      arguments[1 + i] = i % 2 == 0 ? (Object) i : (Object) (i + 0.5);
      sum += i + i % 2 * 0.5;
    }
    assertThat(
            library
                .function("sum_variadic", Signature.of(DOUBLE, types).variadicAfter(1))
                .callDouble(arguments))
        .isEqualTo(sum);
  }

  @Test
  void asAnInterface() {
    Functions functions = library.as(Functions.class);
    assertThat(functions.next_int64(41)).isEqualTo(42);
    assertThat(functions.nextButOne(40)).isEqualTo(42);
    assertThat(functions.next_double(0.5)).isEqualTo(1.5);
    assertThat(functions.next_int8((byte) 127)).isEqualTo((byte) -128);
    assertThat(functions.next_int16((short) 1)).isEqualTo((short) 2);
    assertThat(functions.next_uint16((char) 65535)).isEqualTo((char) 0);
    assertThat(functions.negate(true)).isFalse();
    assertThat(functions.length_of("four")).isEqualTo(4);
    assertThat(functions.greeting()).isEqualTo("grüß dich");
    assertThat(functions.nothing_said()).isNull();
    assertThat(functions.swap_small(new Small(3, 4))).isEqualTo(new Small(4, 3));
    assertThat(functions.next_mixed(new Mixed((byte) 1, 2.5, (short) 3)))
        .isEqualTo(new Mixed((byte) 2, 4.5, (short) 6));
    assertThat(functions.next_outer(new Outer(new Small(1, 2), (byte) 3)))
        .isEqualTo(new Outer(new Small(2, 2), (byte) 4));
    ByteBuffer bytes = ByteBuffer.allocateDirect(3);
    functions.fill(bytes, 3, 9);
    assertThat(bytes.get(2)).isEqualTo((byte) 9);
    assertThat(functions).hasToString(functions.toString()).isNotEqualTo(library);
  }

  interface Missing {
    int no_such_function(int value);
  }

  interface Unsuitable {
    int next_int32(Object value);
  }

  @Test
  void whatIsWrongIsSaid(TprocHost host) {
    ContainedFunction next = library.function("next_int32", INT, INT);
    assertThatThrownBy(next::call).hasMessage("next_int32 takes 1 arguments, not 0");
    assertThatThrownBy(() -> next.call("text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not a value for int32: text");
    assertThatThrownBy(() -> next.call(1L << 32)).hasMessageContaining("out of the range of int32");
    assertThatThrownBy(() -> next.call(1.5)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                library
                    .function("fill", VOID, POINTER, LONG, INT)
                    .call(ByteBuffer.allocate(1), 1, 1))
        .hasMessageContaining("not a direct buffer");
    assertThatThrownBy(() -> library.function("no_such_function", INT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no no_such_function in ")
        .hasMessageContaining("undefined symbol");
    assertThatThrownBy(() -> library.as(Missing.class)).hasMessageContaining("no_such_function");
    assertThatThrownBy(() -> library.as(Unsuitable.class))
        .hasMessageContaining("no type of C for java.lang.Object");
    assertThat(library.symbol("no_such_symbol")).isEmpty();
    assertThat(next.callInt(1)).isEqualTo(2);
  }

  @Test
  void aLibraryThatCannotBeLoadedLeavesNothingBehind(TprocHost host) throws Exception {
    host.library("libc.so.6").close();
    Resources before = Resources.now();
    assertThatThrownBy(() -> host.library("libnosuchlibrary.so.7"))
        .isInstanceOf(LibraryLoadException.class)
        .hasMessageContaining("cannot load libnosuchlibrary.so.7: ")
        .hasMessageContaining("cannot open shared object file");
    assertThatThrownBy(() -> host.library(Programs.library("crashing")))
        .isInstanceOf(LibraryLoadException.class)
        .hasMessageContaining("libcrashing.so")
        .hasMessageContaining("SIGABRT");
    before.assertAsBefore();
  }
}
