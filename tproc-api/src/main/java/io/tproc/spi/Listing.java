package io.tproc.spi;

import io.tproc.MemoryMapping;
import io.tproc.ThreadProcStatus;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.util.List;

/**
 * A list as a host gives it, to this JVM or through a socket. Immutable.
 *
 * @param total how many there are; more than {@code items} when they do not fit into one answer
 * @param items those that came, in the host's order
 * @param <T> of what
 */
public record Listing<T>(long total, List<T> items) {
  /** Copies its list. */
  public Listing {
    items = List.copyOf(items);
  }

  /**
   * Decodes the payload of a LISTED: the threadprocs of a host, the youngest first.
   *
   * @param payload from its position to its limit, in the machine's byte order; not changed
   * @param charset of the commands; what is malformed in them becomes U+FFFD
   * @return the list
   * @throws ProtocolException when the payload is none; the message says what is wrong
   */
  public static Listing<ThreadProcStatus> statuses(ByteBuffer payload, Charset charset)
      throws ProtocolException {
    return ListingEntries.read(payload, StatusEntry.FIXED_SIZE, new StatusEntry(charset));
  }

  /**
   * Decodes the payload of a MAPPED: the mappings of a threadproc.
   *
   * @param payload from its position to its limit, in the machine's byte order; not changed
   * @param charset of the names; what is malformed in them becomes U+FFFD
   * @return the list
   * @throws ProtocolException when the payload is none; the message says what is wrong
   */
  public static Listing<MemoryMapping> mappings(ByteBuffer payload, Charset charset)
      throws ProtocolException {
    return ListingEntries.read(payload, MappingEntry.FIXED_SIZE, new MappingEntry(charset));
  }

  /**
   * Decodes the payload of a REGISTERED: what is published in a host.
   *
   * @param payload from its position to its limit, in the machine's byte order; not changed
   * @param charset of names and types; what is malformed in them becomes U+FFFD
   * @return the list
   * @throws ProtocolException when the payload is none; the message says what is wrong
   */
  public static Listing<Registration> registrations(ByteBuffer payload, Charset charset)
      throws ProtocolException {
    return ListingEntries.read(
        payload, RegistrationEntry.FIXED_SIZE, new RegistrationEntry(charset));
  }

  /**
   * Decodes one publication: a {@code struct tproc_registered}.
   *
   * @param fields from its position to its limit, in the machine's byte order; not changed
   * @param charset of name and type; what is malformed in them becomes U+FFFD
   * @return the publication
   * @throws ProtocolException when it is none; the message says what is wrong
   */
  public static Registration registration(ByteBuffer fields, Charset charset)
      throws ProtocolException {
    return new RegistrationEntry(charset).fields(fields.slice().order(ByteOrder.nativeOrder()));
  }

  /**
   * Decodes the payload of a HEAP_USED: who has how much of a host's shared heap.
   *
   * @param payload from its position to its limit, in the machine's byte order; not changed
   * @return the usage
   * @throws ProtocolException when the payload is none; the message says what is wrong
   */
  public static HeapUsage heapUsage(ByteBuffer payload) throws ProtocolException {
    return HeapUseEntry.read(payload);
  }
}
