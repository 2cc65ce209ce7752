package io.tproc.arrow;

import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;

/**
 * The columns that a program has answered with, where it has written them. They are this JVM's: the
 * program's end does not touch them. To be closed before the host and the allocator are; not
 * thread-safe, as Arrow's vectors are not.
 */
public final class ArrowResult implements AutoCloseable {
  private final VectorSchemaRoot root;
  private final DictionaryProvider.MapDictionaryProvider dictionaries;

  ArrowResult(VectorSchemaRoot root, DictionaryProvider.MapDictionaryProvider dictionaries) {
    this.root = root;
    this.dictionaries = dictionaries;
  }

  static ArrowResult empty() {
    return new ArrowResult(
        new VectorSchemaRoot(List.<FieldVector>of()),
        new DictionaryProvider.MapDictionaryProvider());
  }

  /**
   * The columns.
   *
   * @return this result's: closed with it. Without columns and rows, when the program has not
   *     answered with a batch
   */
  public VectorSchemaRoot root() {
    return root;
  }

  /**
   * What the indices in dictionary-encoded columns stand for.
   *
   * @return this result's: closed with it
   */
  public DictionaryProvider dictionaries() {
    return dictionaries;
  }

  /**
   * Releases the columns, and with the last of them the memory. Calls after the first do nothing.
   */
  @Override
  public void close() {
    root.close();
    dictionaries.close();
  }
}
