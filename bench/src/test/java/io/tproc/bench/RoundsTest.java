package io.tproc.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RoundsTest {
  private final List<String> order = new ArrayList<>();
  private long now;

  private double take(String subject, long seconds) {
    order.add(subject);
    now += TimeUnit.SECONDS.toNanos(seconds);
    return order.size();
  }

  @Test
  void everyOtherRoundGoesTheOtherWayRound() throws Exception {
    Sample[] samples = Rounds.measure(() -> now, 3, () -> take("a", 0), () -> take("b", 0));
    assertEquals(List.of("a", "b", "b", "a", "a", "b"), order);
    assertArrayEquals(new double[] {1, 4, 5}, samples[0].values());
    assertArrayEquals(new double[] {2, 3, 6}, samples[1].values());
  }

  @Test
  void whatIsSlowHasThreeRounds() throws Exception {
    Sample[] samples = Rounds.measure(() -> now, 15, () -> take("a", 4), () -> take("b", 4));
    assertEquals(3, samples[0].values().length);
    assertEquals(3, samples[1].values().length);
  }

  @Test
  void roundsEndWhenTheTimeIsUp() throws Exception {
    assertEquals(8, Rounds.measure(() -> now, 15, () -> take("a", 1))[0].values().length);
  }

  @Test
  void oneRoundIsOne() throws Exception {
    assertEquals(1, Rounds.measure(() -> now, 1, () -> take("a", 0))[0].values().length);
  }
}
