package io.tproc.library;

/** Which thread of a library's process runs the calls of a Java thread. */
public enum LibraryThreads {
  /**
   * Each Java thread has a thread of the library's process for its own, as with JNI: what a library
   * keeps for each thread is kept for each Java thread, and calls of several Java threads run at
   * the same time. A virtual thread has one for the time of a call. When a Java thread has ended,
   * its thread of the library's serves a new one, with what the library has kept for it.
   */
  OWN,

  /** A call takes any thread that is free, so that few of them serve many Java threads. */
  SHARED,

  /**
   * All calls run on the main thread of the library's process, one after the other: for libraries
   * that are not thread-safe, or insist on the main thread.
   */
  MAIN
}
