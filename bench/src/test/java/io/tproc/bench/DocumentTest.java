package io.tproc.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentTest {
  @TempDir Path directory;

  @AfterEach
  void nothingIsWrittenAnyMore() {
    System.clearProperty(Results.FILE);
    System.clearProperty(Results.BENCHMARK);
  }

  private static boolean hasFonts() {
    try {
      FontRenderContext context = new FontRenderContext(null, false, false);
      return new Font(Font.SANS_SERIF, Font.PLAIN, 12).getStringBounds("x", context).getWidth() > 0;
    } catch (LinkageError | RuntimeException withoutFontconfig) {
      return false;
    }
  }

  @Test
  void whatIsReportedIsInTheDocumentAndItsPictures() throws IOException {
    assumeTrue(hasFonts(), "skipped: Java has no font here");
    Path figures = directory.resolve("figures.json");
    Results.begin(figures, "a machine");
    Report.title("launch", "");
    Report.ratio("x", "us", new Sample(2, 3, 4), "peer", new Sample(4, 6, 8), "aim <= 1");
    Report.title("handover", "");
    Report.point("in place", 64, "us", new Sample(1.25));
    Report.point("in place", 1 << 20, "us", new Sample(1000));
    Report.title("latency", "");
    Histogram histogram = new Histogram(3);
    histogram.recordValue(42_000);
    Report.latency("a call", histogram);

    Document.write(figures, directory);

    assertThat(directory.resolve("performance.md"))
        .content()
        .contains("The run, and its machine:\n\n- a machine\n")
        .contains("| x | 3.00 us | peer, 6.00 us | **0.50** (0.50–0.50) | 3 | aim <= 1 |")
        .contains("| 64 | 1.25 |")
        .contains("| a call | 1 | 42.0 | 42.0 |");
    for (String picture : new String[] {"launch", "handover", "latency"}) {
      String svg = Files.readString(directory.resolve("performance").resolve(picture + ".svg"));
      assertThat(svg).as(picture).contains("<svg").contains("<text");
    }
    assertThat(directory.resolve("performance").resolve("many.svg")).doesNotExist();
  }
}
