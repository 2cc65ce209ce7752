package io.tproc.library;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A function of one instance. */
final class BoundFunction extends ContainedFunction {
  /** Or it would be ended when nobody but its functions is reachable. */
  private final ContainedLibrary library;

  private final Instance instance;
  private final String name;
  private final Signature signature;
  private final long prepared;
  private final @Nullable Duration limit;

  BoundFunction(
      ContainedLibrary library,
      Instance instance,
      String name,
      Signature signature,
      long prepared,
      @Nullable Duration limit) {
    super(name, signature);
    this.library = library;
    this.instance = instance;
    this.name = name;
    this.signature = signature;
    this.prepared = prepared;
    this.limit = limit;
  }

  @Override
  public ContainedFunction within(Duration newLimit) {
    return new BoundFunction(library, instance, name, signature, prepared, positive(newLimit));
  }

  @Override
  public @Nullable Object call(@Nullable Object... arguments) {
    Objects.requireNonNull(arguments, "arguments; one that is null is (Object) null");
    if (arguments.length != signature.arguments().size()) {
      throw new IllegalArgumentException(
          name + " takes " + signature.arguments().size() + " arguments, not " + arguments.length);
    }
    Lane lane = instance.enter(name);
    boolean whole = false;
    try {
      try {
        return call(lane, arguments);
      } finally {
        instance.leave();
        whole = true;
      }
    } finally {
      if (!whole) {
        instance.torn = true;
        instance.endTorn();
      }
    }
  }

  private @Nullable Object call(Lane lane, @Nullable Object[] arguments) {
    int top = lane.top();
    Kept kept = new Kept(instance, lane);
    try {
      return call(lane, arguments, kept);
    } finally {
      Reference.reachabilityFence(arguments);
      Reference.reachabilityFence(kept);
      Reference.reachabilityFence(library);
      lane.pop(top);
    }
  }

  private @Nullable Object call(Lane lane, @Nullable Object[] arguments, Kept kept) {
    int frame = lane.pushFrame(signature);
    try {
      put(arguments, lane.memory(), frame, kept);
    } finally {
      lane.frameFilled(frame);
    }
    lane.askCall(prepared, frame);
    instance.perform(lane, new CallWait(instance, name, limit), name);
    CType type = signature.result();
    Object result = Values.get(lane.memory(), frame, type);
    return type.kind() == CType.Kind.STRING
        ? instance.text((long) Objects.requireNonNull(result))
        : result;
  }

  private void put(@Nullable Object[] arguments, ByteBuffer memory, int frame, Kept kept) {
    List<CType> types = signature.arguments();
    for (int i = 0; i < arguments.length; i++) {
      Values.put(memory, frame + signature.offset(i), types.get(i), arguments[i], kept);
    }
  }

  /** The memory of strings: the lane's own, or a buffer's of their own when that is too small. */
  private static final class Kept implements Values.Place {
    private static final int LANE_ROOM = 2048;

    private final Instance instance;
    private final Lane lane;
    private final List<ByteBuffer> buffers = new ArrayList<>(0);

    Kept(Instance instance, Lane lane) {
      this.instance = instance;
      this.lane = lane;
    }

    @Override
    public long address(String text) {
      byte[] bytes = Values.terminated(text);
      if (bytes.length < lane.room() - LANE_ROOM) {
        int at = lane.push(bytes.length);
        lane.memory().put(at, bytes);
        return lane.address() + at;
      }
      ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
      buffers.add(buffer);
      return instance.support().address(buffer);
    }

    @Override
    public long address(Buffer direct) {
      return instance.support().address(direct);
    }

    @Override
    public long address(Callback callback) {
      callback.instance().checkAlive("the callback");
      if (callback.instance() != instance) {
        throw new IllegalArgumentException(
            callback + " belongs to another instance: " + callback.instance());
      }
      return callback.address();
    }
  }
}
