package io.tproc.python;

import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What one call says, and what is answered. */
final class Call {
  private final WorkerRequest request;
  private final List<Memory> memories;

  /**
   * Writes a call down.
   *
   * @throws IllegalArgumentException when an argument cannot go to Python
   */
  Call(String module, String name, @Nullable Object[] arguments, Map<String, ?> keywords) {
    ValueWriter writer = new ValueWriter();
    writer.call(module, name, arguments, keywords);
    WorkerRequest whole = WorkerRequest.of(writer.bytes());
    for (Memory memory : writer.memories()) {
      whole = memory.addTo(whole);
    }
    this.request = whole;
    this.memories = writer.memories();
  }

  WorkerRequest request() {
    return request;
  }

  /**
   * Reads what was answered.
   *
   * @throws PythonException when that is an exception
   * @throws IllegalStateException when it is nothing that an interpreter answers
   */
  @Nullable Object result(WorkerResponse response) {
    Object answer;
    try {
      answer = new ValueReader(response.data(), memories).whole();
    } catch (IllegalArgumentException nonsense) {
      throw new IllegalStateException(
          "cannot read what Python has answered: " + nonsense.getMessage(), nonsense);
    }
    if (answer instanceof List<?> parts) {
      if (parts.size() == 2 && Boolean.TRUE.equals(parts.get(0))) {
        return parts.get(1);
      }
      if (parts.size() == 5
          && parts.get(1) instanceof String step
          && parts.get(2) instanceof String type
          && parts.get(3) instanceof String message
          && parts.get(4) instanceof String traceback) {
        throw new PythonException(step, type, message, traceback);
      }
    }
    throw new IllegalStateException("cannot read what Python has answered: it is no answer");
  }
}
