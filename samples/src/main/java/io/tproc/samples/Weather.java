package io.tproc.samples;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.SharedBlock;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Readings of weather stations go from Java through a filter in Rust, a service in C++ and an
 * analyst in Python, and come back as reports: nothing is copied, and each block and each graph of
 * them is one program's at a time. All find each other by name. Each of the three is killed on the
 * way, the others go on, and what it alone had is sent again.
 */
public final class Weather {
  private static final int BATCHES = 240;
  private static final int READINGS = 2_000;
  private static final int STATIONS = 50;
  private static final int ON_THEIR_WAY = 8;
  private static final double WRONG = -999;
  private static final Duration A_WHILE = Duration.ofSeconds(1);

  /** Of {@code tproc::SharedVec}: how many elements follow. */
  private static final int VECTOR_HEADER = 16;

  private static final int READING_SIZE = 16;
  private static final int STATION_SIZE = 48;

  private final TprocHost host;
  private final Channel readings;
  private final Channel reports;
  private final List<Program> programs;

  /** Batches whose reports have not come, in the order in which they were sent. */
  private final Set<Integer> underWay = new LinkedHashSet<>();

  private int sentAgain;
  private int right;
  private long values;

  private Weather(TprocHost host, Channel readings, Channel reports, List<Program> programs) {
    this.host = host;
    this.readings = readings;
    this.reports = reports;
    this.programs = programs;
  }

  /** Runs it with the filter, and with the interpreter and the script of the analyst. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    String filter = arguments[0];
    String python = arguments[1];
    String analyst = arguments[2];
    try (TprocHost host = TprocHost.open()) {
      List<Channel> channels = new ArrayList<>();
      for (String name :
          List.of("sample.readings", "sample.clean", "sample.grouped", "sample.reports")) {
        // An end for each role, so that a channel stays while a program is started again.
        Channel made = host.channels().create(16, EnumSet.allOf(Role.class));
        made.publish(name);
        channels.add(made);
      }
      List<Program> programs =
          List.of(
              new Program(host, "filter in Rust", filter, "sample.readings", "sample.clean"),
              new Program(
                  host,
                  "service in C++",
                  SamplePrograms.path("service"),
                  "sample.clean",
                  "sample.grouped"),
              new Program(
                  host, "analyst in Python", python, analyst, "sample.grouped", "sample.reports"));
      new Weather(host, channels.get(0), channels.get(3), programs).run();
      for (int i = 0; i < programs.size(); i++) {
        channels.get(i).close(); // the end of its input
        programs.get(i).end();
      }
      channels.get(programs.size()).close();
      System.out.println(
          "blocks left in the heap: "
              + host.heap().usage().uses().stream().mapToLong(use -> use.blocks()).sum());
    }
  }

  private void run() throws IOException, InterruptedException {
    int parts = programs.size() + 1;
    int batch = 0;
    for (int part = 1; part <= parts; part++) {
      while (batch < part * BATCHES / parts) {
        send(batch, filled(batch));
        batch++;
        while (underWay.size() >= ON_THEIR_WAY) {
          receive();
        }
      }
      if (part < parts) {
        sendAndKill(batch, programs.get(part - 1));
        batch += ON_THEIR_WAY;
      }
    }
    receiveAll();
    System.out.println(
        right + " of " + BATCHES + " reports are right, each came once: " + values + " readings");
    System.out.println("batches sent again: " + sentAgain);
  }

  /** While it has much to do. */
  private void sendAndKill(int first, Program program) throws IOException, InterruptedException {
    receiveAll();
    List<SharedBlock> blocks = new ArrayList<>();
    for (int i = 0; i < ON_THEIR_WAY; i++) {
      blocks.add(filled(first + i));
    }
    for (int i = 0; i < ON_THEIR_WAY; i++) {
      send(first + i, blocks.get(i));
    }
    receive();
    System.out.println("kill -9 of the " + program.name + ": " + program.kill());
    program.start();
  }

  private void receiveAll() throws InterruptedException {
    while (!underWay.isEmpty()) {
      receive();
    }
  }

  /** One in a hundred readings is wrong. */
  private static Map<String, List<Double>> batch(int number, ByteBuffer readings) {
    Map<String, List<Double>> rightOnes = new TreeMap<>();
    Random random = new Random(number);
    for (int i = 0; i < READINGS; i++) {
      int station = random.nextInt(STATIONS);
      double celsius =
          random.nextInt(100) == 0 ? WRONG : Math.round(random.nextGaussian() * 80) / 8.0;
      readings.putInt(station).putInt(i % 24).putDouble(celsius);
      if (celsius != WRONG) {
        rightOnes
            .computeIfAbsent("weather station number " + station, name -> new ArrayList<>())
            .add(celsius);
      }
    }
    return rightOnes;
  }

