package io.tproc.jni;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The two ends of a program's streams, with pipes of this process and an exit that the test decides
 * on.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ProcessStreamsTest {
  private static final int MORE_THAN_A_PIPE_HOLDS = 1 << 20;

  private final FileDescriptor reader = new FileDescriptor();
  private final FileDescriptor writer = new FileDescriptor();
  private final ExecutorService user = Executors.newSingleThreadExecutor();

  @BeforeAll
  static void load() {
    NativeLibrary.ensureLoaded();
  }

  @BeforeEach
  void pipe() throws IOException {
    Native.pipe(reader, writer);
  }

  @AfterEach
  void closeAll() throws IOException {
    user.shutdownNow();
    new FileInputStream(reader).close();
    new FileOutputStream(writer).close();
  }

  private ProcessInputStream input() {
    return new ProcessInputStream(new PipeInputStream(reader));
  }

  private ProcessOutputStream output() {
    return new ProcessOutputStream(new FileOutputStream(writer));
  }

  private void programWrites(String text) throws IOException {
    new FileOutputStream(writer).write(text.getBytes(US_ASCII));
  }

  @Test
  void outputCanBeReadAfterTheExitAndHoldsNoDescriptor() throws IOException {
    ProcessInputStream input = input();
    programWrites("late");
    new FileOutputStream(writer).close();

    input.processExited();

    assertThat(reader.valid()).isFalse();
    assertThat(input.readAllBytes()).asString(US_ASCII).isEqualTo("late");
    assertThat(input.read()).isEqualTo(-1);
  }

  @Test
  void whatWasBufferedComesFirst() throws IOException {
    ProcessInputStream input = input();
    programWrites("abc");
    assertThat(input.read()).isEqualTo('a');
    programWrites("def");
    new FileOutputStream(writer).close();

    input.processExited();

    assertThat(input.readAllBytes()).asString(US_ASCII).isEqualTo("bcdef");
  }

  @Test
  void anExitDoesNotWaitForAReader() throws Exception {
    ProcessInputStream input = input();
    Future<Integer> reading = user.submit(() -> input.read());
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(() -> reading.get(50, TimeUnit.MILLISECONDS));

    // A child of the program still has the pipe, so the reader goes on waiting, and this must
    // return all the same.
    input.processExited();
    assertThat(reading).isNotDone();
    programWrites("xy");
    new FileOutputStream(writer).close();

    assertThat(reading.get(20, TimeUnit.SECONDS)).isEqualTo('x');
    assertThat(input.read()).isEqualTo('y');
    assertThat(input.read()).isEqualTo(-1);
    user.submit(() -> assertThat(reader.valid()).as("taken over by the reader").isFalse())
        .get(20, TimeUnit.SECONDS);
  }

  @Test
  void whatADescendantWritesAfterTheExitIsReadUntilItEnds() throws IOException {
    ProcessInputStream input = input();
    programWrites("now,");
    input.processExited();
    programWrites("later");

    assertThat(input.readNBytes(9)).asString(US_ASCII).isEqualTo("now,later");
    assertThat(input.available()).isZero();
    assertThat(reader.valid()).isTrue();
    new FileOutputStream(writer).close();
    assertThat(input.read()).isEqualTo(-1);
    assertThat(reader.valid()).as("nothing can come any more").isFalse();
    assertThat(input.read()).isEqualTo(-1);
  }

  @Test
  void closedMeansClosed() throws IOException {
    ProcessInputStream before = input();
    programWrites("x");
    before.close();
    before.processExited();
    assertThat(reader.valid()).isFalse();
    assertThatIOException().isThrownBy(before::read);
  }

  @Test
  void closedAfterTheExitMeansClosed() throws IOException {
    ProcessInputStream after = input();
    programWrites("x");
    after.processExited();
    after.close();
    after.close();
    assertThatIOException().isThrownBy(after::read);
  }

  @Test
  void skipsAndMarks() throws IOException {
    ProcessInputStream input = input();
    programWrites("0123456789");
    assertThat(input.skip(3)).isEqualTo(3);
    input.mark(4);
    assertThat(input.read()).isEqualTo('3');
    input.reset();
    assertThat(input.available()).isEqualTo(7);
    assertThat(input.read()).isEqualTo('3');
  }

  @Test
  void skipsInAPipeWhichCannotSeek() throws IOException {
    PipeInputStream pipe = new PipeInputStream(reader);
    programWrites("0123456789");
    assertThat(pipe.skip(4)).isEqualTo(4);
    assertThat(pipe.read()).isEqualTo('4');
    assertThat(pipe.skip(0)).isZero();
    assertThat(pipe.skip(-1)).isZero();
    new FileOutputStream(writer).close();
    assertThat(pipe.skip(100)).as("to the end").isEqualTo(5);
  }

  @Test
  void whatIsWrittenArrives() throws IOException {
    ProcessOutputStream output = output();
    output.write('a');
    output.write("bc".getBytes(US_ASCII));
    output.close();

    assertThat(input().readAllBytes()).asString(US_ASCII).isEqualTo("abc");
  }

  @Test
  void writingAfterTheExitFails() {
    ProcessOutputStream output = output();

    output.processExited();

    assertThat(writer.valid()).isFalse();
    assertThatIOException()
        .isThrownBy(
            () -> {
              output.write('x');
              output.flush();
            })
        .withMessage("Stream closed");
  }

  @Test
  void anExitDoesNotWaitForAWriter() throws Exception {
    ProcessOutputStream output = output();
    Future<?> writing =
        user.submit(
            () -> {
              output.write(new byte[MORE_THAN_A_PIPE_HOLDS]);
              return null;
            });
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(() -> writing.get(50, TimeUnit.MILLISECONDS));

    output.processExited();
    assertThat(writing).isNotDone();
    assertThat(input().readNBytes(MORE_THAN_A_PIPE_HOLDS)).hasSize(MORE_THAN_A_PIPE_HOLDS);

    writing.get(20, TimeUnit.SECONDS);
    user.submit(() -> assertThat(writer.valid()).isFalse()).get(20, TimeUnit.SECONDS);
  }
}
