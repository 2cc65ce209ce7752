package io.tproc.samples.spark;

/** Who serves the batches. */
enum Worker {
  CPP("totals"),
  PYTHON("totals.py");

  /** In the jar. */
  final String program;

  Worker(String program) {
    this.program = program;
  }
}
