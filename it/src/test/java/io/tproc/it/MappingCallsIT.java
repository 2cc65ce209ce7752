package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** mmap, munmap, mremap, brk and shmat do in a threadproc what they do in a process. */
@ExtendWith(HostExtension.class)
class MappingCallsIT {
  private static final String PROGRAM = Programs.probe("mapping");

  @Test
  void answerAsInAProcess(TprocHost host, @TempDir Path directory) throws Exception {
    Outcome natively = Outcome.natively(PROGRAM, directory.toString());
    Outcome hosted = Outcome.hosted(host, PROGRAM, directory.toString());

    assertThat(hosted).isEqualTo(natively);
    assertThat(hosted.output().lines())
        .hasSizeGreaterThan(50)
        .noneMatch(line -> line.endsWith("WRONG"));
  }

  @Test
  void answerSoInManyProgramsAtOnce(TprocHost host, @TempDir Path directory) throws Exception {
    Outcome natively = Outcome.natively(PROGRAM, directory.toString());
    List<ThreadProc> programs = new ArrayList<>();
    Resources before = Resources.now();
    for (int i = 0; i < 8; i++) {
      Path own = java.nio.file.Files.createDirectory(directory.resolve("of-" + i));
      programs.add(host.command(PROGRAM, own.toString()).start());
    }
    for (ThreadProc program : programs) {
      assertThat(Outcome.of(program, "")).isEqualTo(natively);
      program.close();
    }
    before.assertAsBefore();
  }
}
