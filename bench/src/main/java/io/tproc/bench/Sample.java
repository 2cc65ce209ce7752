package io.tproc.bench;

import java.util.Arrays;

/**
 * What was measured, once a round.
 *
 * @param values the figure of each round, in the order of the rounds
 */
public record Sample(double... values) {
  /** The middle one, or the mean of the two in the middle. */
  public double median() {
    return quantile(0.5);
  }

  /** A quarter of the rounds is below this. */
  public double low() {
    return quantile(0.25);
  }

  /** A quarter of the rounds is above this. */
  public double high() {
    return quantile(0.75);
  }

  /** Of each round, this one's figure divided by the other one's, where both have all rounds. */
  public Sample over(Sample other) {
    if (values.length != other.values.length) {
      return new Sample(median() / other.median());
    }
    double[] ratios = new double[values.length];
    Arrays.setAll(ratios, i -> values[i] / other.values[i]);
    return new Sample(ratios);
  }

  /** Each figure in another unit. */
  public Sample times(double factor) {
    return new Sample(Arrays.stream(values).map(value -> value * factor).toArray());
  }

  private double quantile(double part) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double place = part * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  }
}
