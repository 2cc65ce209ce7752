package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ForegroundGroupTest {
  // pid (comm) state ppid pgrp session tty_nr tpgid flags …
  @Test
  void theTerminalsForegroundGroup() {
    assertThat(ForegroundGroup.inForeground("42 (java) S 1 40 30 34816 40 4194304 1 2 3")).isTrue();
  }

  @Test
  void aBackgroundJob() {
    assertThat(ForegroundGroup.inForeground("42 (java) S 1 40 30 34816 30 4194304 1 2 3"))
        .isFalse();
  }

  @Test
  void noTerminal() {
    assertThat(ForegroundGroup.inForeground("42 (java) S 1 40 40 0 -1 4194304 1 2 3")).isFalse();
  }

  @Test
  void aCommandMayContainAnything() {
    assertThat(ForegroundGroup.inForeground("42 (a) b (c) S 1 40 30 34816 40 4194304 1 2 3"))
        .isTrue();
  }

  @Test
  void aProcessThatIsGone() {
    assertThat(new ForegroundGroup().contains(Integer.MAX_VALUE)).isFalse();
  }
}
