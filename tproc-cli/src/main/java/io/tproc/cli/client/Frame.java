package io.tproc.cli.client;

import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/**
 * A header (struct wire_header) and its payload.
 *
 * @param type one of {@link FrameType}'s numbers, or one that is unknown here
 * @param payload from its position to its limit, in the machine's byte order
 */
record Frame(int type, ByteBuffer payload) {
  static final int MAGIC = 0x434f5254;
  static final int VERSION = 1;
  static final int HEADER_SIZE = 16;
  static final int PAYLOAD_MAX = 8 << 20;

  /** What is reserved before the first byte has come; a lie about the size costs no memory. */
  private static final int FIRST_CHUNK = 1 << 16;

  private static final int MAGIC_AT = 0;
  private static final int VERSION_AT = 4;
  private static final int TYPE_AT = 6;
  private static final int SIZE_AT = 8;
  private static final int DESCRIPTORS_AT = 12;
  private static final int UNSIGNED_SHORT = 0xffff;

  /** A frame to be sent, of 32-bit numbers. */
  static Frame of(int type, int... numbers) {
    ByteBuffer payload = nativeBuffer(Integer.BYTES * numbers.length);
    for (int number : numbers) {
      payload.putInt(number);
    }
    return new Frame(type, payload.flip());
  }

  void writeTo(WritableByteChannel channel) throws IOException {
    ByteBuffer bytes = nativeBuffer(HEADER_SIZE + payload.remaining());
    bytes.putInt(MAGIC).putShort((short) VERSION).putShort((short) type);
    bytes.putInt(payload.remaining()).putInt(0).put(payload.duplicate()).flip();
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /**
   * Reads one frame to its end.
   *
   * @throws ProtocolException when it is none
   * @throws EOFException when the channel ends before the frame does
   */
  static Frame readFrom(ReadableByteChannel channel) throws IOException {
    ByteBuffer header = nativeBuffer(HEADER_SIZE);
    fill(channel, header);
    if (header.getInt(MAGIC_AT) != MAGIC) {
      throw new ProtocolException("this is no tproc host");
    }
    int version = header.getShort(VERSION_AT) & UNSIGNED_SHORT;
    if (version != VERSION) {
      throw new ProtocolException(
          "the host speaks version "
              + version
              + " of the protocol, and this is version "
              + VERSION);
    }
    int size = header.getInt(SIZE_AT);
    if (size < 0 || size > PAYLOAD_MAX) {
      throw new ProtocolException("a frame of " + Integer.toUnsignedString(size) + " bytes");
    }
    if (header.getInt(DESCRIPTORS_AT) != 0) {
      throw new ProtocolException("a frame with descriptors, where none are expected");
    }
    return new Frame(header.getShort(TYPE_AT) & UNSIGNED_SHORT, payload(channel, size));
  }

  private static ByteBuffer payload(ReadableByteChannel channel, int size) throws IOException {
    ByteBuffer payload = nativeBuffer(Math.min(size, FIRST_CHUNK));
    fill(channel, payload);
    while (payload.capacity() < size) {
      ByteBuffer larger = nativeBuffer(Math.min(size, 2 * payload.capacity()));
      larger.put(payload.flip());
      payload = larger;
      fill(channel, payload);
    }
    return payload.flip();
  }

  private static void fill(ReadableByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the connection ended in the middle of an answer");
      }
    }
  }

  private static ByteBuffer nativeBuffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }
}
