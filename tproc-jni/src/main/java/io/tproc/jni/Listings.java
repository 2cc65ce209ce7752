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

  /** The oldest first: the core lists the youngest first. */
  static List<ThreadProcStatus> statuses(byte[] payload) {
    try {
      List<ThreadProcStatus> statuses =
          new ArrayList<>(Listing.statuses(ByteBuffer.wrap(payload), ByteStrings.CHARSET).items());
      Collections.reverse(statuses);
      return List.copyOf(statuses);
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }

  static List<MemoryMapping> mappings(byte[] payload) {
    try {
      return Listing.mappings(ByteBuffer.wrap(payload), ByteStrings.CHARSET).items();
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }

  static List<Registration> registrations(byte[] payload) {
    try {
      return Listing.registrations(ByteBuffer.wrap(payload), StandardCharsets.UTF_8).items();
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }

  static HeapUsage heapUsage(byte[] payload) {
    try {
      return Listing.heapUsage(ByteBuffer.wrap(payload));
    } catch (ProtocolException impossible) {
      throw new IllegalStateException("the core and its Java side differ", impossible);
    }
  }
}
