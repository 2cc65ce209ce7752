package io.tproc.it;

import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.STRING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tproc.ExitStatus.Exited;
import io.tproc.ResourceLimit;
import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryBuilder;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryLoadException;
import io.tproc.library.LibraryThreads;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** How a contained library is loaded, and what its process is given. */
@ExtendWith(HostExtension.class)
class ContainedOptionsIT {
  private static LibraryBuilder builder(TprocHost host, String name) {
    return host.libraryBuilder(Programs.library(name));
  }

  @Test
  void whatALibraryDoesNotNameIsPreloaded(TprocHost host) throws Exception {
    assertThatThrownBy(() -> builder(host, "needy").open())
        .isInstanceOf(LibraryLoadException.class)
        .hasMessageContaining("undefined symbol: provided");
    try (ContainedLibrary library =
        builder(host, "needy").preload(Programs.library("provider")).open()) {
      assertThat(library.function("uses_provided", INT).callInt()).isEqualTo(42);
    }
    assertThatThrownBy(() -> builder(host, "needy").preload("libnosuch.so").open())
        .isInstanceOf(LibraryLoadException.class)
        .hasMessageContaining("cannot load libnosuch.so");
  }

  @Test
  void functionsAreLookedForLate(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        builder(host, "needy").lazy(true).redirectError(Redirect.DISCARD).open()) {
      assertThat(library.function("needs_nothing", INT).callInt()).isEqualTo(1);
      ContainedFunction needy = library.function("uses_provided", INT);
      LibraryCrashedException ended =
          catchThrowableOfType(LibraryCrashedException.class, needy::call);
      assertThat(ended.exitStatus()).isEqualTo(new Exited(127)); // as the dynamic loader does it
    }
  }

  /** What a library loads itself finds the library's symbols only when these are global. */
  @Test
  void symbolsAreThereForPlugIns(TprocHost host) throws Exception {
    for (boolean global : new boolean[] {true, false}) {
      try (ContainedLibrary library = builder(host, "provider").global(global).open()) {
        ContainedFunction load = library.function("loads_plug_in", CType.BOOL, STRING);
        assertThat(load.call(Programs.library("needy"))).isEqualTo(global);
      }
    }
  }

  @Test
  void whereLibrariesAreLookedForFirst(TprocHost host, @TempDir Path directory) throws Exception {
    Files.copy(Path.of(Programs.library("provider")), directory.resolve("libtprovided.so.3"));
    assertThatThrownBy(() -> host.library("libtprovided.so.3"))
        .isInstanceOf(LibraryLoadException.class);
    LibraryBuilder builder = host.libraryBuilder("libtprovided.so.3");
    builder.environment().put("LD_LIBRARY_PATH", directory.toString());
    try (ContainedLibrary library = builder.open()) {
      assertThat(library.function("provided", INT).callInt()).isEqualTo(42);
    }
  }

  @Test
  void environmentAndDirectory(TprocHost host, @TempDir Path directory) throws Exception {
    LibraryBuilder builder = builder(host, "contained").directory(directory);
    builder.environment().put("TPROC_IT_WORD", "grün");
    builder.environment().remove("HOME");
    try (ContainedLibrary library = builder.open()) {
      ContainedFunction getenv = library.function("getenv", STRING, STRING);
      assertThat(getenv.callString("TPROC_IT_WORD")).isEqualTo("grün");
      assertThat(getenv.callString("HOME")).isNull();
      assertThat(getenv.callString("PATH")).isEqualTo(System.getenv("PATH"));
      ByteBuffer path = ByteBuffer.allocateDirect(4096);
      assertThat(library.function("getcwd", STRING, POINTER, LONG).callString(path, 4096))
          .isEqualTo(directory.toRealPath().toString());
    }
  }

  @Test
  void outputGoesToAFile(TprocHost host, @TempDir Path directory) throws Exception {
    Path file = directory.resolve("out");
    try (ContainedLibrary library =
        builder(host, "contained").redirectOutput(Redirect.to(file.toFile())).open()) {
      library.function("puts", INT, STRING).call("said in C");
    }
    assertThat(file).hasContent("said in C\n");
  }

  @Test
  void limits(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        builder(host, "contained")
            .limit(ResourceLimit.OPEN_FILES, 20, 20)
            .limit(ResourceLimit.FILE_SIZE, 0, 0)
            .open()) {
      ContainedFunction duplicate = library.function("dup", INT, INT);
      int last = 0;
      for (int next = 0; next >= 0; next = duplicate.callInt(0)) {
        last = Math.max(last, next);
      }
      assertThat(last).isEqualTo(19);
      assertThat(library.errno()).isEqualTo(24); // EMFILE
    }
  }

  @Test
  void sizesOfStacks(TprocHost host) throws Exception {
    long size = 1 << 20;
    try (ContainedLibrary library = builder(host, "contained").stackSize(size).open()) {
      assertThat(library.function("stack_size", LONG).callLong()).isEqualTo(size);
    }
    assertThatThrownBy(() -> builder(host, "contained").stackSize(100))
        .hasMessage("a stack of less than 16 KiB: 100");
  }

  private static LibraryBuilder hanging(TprocHost host, Path directory) throws Exception {
    Path file = Files.createFile(directory.resolve("hang"));
    LibraryBuilder builder = builder(host, "hanging");
    builder.environment().put("HANG_WHILE_THERE_IS", file.toString());
    return builder;
  }

  @Test
  void aLibraryThatHangsWhileItIsLoaded(TprocHost host, @TempDir Path directory) throws Exception {
    host.library("libc.so.6").close();
    LibraryBuilder builder = hanging(host, directory).startLimit(Patience.seconds(1));
    for (LibraryThreads threads : LibraryThreads.values()) {
      Resources before = Resources.now();
      assertThatThrownBy(() -> builder.threads(threads).open())
          .isInstanceOf(LibraryLoadException.class)
          .hasMessageContaining("libhanging.so")
          .hasMessageContaining("took longer than PT");
      before.assertAsBefore();
    }
  }

  /** The interrupt comes while it loads, or is not seen: a library that is open stays so. */
  @Test
  void openedOnAThreadThatIsInterrupted(TprocHost host) throws Exception {
    for (long i = 0; i < Patience.scaled(100); i++) {
      Thread.currentThread().interrupt();
      try (ContainedLibrary library = builder(host, "contained").open()) {
        assertThat(Thread.interrupted()).isTrue();
        assertThat(library.function("next_int32", INT, INT).call(1)).isEqualTo(2);
      } catch (LibraryLoadException expected) {
        assertThat(expected).hasMessageContaining("was interrupted");
        assertThat(Thread.interrupted()).isTrue();
      }
    }
  }

  /** Whether it is asked for anything before that or not. */
  @Test
  void aProcessThatEndsBeforeItLoadsAnything(TprocHost host) throws Exception {
    LibraryBuilder builder = builder(host, "contained");
    builder.environment().put("LD_PRELOAD", Programs.library("crashing"));
    for (long i = 0; i < Patience.scaled(50); i++) {
      assertThatThrownBy(builder::open)
          .isInstanceOf(LibraryLoadException.class)
          .hasMessageContaining("libcontained.so");
    }
  }

  @Test
  void anInterruptEndsLoading(TprocHost host, @TempDir Path directory) throws Exception {
    host.library("libc.so.6").close();
    Resources before = Resources.now();
    LibraryBuilder builder = hanging(host, directory);
    CompletableFuture<Throwable> opened = new CompletableFuture<>();
    Thread opener =
        new Thread(
            () -> {
              Throwable thrown = catchThrowableOfType(LibraryLoadException.class, builder::open);
              opened.complete(Thread.currentThread().isInterrupted() ? thrown : null);
            });
    opener.start();
    Patience.until(Patience.seconds(60), () -> NativeWaits.isWaiting(opener));
    opener.interrupt();
    assertThat(opened.get(1, TimeUnit.MINUTES)).hasMessageContaining("was interrupted");
    opener.join();
    before.assertAsBefore();
  }
}
