package io.tproc.jni;

import io.tproc.CrashReport;
import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Signalled;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * What goes to Java Flight Recorder, when the JVM has one (module jdk.jfr is optional) and it has
 * been used.
 */
final class FlightRecords {
  private static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private static final System.Logger LOG = System.getLogger(FlightRecords.class.getPackageName());

  private static volatile boolean unlinked;

  private FlightRecords() {}

  private static boolean on() {
    return PRESENT && !unlinked && FlightRecorder.isInitialized();
  }

  /**
   * The recorder writes calls of its internal classes into an event's class. Where a class loader
   * hides those, as an OSGi framework's does, a program is launched all the same.
   *
   * @param event writes it; not the event itself, for to verify such a call the JVM loads its
   *     class, which is not there without a recorder
   */
  static void commit(Runnable event) {
    try {
      event.run();
    } catch (LinkageError hidden) {
      unlinked = true;
      LOG.log(
          System.Logger.Level.WARNING,
          "programs are not recorded by Java Flight Recorder: its classes are hidden from this"
              + " class loader ("
              + hidden.getMessage()
              + "); an OSGi framework shows them with org.osgi.framework.bootdelegation=jdk.jfr.*");
    }
  }

  /** A launch begins. */
  static SpawnRecord spawning() {
    if (!on()) {
      return SpawnRecord.NONE;
    }
    ThreadProcStartEvent event = new ThreadProcStartEvent();
    event.begin();
    return event;
  }

  /** A threadproc has executed another program. */
  static void left(long pid, String program) {
    if (!on()) {
      return;
    }
    ThreadProcLeftEvent event = new ThreadProcLeftEvent();
    event.pid = pid;
    event.program = program;
    commit(event::commit);
  }

  /** A threadproc has ended. */
  static void exited(long pid, ExitStatus status, @Nullable CrashReport crash) {
    if (!on()) {
      return;
    }
    ThreadProcExitEvent event = new ThreadProcExitEvent();
    event.pid = pid;
    event.exitValue = status.exitValue();
    if (status instanceof Signalled signalled) {
      event.signal = signalled.signalName();
      event.coreDumped = signalled.coreDumped();
    }
    event.crash = crash != null ? crash.toString() : null;
    commit(event::commit);
  }
}
