package io.tproc.it;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Batches of columns for tests, with the dictionaries they need. */
final class ArrowBatches implements AutoCloseable {
  static final int ROWS = 3;

  private final BufferAllocator allocator;
  private final MapDictionaryProvider dictionaries = new MapDictionaryProvider();
  private final List<FieldVector> columns = new ArrayList<>();
  private final VectorSchemaRoot root;

  /** A column of each type, with a null in the middle where it can have one. */
  ArrowBatches(BufferAllocator allocator) {
    this.allocator = allocator;
    types().forEach((name, type) -> columns.add(filled(name, type)));
    addNested();
    this.root = new VectorSchemaRoot(columns);
    root.setRowCount(ROWS);
  }

  private ArrowBatches(BufferAllocator allocator, int what) {
    this.allocator = allocator;
    IntVector command = new IntVector("do", allocator);
    command.allocateNew(ROWS);
    for (int i = 0; i < ROWS; i++) {
      command.set(i, what);
    }
    columns.add(command);
    addNested();
    this.root = new VectorSchemaRoot(columns);
    root.setRowCount(ROWS);
  }

  /** Columns that have others in them, after a command for arrow.cpp. */
  static ArrowBatches nested(BufferAllocator allocator, int what) {
    return new ArrowBatches(allocator, what);
  }

  private static Map<String, ArrowType> types() {
    Map<String, ArrowType> types = new java.util.LinkedHashMap<>();
    for (int bits : new int[] {8, 16, 32, 64}) {
      types.put("signed" + bits, new ArrowType.Int(bits, true));
      types.put("unsigned" + bits, new ArrowType.Int(bits, false));
    }
    for (FloatingPointPrecision each : FloatingPointPrecision.values()) {
      types.put("float " + each, new ArrowType.FloatingPoint(each));
    }
    for (TimeUnit each : TimeUnit.values()) {
      int bits = each == TimeUnit.SECOND || each == TimeUnit.MILLISECOND ? 32 : 64;
      types.put("time " + each, new ArrowType.Time(each, bits));
      types.put("timestamp " + each, new ArrowType.Timestamp(each, null));
      types.put("timestamp of a zone " + each, new ArrowType.Timestamp(each, "Europe/Vienna"));
      types.put("duration " + each, new ArrowType.Duration(each));
    }
    for (DateUnit each : DateUnit.values()) {
      types.put("date " + each, new ArrowType.Date(each));
    }
    for (IntervalUnit each : IntervalUnit.values()) {
      types.put("interval " + each, new ArrowType.Interval(each));
    }
    types.put("bool", ArrowType.Bool.INSTANCE);
    types.put("decimal", new ArrowType.Decimal(20, 3, 128));
    types.put("wide decimal", new ArrowType.Decimal(50, -3, 256));
    types.put("fixed", new ArrowType.FixedSizeBinary(5));
    types.put("utf8", ArrowType.Utf8.INSTANCE);
    types.put("large utf8", ArrowType.LargeUtf8.INSTANCE);
    types.put("binary", ArrowType.Binary.INSTANCE);
    types.put("large binary", ArrowType.LargeBinary.INSTANCE);
    types.put("null", ArrowType.Null.INSTANCE);
    return types;
  }

  private FieldVector filled(String name, ArrowType type) {
    FieldType fieldType = new FieldType(true, type, null, Map.of("key", name, "empty", ""));
    FieldVector vector = new Field(name, fieldType, List.of()).createVector(allocator);
    vector.setInitialCapacity(ROWS);
    vector.allocateNew();
    if (vector instanceof org.apache.arrow.vector.BaseVariableWidthVector texts) {
      for (int i = 0; i < ROWS; i += 2) {
        texts.setSafe(i, "a text".repeat(i).getBytes(StandardCharsets.UTF_8));
      }
    } else if (vector instanceof org.apache.arrow.vector.BaseLargeVariableWidthVector texts) {
      for (int i = 0; i < ROWS; i += 2) {
        texts.setSafe(i, "a text".repeat(i).getBytes(StandardCharsets.UTF_8));
      }
    } else if (vector instanceof org.apache.arrow.vector.BaseFixedWidthVector numbers) {
      numbers.setValueCount(ROWS);
      for (int i = 0; i < ROWS; i += 2) {
        numbers.getDataBuffer().setByte((long) i * numbers.getTypeWidth(), i + 1);
        numbers.getValidityBuffer().setByte(0, 5);
      }
    }
    vector.setValueCount(ROWS);
    return vector;
  }

  private void addNested() {
    ListVector lists = ListVector.empty("lists", allocator);
    UnionListWriter writer = lists.getWriter();
    writer.allocate();
    for (int[] each : new int[][] {{1, 2, 3}, {}, {}}) {
      writer.startList();
      for (int number : each) {
        writer.writeInt(number);
      }
      writer.endList();
    }
    lists.setValueCount(ROWS);
    lists.setNull(1);
    columns.add(lists);

    StructVector records = StructVector.empty("records", allocator);
    VarCharVector names =
        records.addOrGet("name", FieldType.nullable(ArrowType.Utf8.INSTANCE), VarCharVector.class);
    IntVector ages =
        records.addOrGet("age", FieldType.nullable(new ArrowType.Int(32, true)), IntVector.class);
    names.allocateNew();
    ages.allocateNew(ROWS);
    for (int i = 0; i < ROWS; i += 2) {
      names.setSafe(i, (i == 0 ? "a" : "ccc").getBytes(StandardCharsets.UTF_8));
      ages.set(i, i);
      records.setIndexDefined(i);
    }
    records.setValueCount(ROWS);
    columns.add(records);
    addDictionary();
  }

  private void addDictionary() {
    VarCharVector words = new VarCharVector("words", allocator);
    words.allocateNew();
    words.setSafe(0, "one".getBytes(StandardCharsets.UTF_8));
    words.setSafe(1, "two".getBytes(StandardCharsets.UTF_8));
    words.setValueCount(2);
    ArrowType.Int index = new ArrowType.Int(32, true);
    DictionaryEncoding encoding = new DictionaryEncoding(77, false, index);
    dictionaries.put(new Dictionary(words, encoding));
    IntVector indices =
        new IntVector("words", new FieldType(true, index, encoding, Map.of()), allocator);
    indices.allocateNew(ROWS);
    for (int i = 0; i < ROWS; i++) {
      indices.set(i, i % 2);
    }
    indices.setValueCount(ROWS);
    columns.add(indices);
  }

  VectorSchemaRoot root() {
    return root;
  }

  MapDictionaryProvider dictionaries() {
    return dictionaries;
  }

  @Override
  public void close() {
    root.close();
    dictionaries.close();
  }
}
