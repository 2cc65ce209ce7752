package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.SynchronousQueue;

/** The ways in which somebody may sum a part of one buffer. */
final class HandOvers implements AutoCloseable {
  /** One of them. */
  interface Way {
    /** On the plot. */
    String name();

    /** The sum of so many bytes from the beginning. */
    long sum(int size) throws IOException, InterruptedException;
  }

  private record Named(String name, Summing summing) implements Way {
    @Override
    public long sum(int size) throws IOException, InterruptedException {
      return summing.sum(size);
    }
  }

  private interface Summing {
    long sum(int size) throws IOException, InterruptedException;
  }

  private static final int CELLS = 64;

  private final TprocHost host;
  private final ByteBuffer data;
  private final List<Way> ways = new ArrayList<>();
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  HandOvers(TprocHost host, ByteBuffer data) throws IOException {
    this.host = host;
    this.data = data;
    try {
      add("threadproc, in place", inPlace());
      add("pipe", pipe());
      add("Unix socket", socket());
      add("file in /dev/shm", file());
      add("two Java threads", thread());
      Optional<MethodHandle> foreign =
          ForeignPeer.function(Programs.path("libhandover.so"), "sum_words", 2);
      if (foreign.isPresent()) {
        long address = host.addressOf(data);
        add("FFM, in process", size -> ForeignPeer.call(foreign.get(), address, size));
      }
    } catch (IOException | RuntimeException failed) {
      close();
      throw failed;
    }
  }

  List<Way> all() {
    return List.copyOf(ways);
  }

  private void add(String name, Summing summing) {
    ways.add(new Named(name, summing));
  }

  private Summing inPlace() throws IOException {
    Channel there = closing(host.channels().create(CELLS, Set.of(Role.SENDER)));
    Channel back = closing(host.channels().create(CELLS, Set.of(Role.RECEIVER)));
    there.publish("handover.there");
    back.publish("handover.back");
    ThreadProc program =
        host.command(Programs.path("handover"), "channel", "handover.there", "handover.back")
            .inheritIO()
            .start();
    closing(program);
    long address = host.addressOf(data);
    ByteBuffer message = buffer(2 * Long.BYTES);
    return size -> {
      there.send(message.clear().putLong(address).putLong(size).flip());
      return back.receive().data().order(ByteOrder.nativeOrder()).getLong();
    };
  }

  private Summing pipe() throws IOException {
    Process program = started("stream");
    return streamed(input(program), output(program));
  }

  /** A program's pipes without the streams around them, whose buffers would cost a copy more. */
  private FileChannel input(Process program) throws IOException {
    return closing(FileChannel.open(descriptor(program, 0), StandardOpenOption.WRITE));
  }

  private FileChannel output(Process program) throws IOException {
    return closing(FileChannel.open(descriptor(program, 1), StandardOpenOption.READ));
  }

  private static Path descriptor(Process program, int number) {
    return Path.of("/proc", Long.toString(program.pid()), "fd", Integer.toString(number));
  }

  private Summing socket() throws IOException {
    Path directory = Files.createTempDirectory("tproc-bench");
    Path path = directory.resolve("socket");
    resources.push(() -> Files.delete(directory));
    resources.push(() -> Files.delete(path));
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(path));
      started("socket", path.toString());
      SocketChannel connection = closing(listener.accept());
      return streamed(connection, connection);
    }
  }

  /** Size and bytes go there, eight bytes come back. */
  private Summing streamed(WritableByteChannel there, ReadableByteChannel back) {
    ByteBuffer word = buffer(Long.BYTES);
    return size -> {
      write(there, word.clear().putLong(size).flip());
      write(there, data.duplicate().limit(size));
      return read(back, word);
    };
  }

  /** What is in another's file has to be copied into it. */
  private Summing file() throws IOException {
    Path path = Files.createTempFile(Path.of("/dev/shm"), "tproc-bench", "");
    resources.push(() -> Files.delete(path));
    MappedByteBuffer mapped;
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, data.capacity());
    }
    Process program = started("file", path.toString());
    WritableByteChannel there = input(program);
    ReadableByteChannel back = output(program);
    ByteBuffer word = buffer(Long.BYTES);
    return size -> {
      mapped.clear().put(data.duplicate().limit(size));
      write(there, word.clear().putLong(size).flip());
      return read(back, word);
    };
  }

  private Summing thread() {
    SynchronousQueue<Integer> sizes = new SynchronousQueue<>();
    SynchronousQueue<Long> sums = new SynchronousQueue<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                while (true) {
                  sums.put(sumOfJava(sizes.take()));
                }
              } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
              }
            },
            "handover");
    thread.start();
    resources.push(thread::interrupt);
    return size -> {
      sizes.put(size);
      return sums.take();
    };
  }

  private long sumOfJava(int size) {
    long sum = 0;
    for (int i = 0; i < size; i += Long.BYTES) {
      sum += data.getLong(i);
    }
    return sum;
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  private static void write(WritableByteChannel there, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      there.write(bytes);
    }
  }

  private static long read(ReadableByteChannel back, ByteBuffer word) throws IOException {
    word.clear();
    while (word.hasRemaining()) {
      if (back.read(word) < 0) {
        throw new EOFException("the program has ended");
      }
    }
    return word.getLong(0);
  }

  private Process started(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(Programs.path("handover")));
    command.addAll(List.of(arguments));
    Process program =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    resources.push(program::destroy);
    return program;
  }

  private <T extends AutoCloseable> T closing(T resource) {
    resources.push(resource);
    return resource;
  }

  @Override
  public void close() throws IOException {
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (IOException | RuntimeException failed) {
        throw failed;
      } catch (Exception failed) {
        throw new IOException(failed);
      }
    }
  }
}
