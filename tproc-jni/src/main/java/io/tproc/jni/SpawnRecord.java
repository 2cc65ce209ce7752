package io.tproc.jni;

/** A launch that is being timed for Java Flight Recorder, or not. */
interface SpawnRecord {
  /** For when nothing is recorded. */
  SpawnRecord NONE = (pid, program) -> {};

  /** The program runs. */
  void spawned(long pid, String program);
}
