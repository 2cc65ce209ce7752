package io.tproc.jni;

import io.tproc.spi.CalleeSupport;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.file.Path;

/** What contained libraries and Python need of native code. */
final class JniCalleeSupport implements CalleeSupport {
  @Override
  public Path callee() throws IOException {
    return MachineFile.forThisMachine(MachineFile.CALLEE).path();
  }

  @Override
  public Path libtproc() throws IOException {
    return MachineFile.forThisMachine(MachineFile.LIBTPROC).path();
  }

  @Override
  public Path unpacked(String name, byte[] contents) throws IOException {
    return MachineFile.unpack(name, contents, MachineFile.caches());
  }

  @Override
  public long address(Buffer directBuffer) {
    return Native.addressOf(directBuffer);
  }

  @Override
  public void awaitChange(long address, int value, long nanoseconds) {
    Native.awaitChange(address, value, nanoseconds);
  }

  @Override
  public void wakeAll(long address) {
    Native.wakeAll(address);
  }

  @Override
  public void wakeFromHere(long address, long processor) {
    Native.wakeFromHere(address, processor);
  }
}
