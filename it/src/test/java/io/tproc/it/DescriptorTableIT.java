package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the host's threads do with descriptors is nothing to the JVM's own, and the JVM's are
 * nothing to new programs.
 */
@ExtendWith(HostExtension.class)
class DescriptorTableIT {
  @TempDir private Path directory;

  private static String lockOf(Path file) throws Exception {
    return Outcome.natively(Programs.probe("locks"), "test", file.toString()).output();
  }

  @Test
  void aLockOutlastsProgramsThatUseTheFile(TprocHost host) throws Exception {
    Path file = Files.write(directory.resolve("file"), new byte[8192]);
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      assertThat(lockOf(file)).isEqualTo("locked\n");

      assertThat(Outcome.hosted(host, Programs.probe("locks"), "map", file.toString()).exitValue)
          .isZero();
      assertThat(lock.isValid()).isTrue();
      assertThat(lockOf(file)).as("mapped by a program").isEqualTo("locked\n");
    }
  }

  @Test
  void aLockOutlastsRedirectsToTheFileAndFromIt(TprocHost host) throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "text\n");
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      Redirect append = Redirect.appendTo(file.toFile());
      ThreadProcBuilder writing = host.command(Programs.installed("echo"), "more");
      assertThat(writing.redirectOutput(append).redirectErrorStream(true).start().waitFor())
          .isZero();
      ThreadProcBuilder reading = host.command(Programs.installed("cat"));
      Outcome read = Outcome.of(reading.redirectInput(file.toFile()).start(), "");

      assertThat(read.output()).isEqualTo("text\nmore\n");
      assertThat(lock.isValid()).isTrue();
      assertThat(lockOf(file)).isEqualTo("locked\n");
    }
  }

  @Test
  void programsRunOnInAJvmWithoutAFreeDescriptor() throws Exception {
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .with("-XX:-MaxFDLimit")
                .through(Programs.installed("sh"), "-c", "ulimit -n 200 && exec \"$0\" \"$@\"")
                .main(WithoutDescriptors.class)
                .start(),
            "");

    assertThat(outcome.output()).as(outcome.toString()).isEqualTo("no descriptor left\nmapped\n");
  }

  /** Lets a program map files when this JVM has no descriptor left. */
  static final class WithoutDescriptors {
    private WithoutDescriptors() {}

    public static void main(String[] arguments) throws Exception {
      List<FileInputStream> all = new ArrayList<>();
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command(Programs.probe("maploop")).start()) {
        mapOnce(program); // so that all classes are loaded
        String said = "";
        try {
          for (; ; ) {
            all.add(new FileInputStream("/dev/null"));
          }
        } catch (IOException expected) {
          said = "no descriptor left";
        }
        String answer = mapOnce(program);
        for (FileInputStream each : all) {
          each.close();
        }
        System.out.println(said);
        System.out.println(answer);
      }
    }

    private static String mapOnce(ThreadProc program) throws IOException {
      program.outputWriter().write("\n");
      program.outputWriter().flush();
      return program.inputReader().readLine();
    }
  }

  @Test
  void aFileOfTheJvmOnAHungFileSystemHoldsUpNoProgram() throws Exception {
    assumeTrue(Programs.isRoot(), "skipped: only root can mount a file system that hangs");
    Path mountPoint = Files.createDirectory(directory.resolve("hung"));
    Process fileSystem =
        new ProcessBuilder(Programs.probe("hungfile"), mountPoint.toString(), "flush").start();
    try {
      assumeTrue(
          "ready".equals(fileSystem.inputReader().readLine()),
          "skipped: mounting is not allowed here");
      RandomAccessFile file = new RandomAccessFile(mountPoint.resolve("f").toFile(), "r");
      CompletableFuture<Integer> ended =
          CompletableFuture.supplyAsync(
              () -> {
                try (TprocHost host = TprocHost.open()) {
                  return Outcome.hosted(host, Programs.nothing()).exitValue;
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      try {
        assertThat(ended.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS)).isZero();
      } finally {
        fileSystem.getOutputStream().close();
        fileSystem.waitFor();
        closeWithoutFileSystem(file);
      }
    } finally {
      fileSystem.destroyForcibly();
    }
  }

  private static void closeWithoutFileSystem(RandomAccessFile file) {
    try {
      file.close();
    } catch (IOException expected) {
      return; // "Transport endpoint is not connected"
    }
  }
}
