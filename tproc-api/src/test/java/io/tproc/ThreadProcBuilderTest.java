package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.tproc.spi.LaunchRequest;
import io.tproc.spi.ProgramStarter;
import io.tproc.spi.StartState;
import java.io.File;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.ArgumentCaptor;
import org.mockito.Captor;
import org.mockito.Mock;
import org.mockito.junit.jupiter.MockitoExtension;

@ExtendWith(MockitoExtension.class)
class ThreadProcBuilderTest {
  @Mock ProgramStarter starter;
  @Mock ThreadProc started;
  @Captor ArgumentCaptor<LaunchRequest> request;

  private ThreadProcBuilder builder(String... command) {
    return new ThreadProcBuilder(starter, Arrays.asList(command));
  }

  private LaunchRequest launched(ThreadProcBuilder builder) throws IOException {
    when(starter.start(request.capture())).thenReturn(started);
    assertThat(builder.start()).isSameAs(started);
    return request.getValue();
  }

  @Test
  void startsWithTheDefaultsOfProcessBuilder() throws IOException {
    LaunchRequest launch = launched(builder("echo", "a b"));

    assertThat(launch.command()).containsExactly("echo", "a b");
    assertThat(launch.program()).isEqualTo("echo");
    assertThat(launch.environment()).isEqualTo(System.getenv());
    assertThat(launch.directory()).isNull();
    assertThat(launch.input()).isEqualTo(Redirect.PIPE);
    assertThat(launch.output()).isEqualTo(Redirect.PIPE);
    assertThat(launch.error()).isEqualTo(Redirect.PIPE);
    assertThat(launch.redirectErrorStream()).isFalse();
    assertThat(launch.umask()).isEqualTo(LaunchRequest.INHERIT_UMASK);
    assertThat(launch.crashReport()).isFalse();
    assertThat(launch.stay()).isFalse();
    assertThat(launch.neverForks()).isFalse();
    assertThat(launch.spill()).isFalse();
    assertThat(launch.heapLimit()).isEqualTo(LaunchRequest.NO_LIMIT);
    assertThat(launch.state()).isEqualTo(StartState.OF_HOST);
  }

  @Test
  void everythingSetReachesTheStarter() throws IOException {
    File in = new File("in");
    File out = new File("out");
    ThreadProcBuilder builder =
        builder("x")
            .command("y", "1")
            .directory(Path.of("/tmp"))
            .redirectInput(in)
            .redirectOutput(out)
            .redirectError(Redirect.appendTo(out))
            .redirectErrorStream(true)
            .umask(077)
            .crashReport(true)
            .stay(true)
            .neverForks(true)
            .spill(true)
            .heapLimit(1)
            .nice(-20)
            .limit(ResourceLimit.CPU, 5, ResourceLimit.UNLIMITED)
            .limit(ResourceLimit.CORE, 0)
            .affinity(0, 8191)
            .descriptor(3, FileDescriptor.out)
            .session(true);
    builder.environment().clear();
    builder.environment().put("K", "v");

    LaunchRequest launch = launched(builder);

    assertThat(launch.command()).containsExactly("y", "1");
    assertThat(launch.environment()).containsOnly(org.assertj.core.api.Assertions.entry("K", "v"));
    assertThat(launch.directory()).isEqualTo(new File("/tmp"));
    assertThat(launch.input()).isEqualTo(Redirect.from(in));
    assertThat(launch.output()).isEqualTo(Redirect.to(out));
    assertThat(launch.error()).isEqualTo(Redirect.appendTo(out));
    assertThat(launch.redirectErrorStream()).isTrue();
    assertThat(launch.umask()).isEqualTo(077);
    assertThat(launch.crashReport()).isTrue();
    assertThat(launch.stay()).isTrue();
    assertThat(launch.neverForks()).isTrue();
    assertThat(launch.spill()).isTrue();
    assertThat(launch.heapLimit()).isEqualTo(1);
    assertThat(launch.state())
        .isEqualTo(
            new StartState(
                -20,
                Map.of(
                    ResourceLimit.CPU,
                    new StartState.Limit(5, ResourceLimit.UNLIMITED),
                    ResourceLimit.CORE,
                    new StartState.Limit(0, 0)),
                Set.of(0, 8191),
                Map.of(3, FileDescriptor.out),
                true));
  }

  @Test
  void inheritIoAppliesToAllThree() throws IOException {
    LaunchRequest launch = launched(builder("x").inheritIO());

    assertThat(List.of(launch.input(), launch.output(), launch.error()))
        .containsOnly(Redirect.INHERIT);
  }

  @Test
  void theCommandListIsLive() throws IOException {
    List<String> command = new ArrayList<>(List.of("echo"));
    ThreadProcBuilder builder = new ThreadProcBuilder(starter, command);
    command.add("later");

    assertThat(launched(builder).command()).containsExactly("echo", "later");
  }

