package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import io.tproc.library.CType;
import io.tproc.library.ContainedLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tproc unpack-library}, for JVMs that can unpack nothing themselves. */
class UnpackLibraryIT {
  @TempDir Path directory;

  private static Outcome tproc(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Programs.cli()));
    command.addAll(List.of(arguments));
    return Outcome.natively(command.toArray(new String[0]));
  }

  /** Opens a host, runs a program, and calls a contained library. */
  static final class HostingMain {
    private HostingMain() {}

    public static void main(String[] arguments) throws Exception {
      try (TprocHost host = TprocHost.open()) {
        int status = host.command(Programs.nothing()).start().waitFor();
        try (ContainedLibrary library = host.library(Programs.library("contained"))) {
          int next = library.function("next_int32", CType.INT, CType.INT).callInt(41);
          System.out.println("hosted " + status + ", called " + next);
        }
      } catch (TprocUnavailableException refused) {
        System.out.println("unavailable: " + refused.getMessage());
      }
    }
  }

  /** A JVM whose cache, home and temporary directory are a read-only file system. */
  private Outcome underReadOnly(String... options) throws Exception {
    Path empty = Files.createDirectories(directory.resolve("empty"));
    String[] namespace =
        "unshare --map-root-user --mount sh -c".replace("unshare", unshare()).split(" ");
    List<String> prefix = new ArrayList<>(List.of(namespace));
    prefix.add("\"$0\" -t tmpfs -o ro,noexec none \"$1\" || exit; shift; exec \"$@\"");
    prefix.addAll(List.of(Programs.installed("mount"), empty.toString()));
    ProcessBuilder jvm =
        new ChildJvm()
            .through(prefix.toArray(new String[0]))
            .with("-Djava.io.tmpdir=" + empty, "-Duser.home=" + empty)
            .with("-Dtproc.library=", "-Dtproc.callee=", "-Dtproc.tmpdir=")
            .with("-Djava.library.path=" + empty)
            .with(options)
            .main(HostingMain.class);
    jvm.environment().put("XDG_CACHE_HOME", empty.toString());
    return Outcome.of(jvm.start(), "");
  }

  private static String unshare() throws Exception {
    String unshare = Programs.installed("unshare");
    Outcome tried = Outcome.natively(unshare, "--map-root-user", "--mount", "true");
    assumeTrue(tried.exitValue == 0, "skipped: no mount namespaces here: " + tried.error());
    return unshare;
  }

  @Test
  void aJvmThatCanUnpackNothingHostsWithIt() throws Exception {
    Path place = directory.resolve("made/on the way");
    Outcome unpacked = tproc("unpack-library", place.toString());
    assertThat(unpacked.exitValue).as(unpacked.toString()).isZero();
    String library = unpacked.output().strip();
    assertThat(Path.of(library)).isEqualTo(place.resolve("libtproc-jni.so")).isRegularFile();

    Outcome without = underReadOnly();
    assertThat(without.output())
        .as(without.toString())
        .startsWith("unavailable: ")
        .contains("tproc unpack-library")
        .contains("-Dtproc.library");
    Outcome with = underReadOnly("-Dtproc.library=" + library);
    assertThat(with.output()).as(with.toString()).isEqualTo("hosted 0, called 42\n");
  }

  @Test
  void othersMayReadItAndItCanBeReplacedAndBeForAnotherMachine() throws Exception {
    for (Map.Entry<String, Integer> each : Map.of("x86_64", 62, "aarch64", 183).entrySet()) {
      String architecture = each.getKey();
      Outcome unpacked = tproc("unpack-library", "--arch", architecture, directory.toString());
      Path library = Path.of(unpacked.output().strip());
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(library)))
          .isEqualTo("rwxr-xr-x");
      assertThat(Elf.machine(library)).isEqualTo(each.getValue());
      assertThat(Elf.machine(library.resolveSibling("tproc-callee"))).isEqualTo(each.getValue());
    }
    try (var files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("libtproc-jni.so", "libtproc.so.0.1", "tproc-callee");
    }
  }

  @Test
  void saysWhatIsWrong() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    Outcome refused = tproc("unpack-library", file.toString());
    assertThat(refused.exitValue).isEqualTo(125);
    assertThat(refused.error()).startsWith("tproc: cannot unpack tproc-callee into " + file + ": ");
    assertThat(refused.output()).isEmpty();

    Outcome vax = tproc("unpack-library", "--arch", "vax", directory.toString());
    assertThat(vax.exitValue).isEqualTo(125);
    assertThat(vax.error()).contains("--arch").contains("x86_64").contains("aarch64");
    assertThat(tproc("unpack-library").exitValue).isEqualTo(125);
  }
}
