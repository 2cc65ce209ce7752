package io.tproc.library;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which types of Java stand for which of C, in interfaces and records. */
final class JavaTypes {
  private static final Map<Class<?>, CType> TYPES =
      Map.ofEntries(
          Map.entry(void.class, CType.VOID),
          Map.entry(boolean.class, CType.BOOL),
          Map.entry(byte.class, CType.BYTE),
          Map.entry(short.class, CType.SHORT),
          Map.entry(char.class, CType.UNSIGNED_SHORT),
          Map.entry(int.class, CType.INT),
          Map.entry(long.class, CType.LONG),
          Map.entry(float.class, CType.FLOAT),
          Map.entry(double.class, CType.DOUBLE),
          Map.entry(String.class, CType.STRING),
          Map.entry(Callback.class, CType.POINTER));

  private JavaTypes() {}

  /** The type of C for one of Java. */
  static CType type(Class<?> type) {
    CType known = TYPES.get(type);
    if (known != null) {
      return known;
    }
    if (type.isRecord()) {
      return Records.type(type);
    }
    if (Buffer.class.isAssignableFrom(type) || functionOf(type).isPresent()) {
      return CType.POINTER;
    }
    throw new IllegalArgumentException(
        "no type of C for "
            + type.getName()
            + ": use a primitive type, String, a direct buffer, a record, a functional interface or Callback");
  }

  static Signature signature(Method method) {
    List<CType> arguments = Arrays.stream(method.getParameterTypes()).map(JavaTypes::type).toList();
    return Signature.of(type(method.getReturnType()), arguments);
  }

  /** The method of a functional interface. */
  static Optional<Method> functionOf(Class<?> type) {
    if (!type.isInterface()) {
      return Optional.empty();
    }
    List<Method> methods =
        Arrays.stream(type.getMethods())
            .filter(method -> Modifier.isAbstract(method.getModifiers()))
            .filter(method -> !isOfObject(method))
            .toList();
    return methods.size() == 1 ? Optional.of(methods.get(0)) : Optional.empty();
  }

  static boolean isOfObject(Method method) {
    try {
      Object.class.getMethod(method.getName(), method.getParameterTypes());
      return true;
    } catch (NoSuchMethodException own) {
      return false;
    }
  }

  /** Refuses at once what no call of the method could give or take. */
  static void requireCallable(Method method) {
    requireFromC(method.getReturnType(), "the result of " + method.getName(), true);
    for (Class<?> type : method.getParameterTypes()) {
      if (type.isInterface()) {
        functionOf(type).ifPresent(JavaTypes::requireCallback);
      }
    }
  }

  /** The same for what C calls. */
  static void requireCallback(Method method) {
    for (Class<?> type : method.getParameterTypes()) {
      requireFromC(type, "an argument of " + method.getName(), true);
    }
    if (method.getReturnType() == String.class) {
      throw new IllegalArgumentException(
          "the result of "
              + method.getName()
              + ", which C calls, cannot be a String: nobody would free it; use long");
    }
  }

  /** A pointer has no size, and as a member of a struct it is nothing that could be copied. */
  private static void requireFromC(Class<?> type, String what, boolean alone) {
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        requireFromC(
            component.getType(),
            component.getName() + " of " + type.getName() + ", " + what,
            false);
      }
      return;
    }
    CType known = type(type);
    boolean pointer = known.kind() == CType.Kind.POINTER;
    if (pointer || known.kind() == CType.Kind.STRING && !alone) {
      throw new IllegalArgumentException(
          what + ", cannot be a " + type.getName() + " made of a pointer: use long");
    }
  }

  /** Makes what a call gave what a method promises. */
  static @Nullable Object convert(@Nullable Object value, Class<?> type) {
    if (type.isRecord()) {
      return Records.make(type, (ByteBuffer) Objects.requireNonNull(value));
    }
    if (value instanceof Integer number) {
      return narrow(number, type);
    }
    return value;
  }

  private static Object narrow(Integer number, Class<?> type) {
    if (type == byte.class) {
      return number.byteValue();
    }
    if (type == short.class) {
      return number.shortValue();
    }
    return type == char.class ? (Object) (char) number.intValue() : number;
  }
}
