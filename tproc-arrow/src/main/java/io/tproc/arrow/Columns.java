package io.tproc.arrow;

import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;

/** Looks at what is to be lent: whether it can be, and where it lies. */
final class Columns {
  private Columns() {}

  /**
   * Checks that a program can be given a batch.
   *
   * @throws IllegalArgumentException when it has a type that a program does not get, or lacks a
   *     dictionary
   */
  static void check(VectorSchemaRoot batch, DictionaryProvider dictionaries) {
    for (Field field : batch.getSchema().getFields()) {
      check(field, dictionaries, field.getName());
    }
  }

  private static void check(Field field, DictionaryProvider dictionaries, String path) {
    DictionaryEncoding encoding = field.getDictionary();
    ArrowType type = encoding == null ? field.getType() : encoding.getIndexType();
    if (!Formats.isKnown(type)) {
      throw new IllegalArgumentException(
          "column '" + path + "': a type that programs do not get: " + type);
    }
    if (encoding != null) {
      Dictionary dictionary = dictionaries.lookup(encoding.getId());
      if (dictionary == null) {
        throw new IllegalArgumentException(
            "column '" + path + "': there is no dictionary " + encoding.getId());
      }
      check(dictionary.getVector().getField(), dictionaries, path);
      return;
    }
    for (Field child : field.getChildren()) {
      check(child, dictionaries, path + "." + child.getName());
    }
  }

  /** Where the buffers of a batch lie. */
  static List<Region> regions(VectorSchemaRoot batch, DictionaryProvider dictionaries) {
    List<Region> regions = new ArrayList<>();
    for (FieldVector each : batch.getFieldVectors()) {
      addRegions(each, dictionaries, regions);
    }
    return regions;
  }

  private static void addRegions(
      FieldVector vector, DictionaryProvider dictionaries, List<Region> regions) {
    for (ArrowBuf buffer : vector.getFieldBuffers()) {
      if (buffer.capacity() > 0) {
        regions.add(new Region(buffer.memoryAddress(), buffer.capacity()));
      }
    }
    for (FieldVector child : vector.getChildrenFromFields()) {
      addRegions(child, dictionaries, regions);
    }
    DictionaryEncoding encoding = vector.getField().getDictionary();
    Dictionary dictionary = encoding == null ? null : dictionaries.lookup(encoding.getId());
    if (dictionary != null) {
      addRegions(dictionary.getVector(), dictionaries, regions);
    }
  }
}
