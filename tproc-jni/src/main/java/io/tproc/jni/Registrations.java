package io.tproc.jni;

import io.tproc.share.Registration;
import io.tproc.spi.Listing;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Decodes the core's {@code struct tproc_registered}. */
final class Registrations {
  private Registrations() {}

  static Registration of(byte[] entry) {
    try {
      return Listing.registration(ByteBuffer.wrap(entry), StandardCharsets.UTF_8);
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }
}
