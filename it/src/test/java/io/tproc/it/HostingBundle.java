package io.tproc.it;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedLibrary;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** What starts an OSGi bundle that hosts programs: it uses each part of tproc that needs a file. */
public final class HostingBundle implements BundleActivator {
  @Override
  public void start(BundleContext context) throws Exception {
    Path file = Files.createTempFile("bundle", ".jfr");
    try (Recording recording = new Recording();
        TprocHost host = TprocHost.open()) {
      recording.start();
      try (ThreadProc program = host.command("/bin/sh", "-c", "exit 7").start()) {
        System.out.println("exit " + program.waitFor());
      }
      recording.stop();
      recording.dump(file);
      long starts =
          RecordingFile.readAllEvents(file).stream()
              .filter(event -> event.getEventType().getName().equals("io.tproc.ThreadProcStart"))
              .count();
      System.out.println("recorded " + starts);

      ByteBuffer data = ByteBuffer.allocateDirect(8);
      try (ContainedLibrary library = host.library("libc.so.6")) {
        library
            .function("memset", CType.POINTER, CType.POINTER, CType.INT, CType.LONG)
            .call(data, 3, 8L);
      }
      System.out.println("called " + data.get(7));
    } finally {
      Files.delete(file);
    }
    boolean segment =
        Arrays.stream(TprocHost.class.getMethods())
            .anyMatch(method -> method.getName().equals("segment"));
    System.out.println(
        "whole " + (segment == Runtime.version().feature() >= 22)); // of a multi-release bundle
  }

  @Override
  public void stop(BundleContext context) {}
}
