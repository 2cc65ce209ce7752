package io.tproc.python;

import io.tproc.spi.Printable;
import java.io.Serial;

/**
 * A function of Python has raised an exception, or could not be found, or what it returned cannot
 * go to Java. The message says which, with the exception's type and message. The interpreter goes
 * on.
 */
public final class PythonException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final String type;
  private final String pythonMessage;
  private final String traceback;

  PythonException(String step, String type, String pythonMessage, String traceback) {
    super(
        Printable.lines(
            step + ": " + type + (pythonMessage.isEmpty() ? "" : ": " + pythonMessage)));
    this.type = type;
    this.pythonMessage = pythonMessage;
    this.traceback = traceback;
  }

  /**
   * The exception's class.
   *
   * @return its qualified name, as {@code json.decoder.JSONDecodeError}; without a module when it
   *     is one of Python's own, as {@code ValueError}
   */
  public String type() {
    return type;
  }

  /**
   * What {@code str()} of the exception gives.
   *
   * @return the text, which may be empty
   */
  public String pythonMessage() {
    return pythonMessage;
  }

  /**
   * Where it was raised, as Python prints it: the calls from the function on, the exception, and
   * those that it was raised from.
   *
   * @return several lines; the last one ends with a newline, too
   */
  public String traceback() {
    return traceback;
  }
}
