package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tproc.Errno;
import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.Channel.Selection;
import io.tproc.share.ChannelMessage;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Channels between Java and programs with libtproc. */
@ExtendWith(HostExtension.class)
class ChannelsIT {
  private static final AtomicInteger NAMES = new AtomicInteger();
  private static final Set<Role> SENDER = Set.of(Role.SENDER);
  private static final Set<Role> RECEIVER = Set.of(Role.RECEIVER);
  private static final Set<Role> BOTH = Set.of(Role.SENDER, Role.RECEIVER);

  private static String newName() {
    return "it.channels." + NAMES.incrementAndGet();
  }

  private static ThreadProc start(TprocHost host, String... what) throws IOException {
    String[] command = new String[what.length + 1];
    command[0] = Programs.probe("channels");
    System.arraycopy(what, 0, command, 1, what.length);
    return host.command(command).start();
  }

  private static Channel published(TprocHost host, String name, int cells, Set<Role> roles) {
    Channel channel = host.channels().create(cells, roles);
    channel.publish(name);
    return channel;
  }

  private static Duration patience() {
    return Patience.seconds(30);
  }

  private static ByteBuffer number(long number) {
    return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, number);
  }

  /** As the program's messages are: each fourth has a block. */
  private static void send(TprocHost host, Channel channel, long number)
      throws InterruptedException {
    if (number % 4 != 0) {
      channel.send(number(number));
      return;
    }
    SharedBlock block = host.heap().allocate(100);
    block.buffer().putLong(0, number);
    channel.send(number(number), block);
    assertThatIllegalStateException().isThrownBy(block::address);
  }

  private static long read(ChannelMessage message) {
    long number = message.data().getLong(0);
    assertThat(message.data().remaining()).isEqualTo(8);
    assertThat(message.block().isPresent()).isEqualTo(number % 4 == 0);
    message
        .block()
        .ifPresent(
            block -> {
              assertThat(block.buffer().getLong(0)).isEqualTo(number);
              block.close();
            });
    return number;
  }

  private static void assertEnds(ThrowingCallable call) {
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(call)
        .returns(Errno.EPIPE, SharedMemoryException::errno);
  }

  @Test
  void messagesOfAProgramComeInOrderUntilItCloses(TprocHost host) throws Exception {
    int count = (int) Patience.scaled(2_000);
    String name = newName();
    try (Channel channel = published(host, name, 8, RECEIVER);
        ThreadProc program = start(host, "send", name, Integer.toString(count))) {
      long expected = 0;
      while (expected < count) {
        for (ChannelMessage each : channel.receiveBatch(5)) {
          assertThat(read(each)).isEqualTo(expected++);
        }
      }
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      assertEnds(channel::receive);
      assertEnds(channel::tryReceive);
    }
  }

  @Test
  void programReceivesWhatJavaSends(TprocHost host) throws Exception {
    int count = (int) Patience.scaled(2_000);
    String name = newName();
    try (ThreadProc program = start(host, "make", name, "16");
        Channel channel = host.channels().open(name, SENDER, patience())) {
      for (int i = 0; i < count; i++) {
        send(host, channel, i);
      }
      assertThat(channel.peers(Role.RECEIVER)).isEqualTo(1);
      channel.close();
      channel.close();
      assertThat(new String(program.getInputStream().readAllBytes()).trim())
          .isEqualTo(Integer.toString(count));
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      assertThatIllegalStateException().isThrownBy(() -> channel.trySend(number(1)));
    }
  }

  @Test
  void blockGoesToAProgramAndComesBack(TprocHost host) throws Exception {
    String there = newName();
    String back = newName();
    try (Channel out = published(host, there, 2, SENDER);
        Channel in = published(host, back, 2, RECEIVER);
        ThreadProc program = start(host, "echo", there, back)) {
      SharedBlock block = host.heap().allocate(1 << 20);
      long address = block.address();
      block.buffer().putLong(1 << 19, 42);
      out.send(number(7), block);
      ChannelMessage message = in.receive(patience()).orElseThrow();
      try (SharedBlock same = message.block().orElseThrow()) {
        assertThat(same.address()).isEqualTo(address);
        assertThat(same.buffer().getLong(1 << 19)).isEqualTo(42);
        assertThat(host.heap().ownerOf(address)).hasValue(ProcessHandle.current().pid());
      }
      out.close();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void whatAKilledProgramHasSentIsReceived(TprocHost host) throws Exception {
    String name = newName();
    long kept;
    try (Channel channel = published(host, name, 4, BOTH)) {
      send(host, channel, 0);
      try (ThreadProc program = start(host, "hold", name)) {
        BufferedReader output = program.inputReader();
        kept = Long.parseLong(output.readLine(), 16);
        assertThat(output.readLine()).isEqualTo("full");
        assertThat(channel.trySend(number(1))).isFalse();
        assertThat(host.heap().ownerOf(kept)).hasValue(program.pid());
        assertThat(channel.peers(Role.SENDER)).isEqualTo(2);
        program.destroyForcibly().waitFor();
      }
      assertThat(host.heap().ownerOf(kept)).isEmpty();
      assertThat(channel.peers(Role.SENDER)).isEqualTo(1);
      for (int i = 0; i < 4; i++) {
        assertThat(read(channel.tryReceive().orElseThrow())).isEqualTo(4 * i);
      }
      assertThat(channel.tryReceive()).isEmpty();
    }
  }

  @Test
  void deathOfTheOnlyPeerIsTold(TprocHost host) throws Exception {
    String name = newName();
    try (Channel channel = published(host, name, 1, SENDER)) {
      ThreadProc program = start(host, "receive", name);
      send(host, channel, 0);
      Patience.until(patience(), () -> channel.trySend(number(1)));
      Patience.until(patience(), () -> channel.trySend(number(2)));
      program.destroyForcibly().waitFor();
      program.close();
      assertEnds(() -> channel.trySend(number(3)));
      assertEnds(() -> channel.send(number(3)));
    }
  }

  @Test
  void waitingSenderLearnsOfTheDeath(TprocHost host) throws Exception {
    String name = newName();
    try (Channel channel = published(host, name, 1, SENDER);
        ThreadProc program = start(host, "hold", newName())) {
      // No receiver yet: it waits, also when a process dies.
      channel.send(number(1));
      FutureTask<Void> sending = task(() -> channel.send(number(2)));
      Thread thread = startAndAwaitParked(sending);
      program.destroyForcibly().waitFor();
      assertThat(sending).isNotDone();
      thread.interrupt();
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(sending::get)
          .withCauseInstanceOf(InterruptedException.class);
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private static FutureTask<Void> task(Action action) {
    return new FutureTask<>(
        () -> {
          action.run();
          return null;
        });
  }

  private static Thread startAndAwaitParked(FutureTask<Void> task) {
    Thread thread = new Thread(task, "waiting");
    thread.start();
    Patience.until(
        patience(),
        () ->
            thread.getState() == Thread.State.WAITING
                || thread.getState() == Thread.State.TIMED_WAITING);
    return thread;
  }

  @Test
  void closingEndsTheWaitsOfThisEnd(TprocHost host) throws Exception {
    Channel channel = host.channels().create(2, BOTH);
    FutureTask<Void> receiving = task(channel::receive);
    startAndAwaitParked(receiving);
    channel.close();
    assertThatExceptionOfType(ExecutionException.class)
        .isThrownBy(receiving::get)
        .withCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void blocksOfAChannelGoWithIt(TprocHost host) throws Exception {
    Channel channel = host.channels().create(4, BOTH);
    SharedBlock block = host.heap().allocate(100_000);
    long address = block.address();
    assertThat(channel.trySend(number(0), block)).isTrue();
    assertThat(host.heap().ownerOf(address)).isPresent();
    channel.close();
    assertThat(host.heap().ownerOf(address)).isEmpty();
  }

  @Test
  void fullChannelHoldsBackWhatItCannotTake(TprocHost host) throws Exception {
    try (Channel channel = host.channels().create(2, BOTH);
        SharedBlock block = host.heap().allocate(10)) {
      assertThat(channel.receive(Duration.ofMillis(1))).isEmpty();
      channel.sendBatch(List.of(number(1), number(2)));
      assertThat(channel.trySend(number(3))).isFalse();
      assertThat(channel.trySend(number(3), block)).isFalse();
      assertThat(block.size()).isEqualTo(10);
      assertThat(channel.send(number(3), Duration.ofMillis(1))).isFalse();
      assertThat(channel.receiveBatch(10)).hasSize(2);
      List<ByteBuffer> three = List.of(number(1), number(2), number(3));
      assertThat(channel.sendBatch(three, Duration.ofMillis(1))).isEqualTo(2);
      assertThat(channel.receiveBatch(10)).hasSize(2);
      assertThat(channel.sendBatch(List.of(number(1)), patience())).isEqualTo(1);
    }
  }

  @Test
  void oneOfSeveralChannelsIsReady(TprocHost host) throws Exception {
    String name = newName();
    try (Channel quiet = host.channels().create(2, BOTH);
        Channel channel = published(host, name, 2, RECEIVER)) {
      List<Channel> both = List.of(quiet, channel);
      assertThat(Channel.select(both, Duration.ofMillis(1))).isEmpty();
      try (ThreadProc program = start(host, "send", name, "10")) {
        List<Long> numbers = new ArrayList<>();
        while (numbers.size() < 10) {
          assertThat(Channel.select(both, patience())).hasValue(channel);
          channel.tryReceive().ifPresent(message -> numbers.add(read(message)));
        }
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
      assertThat(Channel.select(both, patience())).hasValue(channel);
      assertEnds(channel::tryReceive);
    }
  }

  @Test
  void endsOfBothRolesAreWaitedFor(TprocHost host) throws Exception {
    try (Channel one = host.channels().create(1, BOTH);
        Channel other = host.channels().open(one.id(), SENDER);
        SharedBlock block = host.heap().allocate(10)) {
      Selection message = new Selection(one, Role.RECEIVER);
      Selection room = new Selection(other, Role.SENDER);
      assertThat(Channel.selectReady(List.of(message, room), patience())).containsExactly(room);
      other.send(number(1));
      assertThat(Channel.selectReady(List.of(message, room), patience())).containsExactly(message);
      assertThat(Channel.selectReady(List.of(room), Duration.ofMillis(1))).isEmpty();
      assertThat(other.send(number(2), block, Duration.ofMillis(1))).isFalse();
      assertThat(block.size()).isEqualTo(10);
      assertThat(one.receiveBatch(2, patience())).hasSize(1);
      assertThat(one.receiveBatch(2, Duration.ofMillis(1))).isEmpty();
    }
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.channels().open(-1, SENDER))
        .returns(Errno.ESTALE, SharedMemoryException::errno);
  }

  @Test
  void programWaitsForSeveralChannels(TprocHost host) throws Exception {
    String first = newName();
    String second = newName();
    try (Channel one = published(host, first, 2, SENDER);
        Channel two = published(host, second, 2, SENDER);
        ThreadProc program = start(host, "select", first, second)) {
      for (int i = 0; i < 20; i++) {
        send(host, i % 3 == 0 ? one : two, i);
      }
      two.close();
      send(host, one, 20);
      one.close();
      assertThat(new String(program.getInputStream().readAllBytes()).trim()).isEqualTo("8 13");
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void oneSenderAndOneReceiver(TprocHost host) throws Exception {
    int count = (int) Patience.scaled(2_000);
    String name = newName();
    try (Channel channel = host.channels().create(8, RECEIVER, BOTH)) {
      channel.publish(name);
      try (ThreadProc program = start(host, "send", name, Integer.toString(count))) {
        for (int i = 0; i < count; i++) {
          assertThat(read(channel.receive())).isEqualTo(i);
        }
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> host.channels().open(name, RECEIVER, patience()))
          .returns(Errno.EBUSY, SharedMemoryException::errno);
    }
  }

  /** Pools of workers have two for each of up to 4,096 programs. */
  @Test
  void aHostHasSoManyChannels() {
    int most = 10_240;
    try (TprocHost host = TprocHost.open()) {
      List<Channel> all = new ArrayList<>();
      for (int i = 0; i < most; i++) {
        all.add(host.channels().create(1, Set.of(Role.RECEIVER)));
      }
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> host.channels().create(1, Set.of(Role.RECEIVER)))
          .withMessageContaining("make a channel: all 10240 are in use")
          .satisfies(thrown -> assertThat(thrown.errno()).isEqualTo(Errno.ENOSPC));
      all.get(most / 2).close();
      host.channels().create(1, Set.of(Role.RECEIVER)).close();
    }
  }

  @Test
  void refusalsSayWhy(TprocHost host) throws Exception {
    try (ThreadProc program = start(host, "refusals", newName())) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> host.channels().create(3, BOTH));
    assertThatIllegalArgumentException().isThrownBy(() -> host.channels().create(4, Set.of()));
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(() -> host.channels().open(newName(), SENDER, Duration.ofMillis(1)));
    String name = newName();
    Channel channel = published(host, name, 1, BOTH);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> channel.trySend(ByteBuffer.allocate(Channel.MESSAGE_MAX + 1)));
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> channel.publish(name))
        .returns(Errno.EEXIST, SharedMemoryException::errno);
    channel.close();
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.channels().open(name, SENDER, patience()))
        .returns(Errno.ESTALE, SharedMemoryException::errno);
  }
}
