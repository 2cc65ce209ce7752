package io.tproc.bench;

import java.io.IOException;

/**
 * Measures something and prints what it found. Says nothing about pass or fail: figures depend on
 * the machine.
 */
interface Benchmark {
  /** The name on the command line. */
  String name();

  /** What is measured, in half a line. */
  String about();

  /** Measures and prints. */
  void run(Settings settings) throws IOException, InterruptedException;
}
