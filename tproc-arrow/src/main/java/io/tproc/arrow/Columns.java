package io.tproc.arrow;

import java.util.List;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** Looks at what is to be lent: whether it can be. */
final class Columns {
  private Columns() {}

  /**
   * Checks that a program can be given batches of a schema.
   *
   * @throws IllegalArgumentException when it has a type that a program does not get, or lacks a
   *     dictionary
   */
  static void check(Schema schema, DictionaryProvider dictionaries) {
    for (Field field : schema.getFields()) {
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

  /** Whether a program has to be told of dictionaries, beside the schema. */
  static boolean haveDictionaries(List<Field> fields) {
    return fields.stream()
        .anyMatch(each -> each.getDictionary() != null || haveDictionaries(each.getChildren()));
  }
}
