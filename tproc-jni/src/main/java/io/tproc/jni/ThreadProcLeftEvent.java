package io.tproc.jni;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A program executed another one in its place. */
@Name("io.tproc.ThreadProcLeft")
@Label("ThreadProc Left")
@Description("A native program executed another one, and left this JVM's address space")
@Category("ThreadProc")
@StackTrace(false) // always the collector's
final class ThreadProcLeftEvent extends Event {
  @Label("Process Id")
  long pid;

  @Label("Program")
  @Description("The program that was started")
  @Nullable String program;
}
