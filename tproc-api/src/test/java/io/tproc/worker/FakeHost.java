package io.tproc.worker;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.CALLS_REAL_METHODS;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import io.tproc.Errno;
import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.share.Channels;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedHeap;
import io.tproc.share.SharedMemoryException;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.SharedMemory;
import io.tproc.spi.ViewScope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A host whose workers the test plays: their channels are queues, their processes are none. One
 * whose requests end, ends.
 */
final class FakeHost {
  private static final int MESSAGE_SIZE = 64;
  private static final int LENGTH = 8;
  private static final int DATA = 16;

  private final Memory memory =
      mock(
          Memory.class,
          withSettings().useConstructor().defaultAnswer(CALLS_REAL_METHODS).stubOnly());
  private final SharedHeap heap = new SharedHeap(memory);
  private final BlockingQueue<Worker> started = new LinkedBlockingQueue<>();
  private final AtomicLong pids = new AtomicLong(100);
  private final TprocHost host = mock(TprocHost.class, withSettings().stubOnly());
  private volatile boolean beginsLater;
  private volatile @Nullable Runnable beforeStart;

  FakeHost() {
    when(host.heap()).thenReturn(heap);
    when(host.channels()).thenReturn(new Channels(memory));
    when(host.command(List.of("program")))
        .thenAnswer(call -> new ThreadProcBuilder(this::start, List.of("program")));
  }

  /** For pools of one worker that begins to serve by itself, and is restarted soon. */
  WorkerPoolBuilder workers() {
    return new WorkerPoolBuilder(host, List.of("program"))
        .restarts(Duration.ofMillis(1), Duration.ofMillis(1), 10);
  }

  SharedHeap heap() {
    return heap;
  }

  /** The next that was started. */
  Worker next() throws InterruptedException {
    Worker worker = started.poll(30, TimeUnit.SECONDS);
    if (worker == null) {
      throw new AssertionError("no worker was started");
    }
    return worker;
  }

  /** What sending throws from here on; null: nothing. */
  void sendingThrows(@Nullable Throwable what) {
    memory.sendingThrows = what;
  }

  /** The thread that has received the last message. */
  @Nullable Thread receiver() {
    return memory.receiver;
  }

  /** Workers that are started from here on begin to serve when the test says so. */
  void workersBeginLater() {
    beginsLater = true;
  }

  /** What happens once, while the next worker is being started. */
  void beforeStart(Runnable what) {
    beforeStart = what;
  }

  /** What happens once, in the thread that frees the next block, before it does. */
  void beforeFree(Runnable what) {
    memory.beforeFree.set(what);
  }

  boolean hasStarted() {
    return !started.isEmpty();
  }

  int blocks() {
    synchronized (memory) {
      return memory.blocks.size();
    }
  }

  void heapIsFull() {
    memory.isFull = true;
  }

  void close() throws InterruptedException {
    memory.isClosed = true;
    memory.changed();
    for (Worker worker = started.poll(); worker != null; worker = started.poll()) {
      worker.end();
    }
  }

  Task task() {
    return new Task(host, 1_000_000, WorkerRequest.empty());
  }

  private ThreadProc start(LaunchRequest request) {
    Runnable first = beforeStart;
    beforeStart = null;
    if (first != null) {
      first.run();
    }
    String[] variable = request.environment().get(Wire.VARIABLE).split(",");
    Worker worker =
        new Worker(
            memory.queue(Long.parseLong(variable[1], 16)),
            memory.queue(Long.parseLong(variable[2], 16)));
    if (!beginsLater) {
      worker.begin();
    }
    started.add(worker);
    return worker.process;
  }

  /** What a worker and the pool say. */
  private static ByteBuffer message(long block, byte[] data) {
    return ByteBuffer.allocate(MESSAGE_SIZE)
        .order(ByteOrder.nativeOrder())
        .putLong(0, block)
        .putInt(LENGTH, data.length)
        .put(DATA, data);
  }

  /** A worker, which does what the test says. */
  final class Worker {
    private final Queue requests;
    private final Queue responses;
    private final Thread keeper = Thread.currentThread();
    private final AtomicReference<@Nullable Runnable> beforeSignal = new AtomicReference<>();
    private final CompletableFuture<Process> exit = new CompletableFuture<>();
    private final ThreadProc process = mock(ThreadProc.class, withSettings().stubOnly());

