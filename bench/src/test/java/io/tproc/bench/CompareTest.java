package io.tproc.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareTest {
  @TempDir Path directory;

  private static Results.Spread spread(double low, double median, double high) {
    return new Results.Spread(median, low, high, 9);
  }

  @Test
  void slowerIsWhatIsFarEnoughOffAndDoesNotOverlap() {
    Results.Spread before = spread(0.9, 1.0, 1.1);
    assertThat(Compare.verdict(before, spread(1.2, 1.3, 1.4))).isEqualTo("SLOWER");
    assertThat(Compare.verdict(before, spread(1.05, 1.3, 1.4))).as("overlaps").isEmpty();
    assertThat(Compare.verdict(before, spread(1.11, 1.12, 1.13))).as("near").isEmpty();
    assertThat(Compare.verdict(before, spread(0.6, 0.7, 0.8))).isEqualTo("faster");
    assertThat(Compare.verdict(before, before)).isEmpty();
  }

  @Test
  void theSlowerOnesAreCounted() {
    Map<String, Results.Spread> old = Map.of("a", spread(1, 1, 1), "b", spread(1, 1, 1));
    Map<String, Results.Spread> now = Map.of("a", spread(2, 2, 2), "c", spread(9, 9, 9));
    assertThat(Compare.compare(old, now)).isEqualTo(1);
  }

  @Test
  void whatIsOverItsBoundOrNotMeasuredIsCounted() {
    List<Bounds.Bound> bounds =
        List.of(new Bounds.Bound("a", 2), new Bounds.Bound("b", 2), new Bounds.Bound("c", 2));
    Map<String, Results.Spread> now = Map.of("a", spread(1, 1.9, 3), "b", spread(2, 2.1, 3));
    assertThat(Compare.checkBounds(bounds, now)).isEqualTo(2);
  }

  @Test
  void boundsAreLinesOfRatioAndName() throws IOException {
    Path file = Files.writeString(directory.resolve("bounds"), "# why\n\n2.5 launch: x, of y\n");
    assertThat(Bounds.read(file)).containsExactly(new Bounds.Bound("launch: x, of y", 2.5));
    Files.writeString(file, "launch 3\n");
    assertThatThrownBy(() -> Bounds.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("launch 3");
  }

  @Test
  void aFileThatIsNoneOfFiguresIsSaid() throws IOException {
    for (String text :
        List.of("", "hello\n", "null\n", "{\"kind\":\"RATIO\"}\n", "{\"kind\":\"X\"}\n")) {
      Path file = Files.writeString(directory.resolve("file"), text);
      assertThatThrownBy(() -> Results.read(file))
          .as(text)
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    }
  }
}
