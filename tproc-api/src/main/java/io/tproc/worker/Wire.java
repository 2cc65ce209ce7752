package io.tproc.worker;

import io.tproc.share.Channel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** {@code struct tproc_work} of {@code tproc_worker_abi.h}: what a pool and its workers say. */
final class Wire {
  static final String VARIABLE = "TPROC_WORKER";

  /** Bytes that lie in the message itself. */
  static final int INLINE_MAX = 24;

  /** {@code struct tproc_buffer}. */
  static final int BUFFER_SIZE = 16;

  static final int REQUEST = 1;
  static final int PART = 2;
  static final int RESPONSE = 3;
  static final int FAILURE = 4;
  static final int READY = 5;

  private static final int VERSION = 1;
  private static final int ELSEWHERE = 1;
  private static final int KIND = 8;
  private static final int FLAGS = 10;
  private static final int CODE = 12;
  private static final int SIZE = 16;
  private static final int BUFFERS = 20;
  private static final int DATA = 24;

  private Wire() {}

  /** What a worker finds in its environment. */
  static String variable(long requests, long responses) {
    return VERSION + "," + Long.toHexString(requests) + "," + Long.toHexString(responses);
  }

  /** A request whose bytes lie in the message. */
  static ByteBuffer request(long id, byte[] data) {
    return request(id, data.length, 0, 0).put(DATA, data);
  }

  /** A request whose buffers, and then bytes, lie in an envelope. */
  static ByteBuffer request(long id, int size, int buffers, long envelope) {
    return ByteBuffer.allocate(Channel.MESSAGE_MAX)
        .order(ByteOrder.nativeOrder())
        .putLong(0, id)
        .putShort(KIND, (short) REQUEST)
        .putShort(FLAGS, (short) (envelope == 0 ? 0 : ELSEWHERE))
        .putInt(SIZE, size)
        .putInt(BUFFERS, buffers)
        .putLong(DATA, envelope);
  }

  static long requestId(ByteBuffer message) {
    return message.getLong(0);
  }

  /** Whether a worker says that it serves. */
  static boolean isReady(ByteBuffer message) {
    return message.remaining() == Channel.MESSAGE_MAX && message.getShort(KIND) == READY;
  }

  /**
   * What a worker says.
   *
   * @param data the bytes, when they lie in the message
   * @param isElsewhere whether they lay in the part before
   * @param size how many they are
   */
  record Answer(long id, int kind, int code, boolean isElsewhere, int size, byte[] data) {}

  /**
   * Reads what a worker says.
   *
   * @throws IllegalArgumentException when no worker says such a thing
   */
  static Answer answer(ByteBuffer message) {
    if (message.remaining() != Channel.MESSAGE_MAX) {
      throw new IllegalArgumentException("a message of " + message.remaining() + " bytes");
    }
    int kind = message.getShort(KIND);
    boolean isElsewhere = (message.getShort(FLAGS) & ELSEWHERE) != 0 || kind == PART;
    int size = message.getInt(SIZE);
    if (kind < PART || kind > READY || size < 0 || !isElsewhere && size > INLINE_MAX) {
      throw new IllegalArgumentException("a message of kind " + kind + " with " + size + " bytes");
    }
    byte[] data = new byte[isElsewhere ? 0 : size];
    message.get(DATA, data);
    return new Answer(message.getLong(0), kind, message.getInt(CODE), isElsewhere, size, data);
  }
}
