package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightRecordsTest {
  @Test
  void aProgramThatExecutesAnotherIsRecorded(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("recording.jfr");
    long pid;
    try (Recording recording = new Recording()) {
      recording.start();
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command("sh", "-c", "exec sh -c :").start()) {
        pid = program.pid();
        program.waitFor();
      }
      recording.stop();
      recording.dump(file);
    }

    assertThat(RecordingFile.readAllEvents(file))
        .filteredOn(event -> event.getEventType().getName().equals("io.tproc.ThreadProcLeft"))
        .filteredOn(event -> event.getLong("pid") == pid)
        .singleElement()
        .satisfies(event -> assertThat(event.getString("program")).isEqualTo("sh"));
  }

  @Test
  void startsAndCrashesAreRecorded(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("recording.jfr");
    long pid;
    try (Recording recording = new Recording()) {
      recording.start();
      // Closing the host waits for the collector, which writes the event.
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command("sh", "-c", "kill -KILL $$").start()) {
        pid = program.pid();
        program.waitFor();
      }
      recording.stop();
      recording.dump(file);
    }

    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertThat(events)
        .filteredOn(event -> event.getEventType().getName().equals("io.tproc.ThreadProcStart"))
        .filteredOn(event -> event.getLong("pid") == pid)
        .singleElement()
        .satisfies(event -> assertThat(event.getString("program")).isEqualTo("sh"));
    assertThat(events)
        .filteredOn(event -> event.getEventType().getName().equals("io.tproc.ThreadProcExit"))
        .filteredOn(event -> event.getLong("pid") == pid)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getInt("exitValue")).isEqualTo(137);
              assertThat(event.getString("signal")).isEqualTo("SIGKILL");
            });
  }
}
