package io.tproc.bench.methods;

import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMutex;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Methods of the library, by one thread, and what Java has of the same kind. The peer of {@code x}
 * is {@code xOfJava}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Methods {
  private static final int CELLS = 64;
  private static final int SIZE = 48;
  private static final int BLOCK = 64;
  private static final String NAME = "methods.channel";

  private final ByteBuffer message = ByteBuffer.allocate(SIZE);
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayBlockingQueue<ByteBuffer> queue = new ArrayBlockingQueue<>(CELLS);
  private final ConcurrentHashMap<String, ByteBuffer> names = new ConcurrentHashMap<>();
  private final TprocHost host;
  private final Channel sender;
  private final Channel receiver;
  private final SharedBlock block;
  private final SharedMutex mutex;
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BLOCK);

  /** Opens a host. */
  public Methods() {
    host = TprocHost.open();
    sender = host.channels().create(CELLS, Set.of(Role.SENDER));
    receiver = host.channels().open(sender.id(), Set.of(Role.RECEIVER));
    block = host.heap().allocate(BLOCK);
    block.buffer().put(new byte[BLOCK]);
    mutex = host.heap().mutex(block.address());
  }

  /** What is looked up is there. */
  @Setup
  public void publish() {
    sender.publish(NAME);
    names.put(NAME, message);
  }

  /** Closes the host and what is in it. */
  @TearDown
  public void close() {
    receiver.close();
    sender.close();
    block.close();
    host.close();
  }

  /** The address of a buffer that is known already. */
  @Benchmark
  public long addressOf() {
    return host.addressOf(direct);
  }

  /** 64 bytes. */
  @Benchmark
  public void allocate() {
    host.heap().allocate(BLOCK).close();
  }

  /** The peer; its memory is the collector's to free. */
  @Benchmark
  public ByteBuffer allocateOfJava() {
    return ByteBuffer.allocateDirect(BLOCK);
  }

  /** Nobody else wants it. */
  @Benchmark
  public void mutex() throws InterruptedException {
    mutex.lock().close();
  }

  /** The peer. */
  @Benchmark
  public void mutexOfJava() {
    lock.lock();
    lock.unlock();
  }

  /** A message of 48 bytes, sent and received by one thread. */
  @Benchmark
  public Object message() {
    sender.trySend(message.clear());
    return receiver.tryReceive();
  }

  /** The peer. */
  @Benchmark
  public Object messageOfJava() {
    queue.offer(message.clear());
    return Optional.ofNullable(queue.poll());
  }

  /** A name among few. */
  @Benchmark
  public Object lookup() {
    return host.registry().lookup(NAME);
  }

  /** The peer. */
  @Benchmark
  public Object lookupOfJava() {
    return Optional.ofNullable(names.get(NAME));
  }
}
