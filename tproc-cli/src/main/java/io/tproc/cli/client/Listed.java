package io.tproc.cli.client;

import java.util.List;

/**
 * A list as the host gave it.
 *
 * @param total how many there are; more than {@code items} when they do not fit into one answer
 * @param items those that came
 * @param <T> of what
 */
public record Listed<T>(long total, List<T> items) {
  /** Copies its list. */
  public Listed {
    items = List.copyOf(items);
  }
}
