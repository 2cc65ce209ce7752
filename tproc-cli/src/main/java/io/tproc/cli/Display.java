package io.tproc.cli;

/** Where a text is shown again and again. */
interface Display extends AutoCloseable {
  /** How many characters of a line can be seen. */
  int width();

  /** What has to be written so that the text is seen. */
  String show(String text);

  /** As it was before. */
  @Override
  void close();

  /** A file or a pipe: each text after the last, and an empty line between. */
  static Display appended() {
    return new Display() {
      private String gap = "";

      @Override
      public int width() {
        return Integer.MAX_VALUE;
      }

      @Override
      public String show(String text) {
        String shown = gap + text;
        gap = System.lineSeparator();
        return shown;
      }

      @Override
      public void close() {
        // Nothing was changed.
      }
    };
  }
}
