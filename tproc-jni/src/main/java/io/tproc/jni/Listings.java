package io.tproc.jni;

import io.tproc.MemoryMapping;
import io.tproc.ThreadProcStatus;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import io.tproc.spi.Listing;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Decodes what {@code listing.c} returns: all of a list, so it is never cut. */
final class Listings {
  private Listings() {}

  private interface Decoder<T> {
    T decode(ByteBuffer payload) throws ProtocolException;
  }

  private static <T> T decoded(byte[] payload, Decoder<T> decoder) {
    try {
      return decoder.decode(ByteBuffer.wrap(payload));
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }

  /** The oldest first: the core lists the youngest first. */
  static List<ThreadProcStatus> statuses(byte[] payload) {
    List<ThreadProcStatus> statuses =
        new ArrayList<>(
            decoded(payload, bytes -> Listing.statuses(bytes, ByteStrings.CHARSET)).items());
    Collections.reverse(statuses);
    return List.copyOf(statuses);
  }

  static List<MemoryMapping> mappings(byte[] payload) {
    return decoded(payload, bytes -> Listing.mappings(bytes, ByteStrings.CHARSET)).items();
  }

  static List<Registration> registrations(byte[] payload) {
    return decoded(payload, bytes -> Listing.registrations(bytes, StandardCharsets.UTF_8)).items();
  }

  /** Of a {@code struct tproc_registered}, which {@code share.c} returns. */
  static Registration registration(byte[] entry) {
    return decoded(entry, bytes -> Listing.registration(bytes, StandardCharsets.UTF_8));
  }

  static HeapUsage heapUsage(byte[] payload) {
    return decoded(payload, Listing::heapUsage);
  }
}
