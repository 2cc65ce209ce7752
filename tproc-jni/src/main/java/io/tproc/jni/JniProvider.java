package io.tproc.jni;

import io.tproc.Finding;
import io.tproc.TprocHost;
import io.tproc.spi.TprocProvider;
import java.io.IOException;
import java.util.List;

/**
 * Found by {@link java.util.ServiceLoader}; loads the native library when it is first asked for
 * something.
 */
public final class JniProvider implements TprocProvider {
  /** For {@link java.util.ServiceLoader}. */
  public JniProvider() {}

  @Override
  public TprocHost open() {
    NativeLibrary.ensureLoaded();
    return JniHost.open();
  }

  @Override
  public boolean notifyService(String state) throws IOException {
    NativeLibrary.ensureLoaded();
    return Native.notifyService(ByteStrings.terminated(state, "the state"));
  }

  @Override
  public List<Finding> check() {
    NativeLibrary.ensureLoaded();
    return Findings.read(Native.check());
  }
}
