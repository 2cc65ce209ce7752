package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.share.HeapUsage;
import io.tproc.share.HeapUsage.Owner;
import io.tproc.share.Registration;
import io.tproc.share.SharedBlock;
import java.io.BufferedReader;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code tproc registry} and {@code tproc heap}, and what Java is told of the same. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedCommandsIT {
  private static final String TYPE = "it.Block/1";

  private static Outcome tproc(ListeningHost host, String... command) throws Exception {
    List<String> words = new java.util.ArrayList<>(List.of(Programs.cli()));
    words.addAll(List.of(command));
    words.add(host.socket().toString());
    Outcome outcome = Outcome.natively(words);
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return outcome;
  }

  private static HeapUsage.Use of(HeapUsage usage, Owner owner, long pid) {
    return usage.uses().stream()
        .filter(each -> each.owner() == owner && each.pid() == pid)
        .findFirst()
        .orElse(new HeapUsage.Use(owner, pid, false, 0, 0, 0));
  }

  @Test
  void tellsWhatAProgramHasPublishedAndHowItEnded() throws Exception {
    try (ListeningHost host = ListeningHost.open();
        ThreadProc program =
            host.host().command(Programs.probe("sharing"), "keep", "it.kept").start()) {
      Registration found = host.host().registry().await("it.kept", TYPE, Patience.seconds(30));
      String line =
          "it\\.kept +it\\.Block/1 +%x +96 +7 +%d +".formatted(found.address(), program.pid());
      assertThat(tproc(host, "registry").output()).containsPattern(line + "live\n");
      assertThat(tproc(host, "registry", "--json").output())
          .contains("\"name\": \"it.kept\"")
          .contains("\"address\": " + found.address())
          .contains("\"ended\": false");

      program.destroyForcibly();
      assertThat(host.host().registry().whenEnded(found).get().ended()).isPresent();
      assertThat(tproc(host, "registry").output()).containsPattern(line + "killed by SIGKILL\n");
    }
  }

  @Test
  void tellsALimitAndWhoIsAtIt() throws Exception {
    try (ListeningHost host = ListeningHost.open();
        ThreadProc program =
            host.host()
                .command(Programs.probe("sharing"), "fill", "-", "100000")
                .heapLimit(1 << 20)
                .start();
        BufferedReader said = program.inputReader()) {
      assertThat(said.readLine()).isEqualTo("8 blocks, then Cannot allocate memory");
      HeapUsage.Use its = of(host.host().heap().usage(), Owner.PROCESS, program.pid());
      assertThat(its.blocks()).isEqualTo(8);
      assertThat(its.bytes()).isEqualTo(1 << 20);
      assertThat(its.limit()).isEqualTo(1 << 20);
      assertThat(tproc(host, "heap").output())
          .containsPattern(" *" + program.pid() + " +process +8 +1\\.0M +1\\.0M\n");
      host.host().heap().allocate(4 << 20).close();

      long owned = its.bytes();
      program.destroyForcibly().waitFor();
      assertThat(of(host.host().heap().usage(), Owner.PROCESS, program.pid()))
          .returns(owned, HeapUsage.Use::bytes)
          .returns(true, HeapUsage.Use::ended);
      program.close();
      assertThat(of(host.host().heap().usage(), Owner.PROCESS, program.pid()).blocks()).isZero();
    }
  }

  @Test
  void tellsWhoHasHowMuch() throws Exception {
    try (ListeningHost host = ListeningHost.open();
        SharedBlock block = host.host().heap().allocate(1 << 20);
        ThreadProc program =
            host.host().command(Programs.probe("sharing"), "publish", "it.block").start()) {
      host.host().registry().await("it.block", TYPE, Patience.seconds(30));
      long own = ProcessHandle.current().pid();
      HeapUsage usage = host.host().heap().usage();
      assertThat(of(usage, Owner.HOST, own).bytes()).isGreaterThanOrEqualTo(block.size());
      HeapUsage.Use its = of(usage, Owner.PROCESS, program.pid());
      assertThat(its.blocks()).isEqualTo(1);
      assertThat(its.bytes()).isBetween(96L, 128L);
      assertThat(usage.taken()).isBetween(1L << 20, usage.size());
      assertThat(usage.resident()).isPositive();

      assertThat(tproc(host, "heap").output())
          .containsPattern(" *" + own + " +host +\\d+ +1\\.\\dM +-\n")
          .containsPattern(" *" + program.pid() + " +process +1 +\\d+ +-\n")
          .containsPattern("\n\\S+ in blocks, \\S+ taken, \\S+ in memory, of \\S+\n$");
      assertThat(tproc(host, "heap", "--json").output())
          .contains(
              "\"pid\": "
                  + program.pid()
                  + ", \"owner\": \"process\", \"ended\": false, \"blocks\": 1");
    }
  }
}
