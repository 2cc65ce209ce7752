package io.tproc.library;

import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Records as structs. */
final class Records {
  private Records() {}

  static CType type(Class<?> record) {
    RecordComponent[] components = record.getRecordComponents();
    CType[] members = new CType[components.length];
    for (int i = 0; i < members.length; i++) {
      members[i] = JavaTypes.type(components[i].getType());
    }
    return CType.struct(members);
  }

  static List<@Nullable Object> values(Record record) {
    List<@Nullable Object> values = new ArrayList<>();
    try {
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        component.getAccessor().setAccessible(true);
        values.add(component.getAccessor().invoke(record));
      }
      return values;
    } catch (ReflectiveOperationException | RuntimeException refused) {
      throw inaccessible(record.getClass(), refused);
    }
  }

  static Object make(Class<?> record, ByteBuffer struct) {
    RecordComponent[] components = record.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    int end = 0;
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      CType member = JavaTypes.type(types[i]);
      int offset = CType.aligned(end, member.alignment());
      values[i] = JavaTypes.convert(Values.get(struct, offset, member), types[i]);
      end = offset + member.size();
    }
    try {
      Constructor<?> constructor = record.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (ReflectiveOperationException | RuntimeException refused) {
      throw inaccessible(record, refused);
    }
  }

  private static IllegalArgumentException inaccessible(Class<?> record, Exception refused) {
    return new IllegalArgumentException(
        "cannot use " + record.getName() + " as a struct; is its package open to io.tproc?",
        refused);
  }
}
