package io.tproc.jni;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A program ended: by itself, or by a signal. */
@Name("io.tproc.ThreadProcExit")
@Label("ThreadProc Exit")
@Description("A native program in this JVM's address space ended")
@Category("ThreadProc")
@StackTrace(false) // always the collector's
final class ThreadProcExitEvent extends Event {
  @Label("Process Id")
  long pid;

  @Label("Exit Value")
  @Description("The exit code, or 128 plus the number of the signal")
  int exitValue;

  @Label("Signal")
  @Description("The name of the signal that killed it, if one did")
  @Nullable String signal;

  @Label("Core Dumped")
  boolean coreDumped;

  @Label("Crash")
  @Description("Where it was, if it crashed and was started for a crash report")
  @Nullable String crash;
}
