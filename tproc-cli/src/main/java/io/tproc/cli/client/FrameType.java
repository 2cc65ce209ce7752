package io.tproc.cli.client;

/** The types of frames that are used here (enum wire_type). */
final class FrameType {
  static final int LIST = 3;
  static final int MAPS = 4;
  static final int SIGNAL = 5;
  static final int WATCH = 6;
  static final int REGISTRY = 7;
  static final int HEAP = 8;

  static final int FAILED = 101;
  static final int LISTED = 105;
  static final int MAPPED = 106;
  static final int DONE = 107;
  static final int PROGRAM_STARTED = 108;
  static final int PROGRAM_ENDED = 109;
  static final int REGISTERED = 110;
  static final int HEAP_USED = 111;
  static final int CRASHED = 113;
  static final int PROGRAM_LEFT = 114;

  private FrameType() {}
}