    private Worker(Queue requests, Queue responses) {
      this.requests = requests;
      this.responses = responses;
      requests.receiver = this;
      when(process.pid()).thenReturn(pids.incrementAndGet());
      when(process.isAlive()).thenAnswer(call -> !exit.isDone());
      when(process.onExit()).thenReturn(exit);
      when(process.exitStatus())
          .thenReturn(Optional.of(new Signalled(Signals.SIGKILL, /* coreDumped= */ false)));
      when(process.signal(anyInt())).thenAnswer(call -> signalled());
      try {
        when(process.waitFor(anyLong(), any()))
            .thenAnswer(
                call -> {
                  exit.get();
                  return true;
                });
      } catch (InterruptedException impossible) {
        throw new AssertionError(impossible);
      }
    }

    void begin() {
      say(message(0, Wire.READY));
    }

    /** The thread of its place. */
    Thread keeper() {
      return keeper;
    }

    /** What happens once, in the thread that kills it, before it does. */
    void beforeSignal(Runnable what) {
      beforeSignal.set(what);
    }

    private boolean signalled() {
      Runnable first = beforeSignal.getAndSet(null);
      if (first != null) {
        first.run();
      }
      return end();
    }

    boolean hasEnded() {
      return exit.isDone();
    }

    /** Takes a request, when one is there. */
    Optional<Long> take() {
      synchronized (memory) {
        ByteBuffer next = requests.messages.poll();
        return Optional.ofNullable(next).map(message -> message.getLong(DATA));
      }
    }

    /** Takes a request, when one is there, and makes the answer with the same bytes. */
    Optional<ByteBuffer> takeToEcho() {
      synchronized (memory) {
        ByteBuffer answer = requests.messages.poll();
        if (answer != null) {
          answer.putShort(DATA + Long.BYTES, (short) Wire.RESPONSE);
        }
        return Optional.ofNullable(answer);
      }
    }

    /** Waits until a request is there, and leaves it. */
    void awaitSent() {
      boolean isThere = false;
      while (!isThere) {
        synchronized (memory) {
          isThere = !requests.messages.isEmpty();
        }
        Thread.onSpinWait();
      }
    }

