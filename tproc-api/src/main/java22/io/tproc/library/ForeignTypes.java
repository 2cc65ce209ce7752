package io.tproc.library;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Layouts as types of C, and values of the one as values of the other. */
final class ForeignTypes {
  private ForeignTypes() {}

  static Signature signature(FunctionDescriptor function) {
    CType result = function.returnLayout().map(ForeignTypes::type).orElse(CType.VOID);
    return Signature.of(
        result, function.argumentLayouts().stream().map(ForeignTypes::type).toList());
  }

  static CType type(MemoryLayout layout) {
    if (layout instanceof ValueLayout value
        && value.byteSize() > 1
        && value.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException("a layout in a byte order that C does not use: " + layout);
    }
    return switch (layout) {
      case ValueLayout.OfBoolean unused -> CType.BOOL;
      case ValueLayout.OfByte unused -> CType.BYTE;
      case ValueLayout.OfShort unused -> CType.SHORT;
      case ValueLayout.OfChar unused -> CType.UNSIGNED_SHORT;
      case ValueLayout.OfInt unused -> CType.INT;
      case ValueLayout.OfLong unused -> CType.LONG;
      case ValueLayout.OfFloat unused -> CType.FLOAT;
      case ValueLayout.OfDouble unused -> CType.DOUBLE;
      case AddressLayout unused -> CType.POINTER;
      case StructLayout struct -> struct(struct);
      default ->
          throw new IllegalArgumentException("cannot be passed to a contained library: " + layout);
    };
  }

  private static CType struct(StructLayout layout) {
    List<CType> members = new ArrayList<>();
    layout.memberLayouts().forEach(member -> addMembers(member, members));
    CType type = CType.struct(members.toArray(CType[]::new));
    if (type.size() != layout.byteSize()) {
      throw new IllegalArgumentException(
          "not laid out as C compilers do, with " + type.size() + " bytes: " + layout);
    }
    return type;
  }

  private static void addMembers(MemoryLayout layout, List<CType> members) {
    if (layout instanceof PaddingLayout) {
      return;
    }
    if (layout instanceof SequenceLayout sequence) {
      for (long i = 0; i < sequence.elementCount(); i++) {
        addMembers(sequence.elementLayout(), members);
      }
    } else {
      members.add(type(layout));
    }
  }

  static Object toC(Object value, MemoryLayout layout) {
    if (!(value instanceof MemorySegment segment)) {
      return value;
    }
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException("a segment of another thread's arena: " + segment);
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("a segment whose arena is closed: " + segment);
    }
    if (layout instanceof StructLayout) {
      return ByteBuffer.wrap(segment.asSlice(0, layout.byteSize()).toArray(ValueLayout.JAVA_BYTE));
    }
    if (!segment.isNative()) {
      throw new IllegalArgumentException("a heap segment, which the garbage collector may move");
    }
    return segment.address();
  }

  /** A struct as an argument of Java's: aligned as its layout says, which an array is not. */
  static MemorySegment struct(ByteBuffer bytes, MemoryLayout layout) {
    return Arena.ofAuto().allocate(layout).copyFrom(MemorySegment.ofBuffer(bytes));
  }

  static Object toJava(Object value, MemoryLayout layout) {
    return switch (layout) {
      case ValueLayout.OfByte unused -> ((Number) value).byteValue();
      case ValueLayout.OfShort unused -> ((Number) value).shortValue();
      case ValueLayout.OfChar unused -> (char) ((Number) value).intValue();
      case AddressLayout address -> ForeignCall.segment((long) value, address);
      default -> value;
    };
  }
}
