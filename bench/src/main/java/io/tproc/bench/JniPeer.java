package io.tproc.bench;

/** A function of C's in this process, by JNI. */
final class JniPeer {
  static {
    System.load(Programs.path("libpeer.so"));
  }

  private JniPeer() {}

  static native long labs(long value);
}