  @Test
  void whatIsChangedLaterDoesNotTouchAnEarlierStart() throws IOException {
    ThreadProcBuilder builder = builder("echo", "1");
    builder.environment().put("N", "1");
    LaunchRequest first = launched(builder);
    builder.command().set(1, "2");
    builder.environment().put("N", "2");
    builder.start();

    verify(starter, times(2)).start(request.capture());
    assertThat(first.command()).containsExactly("echo", "1");
    assertThat(first.environment()).containsEntry("N", "1");
    assertThat(request.getValue().environment()).containsEntry("N", "2");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 01000})
  void refusesAnUmaskOutOfRange(int umask) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").umask(umask))
        .withMessageContaining("umask");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void refusesALimitOfTheHeapThatIsNone(long bytes) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").heapLimit(bytes))
        .withMessage("a limit of the heap below 1 byte: " + bytes);
  }

  @ParameterizedTest
  @ValueSource(ints = {-21, 20})
  void refusesANiceValueOutOfRange(int nice) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").nice(nice))
        .withMessage("nice value out of range -20 to 19: " + nice);
  }

  @Test
  void refusesLimitsThatCannotBe() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").limit(ResourceLimit.CPU, 2, 1))
        .withMessage("soft limit above the hard limit: 2 > 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").limit(ResourceLimit.CPU, ResourceLimit.UNLIMITED, 1))
        .withMessage("soft limit above the hard limit: unlimited > 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").limit(ResourceLimit.CPU, -2))
        .withMessage("negative limit: -2");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 8192})
  void refusesAProcessorOutOfRange(int cpu) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").affinity(0, cpu))
        .withMessage("processor out of range 0 to 8191: " + cpu);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2})
  void refusesAStandardStreamAsADescriptor(int number) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").descriptor(number, FileDescriptor.in))
        .withMessage("descriptor out of range 3 to 2147483647: " + number);
  }

  @Test
  void noProcessorMeansTheHosts() throws IOException {
    assertThat(launched(builder("x").affinity(1).affinity()).state()).isEqualTo(StartState.OF_HOST);
  }

  @Test
  void refusesRedirectsOfTheWrongDirection() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").redirectInput(Redirect.DISCARD));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder("x").redirectOutput(Redirect.from(new File("f"))));
  }

  @Test
  void refusesAnEnvironmentThatNoProgramCouldRead() {
    var environment = builder("x").environment();

    assertThatIllegalArgumentException().isThrownBy(() -> environment.put("A=B", "v"));
    assertThatIllegalArgumentException().isThrownBy(() -> environment.put("A", "v\0w"));
  }

  @SuppressWarnings("NullAway") // as code without such a check may call it
  @Test
  void namesWhatIsNull() {
    assertThatNullPointerException()
        .isThrownBy(() -> builder("x").redirectInput((File) null))
        .withMessage("file");
    assertThatNullPointerException()
        .isThrownBy(() -> builder("x").redirectOutput((Redirect) null))
        .withMessage("destination");
    assertThatNullPointerException()
        .isThrownBy(() -> builder("x").affinity((int[]) null))
        .withMessage("cpus");
  }

  @Test
  void refusesAnEmptyCommandAndNullElements() throws IOException {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().start())
        .withMessageContaining("a command without words");
    assertThatNullPointerException().isThrownBy(() -> builder("x", null).start());
    verify(starter, never()).start(any());
  }

  @Test
  void aFailedLaunchReachesTheCaller() throws IOException {
    when(starter.start(any()))
        .thenThrow(new LaunchException(2, "cannot host /x: No such file or directory (ENOENT)"));

    assertThatExceptionOfType(LaunchException.class)
        .isThrownBy(() -> builder("/x").start())
        .withMessage("cannot host /x: No such file or directory (ENOENT)")
        .extracting(LaunchException::errno)
        .isEqualTo(2);
  }

  @Test
  void whatIsToBeReadyReachesTheStarterWithItsArguments() throws IOException {
    Duration age = Duration.ofHours(1);
    Duration timeout = Duration.ofMillis(1);
    builder("python3", "worker.py").directory(Path.of("/tmp")).prepareUntilReady(3, age, timeout);

    verify(starter).prepareUntilReady(request.capture(), eq(3), eq(age), eq(timeout));
    assertThat(request.getValue().command()).containsExactly("python3", "worker.py");
    assertThat(request.getValue().directory()).isEqualTo(new File("/tmp"));
  }

  @Test
  void withoutMoreItHasAMinuteAndNoAge() throws IOException {
    builder("x").prepareUntilReady(0);

    verify(starter).prepareUntilReady(any(), eq(0), eq(Duration.ZERO), eq(Duration.ofMinutes(1)));
  }

  @Test
  void whatCannotBePreparedIsRefused() throws IOException {
    Duration second = Duration.ofSeconds(1);
    ThreadProcBuilder builder = builder("x");

    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.prepareUntilReady(-1))
        .withMessage("a negative count: -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.prepareUntilReady(1, second.negated(), second))
        .withMessage("a negative age: PT-1S");
    for (Duration none : List.of(Duration.ZERO, second.negated())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.prepareUntilReady(1, second, none))
          .withMessage("no time to become ready: " + none);
    }
    verify(starter, never()).prepareUntilReady(any(), anyInt(), any(), any());
  }
}
