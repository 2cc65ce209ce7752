package io.tproc.bench.executors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MarkedPartTest {
  private static final String TEXT =
      "# A\n\n<!-- one: begin, by X -->\nold\n\nold\n<!-- one: end -->\nB\n"
          + "<!-- two: begin, by X -->\n<!-- two: end -->\n";

  @TempDir Path directory;

  private Path document(String text) throws IOException {
    return Files.writeString(directory.resolve("document.md"), text);
  }

  @Test
  void whatIsBetweenTheCommentsIsReplaced() throws IOException {
    Path document = document(TEXT);
    MarkedPart.replace(document, "one", "new\n");
    MarkedPart.replace(document, "two", "| a |\n\n| b |\n");
    assertThat(document)
        .hasContent(
            "# A\n\n<!-- one: begin, by X -->\nnew\n<!-- one: end -->\nB\n"
                + "<!-- two: begin, by X -->\n| a |\n\n| b |\n<!-- two: end -->\n");
  }

  @Test
  void aDocumentWithoutThemStaysAsItWas() throws IOException {
    Path document = document(TEXT);
    assertThatIOException()
        .isThrownBy(() -> MarkedPart.replace(document, "three", "new"))
        .withMessageContaining("0 lines that begin with '<!-- three: begin'");
    assertThat(document).hasContent(TEXT);
    Path reversed = document("<!-- one: end -->\n<!-- one: begin -->\n");
    assertThatIOException()
        .isThrownBy(() -> MarkedPart.replace(reversed, "one", "new"))
        .withMessageContaining("ends before it begins");
  }

  @Test
  void theDocumentHasThePartsThatAreWritten() throws IOException {
    Path document = document(Files.readString(Path.of("../../docs/scale.md")));
    for (String name : new String[] {"peers", "scale"}) {
      MarkedPart.replace(document, name, "figures of " + name);
      assertThat(document).content().contains("\nfigures of " + name + "\n<!-- ");
    }
  }
}
