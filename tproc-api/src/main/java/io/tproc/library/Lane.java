package io.tproc.library;

import io.tproc.spi.CalleeSupport;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The Java side of a lane: memory through which one thread of ours at a time calls one thread of
 * the callee. The callee's {@code lane.h} says how, and has the same numbers.
 *
 * <p>Used by one thread at a time, but for {@link #die} and {@link #ring}.
 */
final class Lane {
  static final int SIZE = 32 << 10;
  static final int TURN_HOST = 0;
  static final int TURN_CALL = 1;
  static final int TURN_CALLBACK = 2;
  static final int TURN_RETURN = 3;
  static final int TURN_DEAD = 4;
  private static final int WAITING = 0x100;

  static final int CALL = 1;
  static final int OPEN = 2;
  static final int SYMBOL = 3;
  static final int PREPARE = 4;
  static final int THREAD = 5;
  static final int CLOSURE = 6;
  static final int CLOSURE_END = 7;
  static final int TEXT = 8;
  static final int COPY = 9;
  static final int USAGE = 10;
  static final int EXIT = 11;

  private static final int AT_TURN = 0;
  private static final int AT_OPERATION = 4;
  private static final int AT_SUBJECT = 8;
  private static final int AT_FRAME = 16;
  private static final int AT_ERROR = 24;
  private static final int AT_FAILED = 28;
  private static final int SHORT_FRAME = 32;
  private static final int AT_SIZE = 128;
  private static final int SHORT_FRAME_SIZE = AT_SIZE - SHORT_FRAME;
  private static final int AT_TARGET = 136;
  private static final int AT_RESULT = 144;
  private static final int AT_CALLBACK = 152;
  private static final int AT_CALLBACK_FRAME = 160;
  private static final int AT_END = 168;
  private static final int AT_HOST_PROCESSOR = 176;
  private static final int AT_CALLEE_PROCESSOR = 180;
  private static final int AT_TOP = 256;
  private static final int STACK = 512;

  /** Two cache lines: some processors fetch them together. */
  static final int ALIGNMENT = 128;

  private static final int FRAME_ALIGNMENT = 16;
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  /** What is done while the other side has the turn. */
  interface Waiting {
    /** Called once the lane has slept, or before it sleeps; may end the callee. */
    void sleep(Lane lane, int turn);
  }

  private final CalleeSupport support;
  private final ByteBuffer memory;
  private final long address;
  private final Spin spin;

  /** A user's {@code Number} may call the library, too, while arguments are put. */
  private boolean filling;

  /** The call whose callback this lane's host runs. */
  @Nullable CallWait around;

  /**
   * Whether an error has come in the middle of an operation, so that it is unknown whose turn it
   * is. A field without methods, since there may be no stack for a call.
   */
  boolean torn;

  /**
   * Makes a lane whose turn is the host's.
   *
   * @param spin for how many nanoseconds its host spins at most
   */
  Lane(CalleeSupport support, long spin) {
    this(
        support,
        ByteBuffer.allocateDirect(SIZE + ALIGNMENT)
            .alignedSlice(ALIGNMENT)
            .order(ByteOrder.nativeOrder()),
        spin);
  }

  /** With memory in native order, which is zero. */
  Lane(CalleeSupport support, ByteBuffer memory, long spin) {
    this.support = support;
    this.spin = new Spin(spin);
    this.memory = memory;
    this.address = support.address(memory);
    memory.putLong(AT_TOP, address + STACK);
    memory.putLong(AT_END, address + SIZE);
  }

  long address() {
    return address;
  }

  ByteBuffer memory() {
    return memory;
  }

  /**
   * Takes room for a call's result and arguments, to be filled until {@link #frameFilled}. Where it
   * can be, it is what travels with the turn: a call of a callback may use that again, since by
   * then the arguments have been read, and the result is written after it.
   */
  int pushFrame(Signature signature) {
    if (filling || signature.hasStruct() || signature.frameSize() > SHORT_FRAME_SIZE) {
      return push(signature.frameSize());
    }
    filling = true;
    return SHORT_FRAME;
  }

  /** Ends the filling of a frame, also of one that will not be used. */
  void frameFilled(int frame) {
    if (frame == SHORT_FRAME) {
      filling = false;
    }
  }

  /** Takes bytes of the lane's stack. */
  int push(int size) {
    int at = top();
    int aligned = CType.aligned(size, FRAME_ALIGNMENT);
    if (aligned > SIZE - at) {
      throw new IllegalStateException(
          "no room for "
              + size
              + " bytes of arguments: a call has at most "
              + (SIZE - STACK)
              + ", less what the calls around it have");
    }
    memory.putLong(AT_TOP, address + at + aligned);
    return at;
  }

  int top() {
    return (int) (memory.getLong(AT_TOP) - address);
  }

  int room() {
    return SIZE - top();
  }

  /** Gives back all from there on. */
  void pop(int at) {
    memory.putLong(AT_TOP, address + at);
  }

  /** Says that a function is to be called; {@link #post} has it done. */
  void askCall(long function, int frame) {
    memory.putInt(AT_OPERATION, CALL);
    memory.putLong(AT_SUBJECT, function);
    memory.putLong(AT_FRAME, address + frame);
  }

  /** Says what is to be done; {@link #post} has it done. */
  void ask(int operation, long subject, int frame, long size, long target) {
    memory.putInt(AT_OPERATION, operation);
    memory.putLong(AT_SUBJECT, subject);
    memory.putLong(AT_FRAME, address + frame);
    memory.putLong(AT_SIZE, size);
    memory.putLong(AT_TARGET, target);
  }

  long result() {
    return memory.getLong(AT_RESULT);
  }

  long target() {
    return memory.getLong(AT_TARGET);
  }

  int error() {
    return memory.getInt(AT_ERROR);
  }

  boolean failed() {
    return memory.getInt(AT_FAILED) != 0;
  }

  /** Why it failed. */
  String failure() {
    return text((int) (memory.getLong(AT_FRAME) - address));
  }

  long callback() {
    return memory.getLong(AT_CALLBACK);
  }

  int callbackFrame() {
    return (int) (memory.getLong(AT_CALLBACK_FRAME) - address);
  }

  /**
   * Passes the turn on. Does nothing when the callee has ended: waiting will tell. It does not look
   * at the word first: it nearly always is as it was left, and looking would fetch it twice.
   */
  void post(int turn) {
    int before = turn == TURN_CALL ? TURN_HOST : TURN_CALLBACK;
    for (; ; ) {
      int found = (int) INT.compareAndExchange(memory, AT_TURN, before, turn);
      if (found == before) {
        break;
      }
      if ((found & ~WAITING) == TURN_DEAD) {
        return;
      }
      before = found;
    }
    if ((before & WAITING) != 0) {
      support.wakeFromHere(address + AT_TURN, address + AT_HOST_PROCESSOR);
    }
  }

  /** The callee has ended: from now on this lane says so. */
  void die() {
    INT.getAndSet(memory, AT_TURN, TURN_DEAD);
    ring();
  }

  boolean isDead() {
    return ((int) INT.getVolatile(memory, AT_TURN) & ~WAITING) == TURN_DEAD;
  }

  /**
   * Wakes who sleeps, so that it looks around. The waiting bit goes first: one that has set it and
   * is about to sleep finds another word, and does not.
   */
  void ring() {
    int ignored = (int) INT.getAndBitwiseAnd(memory, AT_TURN, ~WAITING);
    support.wakeAll(address + AT_TURN);
  }

  /**
   * Waits for our turn.
   *
   * @return TURN_HOST, TURN_CALLBACK or TURN_DEAD
   */
  int await(Waiting waiting) {
    if (!isTogether() && spin.until(() -> isOurs(turn()))) {
      return turn() & ~WAITING;
    }
    long start = System.nanoTime();
    int turn = awaitAsleep(waiting);
    if (!isTogether()) { // there a wait says nothing about how long it would be on two
      spin.learn(System.nanoTime() - start);
    }
    return turn;
  }

  /**
   * On one processor, where the other side does not run while this one spins. A guess: each side
   * writes its number when it likes, and it only says how to wait.
   */
  private boolean isTogether() {
    return (int) INT.getOpaque(memory, AT_HOST_PROCESSOR)
        == (int) INT.getOpaque(memory, AT_CALLEE_PROCESSOR);
  }

  private int awaitAsleep(Waiting waiting) {
    for (; ; ) {
      int turn = (int) INT.getVolatile(memory, AT_TURN);
      if (isOurs(turn)) {
        return turn & ~WAITING;
      }
      sleep(waiting, turn);
    }
  }

  /**
   * Waits until a thread of the callee's calls back, however long that takes.
   *
   * @return TURN_CALLBACK or TURN_DEAD
   */
  int awaitCallback(Waiting waiting) {
    for (; ; ) {
      int turn = (int) INT.getVolatile(memory, AT_TURN);
      int whose = turn & ~WAITING;
      if (whose == TURN_CALLBACK || whose == TURN_DEAD) {
        return whose;
      }
      sleep(waiting, turn);
    }
  }

  private void sleep(Waiting waiting, int turn) {
    int asleep = turn | WAITING;
    if (turn == asleep || INT.compareAndSet(memory, AT_TURN, turn, asleep)) {
      waiting.sleep(this, asleep);
    }
  }

  /** Sleeps in native code while the turn is as given, for so long at most; -1 is without end. */
  void sleepNatively(int turn, long nanoseconds) {
    support.awaitChange(address + AT_TURN, turn, nanoseconds);
  }

  boolean isStill(int turn) {
    return (int) INT.getVolatile(memory, AT_TURN) == turn;
  }

  /** Whether the callee has passed the turn on, or has ended. */
  boolean isMyTurn() {
    return isOurs((int) INT.getVolatile(memory, AT_TURN));
  }

  private int turn() {
    return (int) INT.getAcquire(memory, AT_TURN);
  }

  /** The callee's turns are the odd ones. */
  private static boolean isOurs(int turn) {
    return (turn & 1) == 0;
  }

  private String text(int frame) {
    int end = frame;
    while (end < SIZE && memory.get(end) != 0) {
      end++;
    }
    return new String(bytes(frame, end - frame), StandardCharsets.UTF_8);
  }

  byte[] bytes(int frame, int length) {
    byte[] bytes = new byte[length];
    memory.get(frame, bytes);
    return bytes;
  }
}
