package io.tproc.arrow;

import io.tproc.spi.Printable;

/**
 * A program has answered with what is no batch, or with one that is not right: a column of a type
 * that Java does not get, a length without the memory for it, a buffer that is neither the
 * request's nor the result's. The message names the column.
 */
public final class ArrowFormatException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ArrowFormatException(String message) {
    super(Printable.text(message));
  }

  static ArrowFormatException column(String path, String what) {
    return new ArrowFormatException(
        path.isEmpty() ? "the result: " + what : "column '" + path + "': " + what);
  }
}
