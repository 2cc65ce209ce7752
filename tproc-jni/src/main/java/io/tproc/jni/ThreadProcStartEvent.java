package io.tproc.jni;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** A program was started; the duration is that of the launch. */
@Name("io.tproc.ThreadProcStart")
@Label("ThreadProc Start")
@Description(
    "A native program was started in this JVM's address space; the duration is that of the launch")
@Category("ThreadProc")
final class ThreadProcStartEvent extends Event implements SpawnRecord {
  @Label("Process Id")
  long pid;

  @Label("Program")
  @Nullable String program;

  @Override
  public void spawned(long newPid, String newProgram) {
    pid = newPid;
    program = newProgram;
    FlightRecords.commit(this::commit);
  }
}
