package io.tproc;

import io.tproc.spi.HostBinding;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The host that users hold: checks arguments, then asks the provider's binding. */
final class BoundHost implements TprocHost {
  private final HostBinding binding;

  BoundHost(HostBinding binding) {
    this.binding = binding;
  }

  @Override
  public ThreadProcBuilder command(String... command) {
    return new ThreadProcBuilder(binding, Arrays.asList(command.clone()));
  }

  @Override
  public ThreadProcBuilder command(List<String> command) {
    return new ThreadProcBuilder(binding, command);
  }

  @Override
  public ByteBuffer scratch() {
    // duplicate() does not inherit the byte order.
    return binding.scratch().duplicate().order(ByteOrder.nativeOrder());
  }

  @Override
  public ByteBuffer view(long address, long size) {
    MemoryRange.check(address, size);
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a ByteBuffer holds at most 2147483647 bytes, not "
              + size
              + ": use several, or segment() on Java 22 or later");
    }
    return binding.view(address, (int) size).order(ByteOrder.nativeOrder());
  }

  @Override
  public long addressOf(Buffer directBuffer) {
    if (!Objects.requireNonNull(directBuffer, "directBuffer").isDirect()) {
      throw new IllegalArgumentException(
          "not a direct buffer: the garbage collector may move a heap buffer; use ByteBuffer.allocateDirect");
    }
    return binding.addressOf(directBuffer);
  }

  @Override
  public TprocListener listen(Path socket) throws IOException {
    if (!socket.getFileSystem().equals(FileSystems.getDefault())) {
      throw new UnsupportedOperationException(
          "a socket is a file of the default file system: " + socket.toUri());
    }
    return binding.listen(socket.toAbsolutePath());
  }

  @Override
  public Optional<ThreadProc> ownerOf(long address) {
    return binding.ownerOf(address);
  }

  @Override
  public List<ThreadProc> threadProcs() {
    return List.copyOf(binding.threadProcs());
  }

  @Override
  public List<ThreadProcStatus> list() {
    return List.copyOf(binding.list());
  }

  @Override
  public void close() {
    binding.close();
  }

  @Override
  public String toString() {
    return "TprocHost[" + binding + "]";
  }
}