  private SharedBlock filled(int batch) {
    SharedBlock block = host.heap().allocate(VECTOR_HEADER + READINGS * READING_SIZE);
    ByteBuffer vector = block.buffer().order(ByteOrder.nativeOrder());
    vector.putLong(0, READINGS).position(VECTOR_HEADER);
    batch(batch, vector);
    return block;
  }

  /** The block is the filter's from here on. */
  private void send(int batch, SharedBlock block) throws InterruptedException {
    ByteBuffer number = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder());
    readings.send(number.putInt(0, batch), block);
    underWay.add(batch);
  }

  /** Reports come in the order of their batches. So those that were sent before this are lost. */
  private void receive() throws InterruptedException {
    ChannelMessage message = awaitReport();
    int batch = message.data().order(ByteOrder.nativeOrder()).getInt(0);
    List<Integer> lost = new ArrayList<>();
    for (int each : underWay) {
      if (each == batch) {
        break;
      }
      lost.add(each);
    }
    if (!underWay.remove(batch)) {
      throw new IllegalStateException("batch " + batch + " came twice");
    }
    underWay.removeAll(lost);
    for (int each : lost) {
      System.out.println("batch " + each + " was lost with a program, and is sent again");
      sentAgain++;
      send(each, filled(each));
    }
    try (SharedBlock report = message.block().orElseThrow()) { // with all that is in it
      check(batch, report);
    }
  }

  private ChannelMessage awaitReport() throws InterruptedException {
    while (true) {
      Optional<ChannelMessage> message = reports.receive(A_WHILE);
      if (message.isPresent()) {
        return message.orElseThrow();
      }
      for (Program program : programs) {
        program.checkAlive();
      }
    }
  }

  private void check(int batch, SharedBlock report) {
    Map<String, List<Double>> expected = batch(batch, ByteBuffer.allocate(READINGS * READING_SIZE));
    ByteBuffer stations = host.view(report.root("sample.Report/1"), 16);
    long count = stations.getLong(8);
    boolean same = count == expected.size();
    for (long i = 0; i < count; i++) {
      ByteBuffer station = host.view(stations.getLong(0) + i * STATION_SIZE, STATION_SIZE);
      String name =
          StandardCharsets.UTF_8
              .decode(host.view(station.getLong(0), station.getLong(8)))
              .toString();
      List<Double> numbers = expected.getOrDefault(name, List.of());
      same &= numbers.size() == station.getLong(24) && isRight(numbers, station);
      values += numbers.size();
    }
    right += same ? 1 : 0;
  }

  /** The service's numbers, and what the analyst has made of them. */
  private boolean isRight(List<Double> numbers, ByteBuffer station) {
    ByteBuffer celsius = host.view(station.getLong(16), station.getLong(24) * Double.BYTES);
    double sum = 0;
    double highest = Double.NEGATIVE_INFINITY;
    for (double number : numbers) {
      if (celsius.getDouble() != number) {
        return false;
      }
      sum += number;
      highest = Math.max(highest, number);
    }
    return station.getDouble(32) == sum / numbers.size() && station.getDouble(40) == highest;
  }

  /** A program that can be killed and started again. */
  private static final class Program {
    private final TprocHost host;
    private final String name;
    private final String[] command;
    private ThreadProc running;

    Program(TprocHost host, String name, String... command) throws IOException {
      this.host = host;
      this.name = name;
      this.command = command;
      this.running = started(host, command);
    }

    private static ThreadProc started(TprocHost host, String... command) throws IOException {
      return host.command(command).redirectError(Redirect.INHERIT).start();
    }

    void start() throws IOException {
      running = started(host, command);
    }

    void checkAlive() throws InterruptedException {
      if (!running.isAlive()) {
        throw new IllegalStateException("the " + name + " has ended by itself: " + end());
      }
    }

    /** What it owned is freed when it is closed. */
    String kill() throws InterruptedException {
      running.destroyForcibly();
      return end();
    }

    String end() throws InterruptedException {
      try (ThreadProc ended = running) {
        return ended.waitForExit().toString();
      }
    }
  }
}
