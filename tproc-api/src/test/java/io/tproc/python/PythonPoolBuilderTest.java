package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import com.google.common.testing.NullPointerTester;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerPoolBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonPoolBuilderTest {
  private final TprocHost host = mock(TprocHost.class, withSettings().stubOnly());

  private PythonPoolBuilder builder(String program) {
    when(host.workers(any())).thenAnswer(call -> new WorkerPoolBuilder(host, List.of("program")));
    when(host.command(program))
        .thenAnswer(call -> new ThreadProcBuilder(request -> null, List.of(program)));
    return new PythonPoolBuilder(host, mock(CalleeSupport.class), program);
  }

  static WorkerPool pool() {
    return mock(WorkerPool.class);
  }

  @Test
  void limitsAreThoseOfThePool() {
    PythonPoolBuilder builder = builder("python3");
    assertThatIllegalArgumentException().isThrownBy(() -> builder.count(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.count(257));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.callLimit(Duration.ZERO));
    PythonFunction function = new PythonFunction(pool(), "m", "f");
    assertThatIllegalArgumentException().isThrownBy(() -> function.within(Duration.ZERO));
  }

  @Test
  void nullArguments() {
    NullPointerTester tester = new NullPointerTester();
    tester.testAllPublicInstanceMethods(builder("python3"));
    tester.testAllPublicInstanceMethods(new PythonFunction(pool(), "m", "f"));
  }

  @Test
  void severalOfFixedAddressesNeedTheSharedLibrary(@TempDir Path directory) throws Exception {
    byte[] head = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0};
    Path executable = Files.write(directory.resolve("python3.99"), head);
    Path script =
        Files.writeString(
            directory.resolve("python"),
            "#!/bin/sh\nprintf 'tproc\\0cpython\\0003.99.1\\0%s\\0' " + executable + "\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> builder(script.toString()).count(2).open())
        .withMessageStartingWith("cannot start 2 interpreters of Python 3.99.1 of " + executable)
        .withMessageContaining("fixed addresses")
        .withMessageContaining("shared library is missing");
  }
}
