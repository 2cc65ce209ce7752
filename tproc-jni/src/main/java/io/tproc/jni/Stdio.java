package io.tproc.jni;

import io.tproc.spi.LaunchRequest;
import java.io.Closeable;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The three descriptors that a program starts with, and the streams at their other ends. Whatever
 * happens, {@link #close} closes the program's ends, and the host's ends too unless they were
 * taken.
 */
final class Stdio implements Closeable {
  private static final String NOWHERE = "/dev/null";
  private static final int INPUT = 0;
  private static final int OUTPUT = 1;
  private static final int ERROR = 2;

  /**
   * What {@link Process} shows of its streams.
   *
   * @param input writes to the program
   * @param output reads what the program writes
   * @param error reads what the program writes to standard error
   */
  record HostEnds(OutputStream input, InputStream output, InputStream error) {
    /** The program has ended: keeps what it has written, and gives back the descriptors. */
    void processExited() {
      if (output instanceof ProcessInputStream pipe) {
        pipe.processExited();
      }
      if (error instanceof ProcessInputStream pipe) {
        pipe.processExited();
      }
      if (input instanceof ProcessOutputStream pipe) {
        pipe.processExited();
      }
    }
  }

  private final List<Closeable> programEnds = new ArrayList<>();
  private final List<Closeable> hostEnds = new ArrayList<>();
  private OutputStream inputStream = ClosedOutputStream.INSTANCE;
  private InputStream outputStream = InputStream.nullInputStream();
  private InputStream errorStream = InputStream.nullInputStream();
  private int input;
  private int output;
  private int error;
  private int carried;

  private Stdio() {}

  /**
   * Opens what a request asks for, in the order in which ProcessImpl does.
   *
   * @throws IOException when a file cannot be opened or there are no more descriptors; nothing
   *     stays open
   */
  static Stdio open(LaunchRequest request) throws IOException {
    Stdio stdio = new Stdio();
    boolean complete = false;
    try {
      stdio.openInput(request.input());
      stdio.openOutput(request.output());
      if (request.redirectErrorStream()) {
        stdio.error = stdio.output;
        stdio.carried |= (stdio.carried & 1 << OUTPUT) << (ERROR - OUTPUT);
      } else {
        stdio.openError(request.error());
      }
      complete = true;
      return stdio;
    } finally {
      if (!complete) {
        stdio.close();
      }
    }
  }

  /** Whether one of the streams is no regular file, but perhaps a FIFO, which has another end. */
  static boolean opensForAnother(LaunchRequest request) {
    return Stream.of(request.input(), request.output(), request.error())
        .flatMap(redirect -> Stream.ofNullable(redirect.file()))
        .anyMatch(file -> !file.getPath().equals(NOWHERE) && file.exists() && !file.isFile());
  }

  private void openInput(Redirect source) throws IOException {
    switch (source.type()) {
      case PIPE -> {
        FileDescriptor reader = new FileDescriptor();
        FileDescriptor writer = new FileDescriptor();
        Native.pipe(reader, writer);
        programEnds.add(new FileInputStream(reader));
        inputStream = new ProcessOutputStream(new FileOutputStream(writer));
        hostEnds.add(inputStream);
        input = Native.number(reader);
      }
      case INHERIT -> input = INPUT;
      default -> input = openFile(source, INPUT);
    }
  }

  private void openOutput(Redirect destination) throws IOException {
    switch (destination.type()) {
      case PIPE -> {
        FileDescriptor writer = new FileDescriptor();
        outputStream = openPipe(writer);
        output = Native.number(writer);
      }
      case INHERIT -> output = OUTPUT;
      default -> output = openFile(destination, OUTPUT);
    }
  }

  private void openError(Redirect destination) throws IOException {
    switch (destination.type()) {
      case PIPE -> {
        FileDescriptor writer = new FileDescriptor();
        errorStream = openPipe(writer);
        error = Native.number(writer);
      }
      case INHERIT -> error = ERROR;
      default -> error = openFile(destination, ERROR);
    }
  }

  private InputStream openPipe(FileDescriptor writer) throws IOException {
    FileDescriptor reader = new FileDescriptor();
    Native.pipe(reader, writer);
    programEnds.add(new FileOutputStream(writer));
    InputStream stream = new ProcessInputStream(new PipeInputStream(reader));
    hostEnds.add(stream);
    return stream;
  }

  /**
   * Not as a stream of Java's: closing that would drop the locks that the JVM has on the file
   * ({@link java.nio.channels.FileLock}).
   */
  private int openFile(Redirect redirect, int stream) throws IOException {
    boolean write = redirect.type() != Redirect.Type.READ;
    boolean append = redirect.type() == Redirect.Type.APPEND;
    String path = fileOf(redirect).getPath();
    if (path.equals(NOWHERE)) { // nobody locks it, and a program's output often goes there
      return write ? opened(new FileOutputStream(path)) : opened(new FileInputStream(path));
    }
    FileDescriptor carrier = new FileDescriptor();
    try {
      byte[] name = ByteStrings.terminated(path, "the file's name");
      Native.carryFile(name, Native.fileFlags(write, append), carrier);
    } catch (IOException failed) {
      FileNotFoundException asOfStreams = new FileNotFoundException(failed.getMessage());
      asOfStreams.initCause(failed);
      throw asOfStreams;
    }
    programEnds.add(new FileInputStream(carrier));
    carried |= 1 << stream;
    return Native.number(carrier);
  }

  private int opened(FileInputStream stream) throws IOException {
    programEnds.add(stream);
    return Native.number(stream.getFD());
  }

  private int opened(FileOutputStream stream) throws IOException {
    programEnds.add(stream);
    return Native.number(stream.getFD());
  }

  private static File fileOf(Redirect redirect) {
    File file = redirect.file();
    if (file == null) {
      throw new IllegalArgumentException("a redirect of an unknown kind: " + redirect);
    }
    return file;
  }

  /** The number of the descriptor that becomes 0. */
  int input() {
    return input;
  }

  /** The number of the descriptor that becomes 1. */
  int output() {
    return output;
  }

  /** The number of the descriptor that becomes 2. */
  int error() {
    return error;
  }

  /** Which of them hold the file that is meant: bit n for n. */
  int carried() {
    return carried;
  }

  /** Takes the host's ends: from here on they are the caller's to close. */
  HostEnds hostEnds() {
    hostEnds.clear();
    return new HostEnds(inputStream, outputStream, errorStream);
  }

  @Override
  public void close() {
    programEnds.forEach(Stdio::closeQuietly);
    hostEnds.forEach(Stdio::closeQuietly);
  }

  private static void closeQuietly(Closeable end) {
    try {
      end.close();
    } catch (IOException ignored) {
      // close(2) has closed it in any case, and nothing that was written can be lost in a pipe's
      // end.
    }
  }
}
