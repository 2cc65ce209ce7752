package org.slf4j;

/** As much of SLF4J's interface as native-lib-loader's extraction calls. */
public interface Logger {
  /** What helps only in the search for an error. */
  void debug(String message);

  /** What went wrong. */
  void error(String message, Throwable cause);
}