    /** Waits for a request, and takes it. */
    long await() {
      for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); ; Thread.onSpinWait()) {
        Optional<Long> id = take();
        if (id.isPresent()) {
          return id.get();
        }
        if (System.nanoTime() > end) {
          throw new AssertionError("no request has come");
        }
      }
    }

    ByteBuffer message(long id, int kind) {
      return FakeHost.message(0, work(id, kind));
    }

    ByteBuffer message(long id, int kind, SharedBlock block) {
      return FakeHost.message(block.handOver().address(), work(id, kind));
    }

    private byte[] work(long id, int kind) {
      byte[] bytes = new byte[48];
      ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putLong(id).putShort((short) kind);
      return bytes;
    }

    /** All at once: they are received together. */
    void say(ByteBuffer... messages) {
      synchronized (memory) {
        responses.messages.addAll(List.of(messages));
      }
      memory.changed();
    }

    void answer(long id) {
      say(message(id, Wire.RESPONSE));
    }

    /** The block of a request that nobody has taken is freed by one who does not own it. */
    void spoil(int index) {
      synchronized (memory) {
        List.copyOf(requests.messages).get(index).putLong(0, Memory.NONE);
      }
    }

    boolean end() {
      synchronized (memory) {
        responses.hasEnded = true;
      }
      exit.complete(process);
      memory.changed();
      return true;
    }
  }

  private static final class Queue {
    private final Deque<ByteBuffer> messages = new ArrayDeque<>();
    private @Nullable Worker receiver;
    private boolean hasEnded;
  }

  /** As far as pools need it. */
  abstract static class Memory implements SharedMemory {
    /** The address of a block that is none. */
    private static final long NONE = 1;

    private final Map<Long, ByteBuffer> blocks = new HashMap<>();
    private final Map<Long, Queue> queues = new HashMap<>();
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private final AtomicReference<@Nullable Runnable> beforeFree = new AtomicReference<>();
    private long last = 16;
    private int version;
    private volatile boolean isClosed;
    private volatile boolean isFull;
    private volatile @Nullable Thread receiver;
    private volatile @Nullable Throwable sendingThrows;

    private void check() {
      if (isClosed) {
        throw new IllegalStateException("the host is closed");
      }
    }

    private synchronized Queue queue(long id) {
      return queues.get(id);
    }

    private void changed() {
      List<CompletableFuture<Void>> all;
      synchronized (this) {
        version++;
        all = List.copyOf(waiting);
        waiting.clear();
        notifyAll();
      }
      all.forEach(each -> each.complete(null));
    }

    @Override
    public synchronized long allocate(long size, long alignment) {
      check();
      if (isFull) {
        throw new SharedMemoryException(Errno.ENOMEM, "the heap is full");
      }
      last += 16 + size;
      blocks.put(last, ByteBuffer.allocateDirect((int) size));
      return last;
    }

    @Override
    public void free(long address) {
      Runnable first = beforeFree.getAndSet(null);
      if (first != null) {
        first.run();
      }
      synchronized (this) {
        check();
        if (blocks.remove(address) == null) {
          throw new SharedMemoryException(Errno.EINVAL, "no block");
        }
      }
    }

    @Override
    public synchronized long usableSize(long address) {
      check();
      ByteBuffer block = blocks.get(address);
      return block == null ? 0 : block.capacity();
    }

    @Override
    public ViewScope viewScope(Object holder) {
      return new ViewScope(holder);
    }

    @Override
    public synchronized ByteBuffer view(long address, long size) {
      return blocks.get(address).duplicate().order(ByteOrder.nativeOrder());
    }

    @Override
    public synchronized ByteBuffer createChannel(int cells, int flags) {
      check();
      queues.put(++last, new Queue());
      return ByteBuffer.allocate(Long.BYTES).putLong(0, last);
    }

    @Override
    public long channelId(ByteBuffer end) {
      return end.getLong(0);
    }

    @Override
    public void closeChannel(ByteBuffer end) {
      check();
      Queue queue = queue(channelId(end));
      synchronized (this) {
        queue.hasEnded = true;
      }
      changed();
      if (queue.receiver != null) {
        queue.receiver.end();
      }
    }

    @Override
    public synchronized int sendMessages(ByteBuffer end, ByteBuffer messages, int count) {
      check();
      if (sendingThrows instanceof RuntimeException failure) {
        throw failure;
      }
      if (sendingThrows instanceof Error failure) {
        throw failure;
      }
      byte[] data = new byte[messages.getInt(LENGTH)];
      messages.get(DATA, data);
      queue(channelId(end)).messages.add(message(messages.getLong(0), data));
      return 1;
    }

    @Override
    public synchronized int receiveMessages(ByteBuffer end, ByteBuffer messages, int count) {
      check();
      Queue queue = queue(channelId(end));
      int received = 0;
      while (received < count && !queue.messages.isEmpty()) {
        ByteBuffer next = queue.messages.remove();
        if (next.getLong(0) == NONE) {
          throw new SharedMemoryException(Errno.EBADMSG, "the block was freed"); // it is the first
        }
        messages.put(received * MESSAGE_SIZE, next, 0, MESSAGE_SIZE);
        receiver = Thread.currentThread();
        received++;
      }
      if (received == 0 && queue.hasEnded) {
        throw new SharedMemoryException(Errno.EPIPE, "no sender");
      }
      return received;
    }

    @Override
    public synchronized int prepare(long event) {
      check();
      return version;
    }

    @Override
    public synchronized void sleep(long address, int value, long nanoseconds) {
      check();
      try {
        if (version == value) {
          TimeUnit.NANOSECONDS.timedWait(this, nanoseconds);
        }
      } catch (InterruptedException later) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public synchronized CompletableFuture<Void> changed(long address, int value, long since) {
      check();
      CompletableFuture<Void> change = new CompletableFuture<>();
      if (version == value) {
        waiting.add(change);
      } else {
        change.complete(null);
      }
      return change;
    }
  }
}
