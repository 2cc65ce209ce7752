package io.tproc.spi;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.share.Registration;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.util.Optional;

/**
 * Decodes a struct wire_registered, which is a struct tproc_registered after 8 bytes.
 *
 * @param charset of name and type
 */
record RegistrationEntry(Charset charset) implements ListingEntries.Decoder<Registration> {
  static final int FIXED_SIZE = 200;

  private static final int FIELDS_AT = 8;
  private static final int FIELDS_SIZE = FIXED_SIZE - FIELDS_AT;
  private static final int ADDRESS_AT = 8;
  private static final int LENGTH_AT = 16;
  private static final int VERSION_AT = 24;
  private static final int PID_AT = 28;
  private static final int KEPT_AT = 32;
  private static final int ENDED_AT = 36;
  private static final int STATUS_AT = 40;
  private static final int NAME_AT = 44;
  private static final int TYPE_AT = 140;
  private static final int TYPE_END = 188;

  /** What is added to the number of a signal that has ended a process. */
  private static final int SIGNAL_BASE = 256;

  @Override
  public Registration decode(ByteBuffer entry) throws ProtocolException {
    return fields(entry.slice(FIELDS_AT, FIELDS_SIZE).order(entry.order()));
  }

  Registration fields(ByteBuffer fields) throws ProtocolException {
    if (fields.remaining() != FIELDS_SIZE) {
      throw new ProtocolException("a publication of " + fields.remaining() + " bytes");
    }
    return new Registration(
        fields.getLong(0),
        text(fields, NAME_AT, TYPE_AT),
        text(fields, TYPE_AT, TYPE_END),
        fields.getLong(ADDRESS_AT),
        fields.getLong(LENGTH_AT),
        fields.getInt(VERSION_AT),
        fields.getInt(PID_AT),
        fields.getInt(KEPT_AT) != 0,
        fields.getInt(ENDED_AT) != 0
            ? Optional.of(ended(fields.getInt(STATUS_AT)))
            : Optional.empty());
  }

  private static ExitStatus ended(int status) throws ProtocolException {
    try {
      return status < SIGNAL_BASE ? new Exited(status) : new Signalled(status - SIGNAL_BASE, false);
    } catch (IllegalArgumentException wrong) {
      throw new ProtocolException("a publication whose process ended with " + status);
    }
  }

  private String text(ByteBuffer fields, int from, int to) {
    int end = from;
    while (end < to && fields.get(end) != 0) {
      end++;
    }
    return charset.decode(fields.slice(from, end - from)).toString();
  }
}
