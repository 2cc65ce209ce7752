package io.tproc.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What this JVM holds: descriptors, threads, child processes, mappings. The JVM takes and returns
 * some of these on its own (compiler threads, jar files, memory of its heap); those are left out or
 * given room, so that what remains is ours.
 */
final class Resources {
  private static final Path SELF = Path.of("/proc/self");
  private static final Pattern JVM_THREAD =
      Pattern.compile(
          "C[12] .*|G1 .*|GC .*|VM .*|Sweeper.*|process reaper|Common-Cleaner|Attach Listener|Signal Dispatch.*");
  private static final Pattern JVM_FILE =
      Pattern.compile("/proc/.*|.*\\.jar|.*/modules|.*\\.so|/dev/u?random|.*\\.class");

  /** Room for the JVM's own mappings, far below one for each of the launches of a test. */
  private static final int MAPPINGS_ROOM = 60;

  /** Its stack, the stack's guard page, and at most an arena of malloc's. */
  private static final int MAPPINGS_OF_A_WORKER = 4;

  /** Room for the JVM's own address space (an arena of malloc is 64 MiB), far below one slot. */
  private static final long ADDRESS_SPACE_ROOM_KIB = 1 << 20;

  /** TASK_COMM_LEN without the NUL. */
  private static final int KERNEL_NAME_LENGTH = 15;

  static {
    // The first file channel of a JVM makes a socket that is never closed (FileDispatcherImpl's
    // preCloseFD).
    try {
      FileChannel.open(SELF.resolve("stat")).close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private final Map<String, Integer> descriptors;
  private final Map<String, Integer> threads;
  private final Map<String, Integer> children;
  private final Map<String, Integer> mappedFiles;
  private final int mappings;
  private final long addressSpaceKib;
  private boolean withWorkers = true;
  private int workers;

  private Resources() throws IOException {
    descriptors = count(descriptorTargets(), JVM_FILE);
    threads = count(threadNames(), JVM_THREAD);
    children = new TreeMap<>();
    for (Processes.State child : Processes.children()) {
      children.put(child.pid() + " (" + child.name() + ") " + child.state(), 1);
    }
    List<String> maps = Files.readAllLines(SELF.resolve("maps"));
    mappings = maps.size();
    mappedFiles = count(fileNames(maps), JVM_FILE);
    addressSpaceKib =
        Files.readAllLines(SELF.resolve("status")).stream()
            .filter(line -> line.startsWith("VmSize:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
            .findFirst()
            .orElseThrow();
  }

  /** What there is now. */
  static Resources now() {
    try {
      return new Resources();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What there is now beside the worker threads of a listening host: it starts them when it needs
   * them, and keeps them as long as it listens.
   */
  static Resources besideWorkers() {
    Resources now = now();
    Integer workers = now.threads.remove("tproc-worker");
    now.workers = workers != null ? workers : 0;
    now.withWorkers = false;
    return now;
  }

  /**
   * Whether this process has a thread whose name, as the kernel keeps it, is the start of the given
   * one.
   */
  static boolean hasThread(String name) {
    try {
      return threadNames().contains(name.substring(0, Math.min(name.length(), KERNEL_NAME_LENGTH)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Fails unless, at latest after some seconds, everything is as it was when this snapshot was
   * taken.
   */
  void assertAsBefore() {
    Patience.untilNothingToComplainOf(
        Patience.seconds(10), () -> complaint(withWorkers ? now() : besideWorkers()));
  }

  /** As {@link #assertAsBefore}, where the garbage collector gives back what was used. */
  void assertAsBeforeOnceCollected() {
    Patience.untilNothingToComplainOf(
        Patience.seconds(30),
        () -> {
          System.gc();
          return complaint(now());
        });
  }

  private String complaint(Resources after) {
    StringBuilder text = new StringBuilder();
    compare("descriptors", descriptors, after.descriptors, text);
    compare("threads", threads, after.threads, text);
    compare("child processes", children, after.children, text);
    compare("mapped files", mappedFiles, after.mappedFiles, text);
    int room = MAPPINGS_ROOM + MAPPINGS_OF_A_WORKER * Math.max(0, after.workers - workers);
    if (after.mappings > mappings + room) {
      text.append("mappings: ")
          .append(mappings)
          .append(" before, ")
          .append(after.mappings)
          .append(" after\n");
    }
    if (after.addressSpaceKib > addressSpaceKib + ADDRESS_SPACE_ROOM_KIB) {
      text.append("address space: ").append(addressSpaceKib).append(" KiB before, ");
      text.append(after.addressSpaceKib).append(" KiB after\n");
    }
    return text.toString();
  }

  private static void compare(
      String what,
      Map<String, Integer> before,
      Map<String, Integer> after,
      StringBuilder complaint) {
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    for (String name : names) {
      int was = before.getOrDefault(name, 0);
      int is = after.getOrDefault(name, 0);
      if (is > was) {
        complaint.append(what).append(": ").append(name).append(": ").append(was);
        complaint.append(" before, ").append(is).append(" after\n");
      }
    }
  }

  private static List<String> descriptorTargets() throws IOException {
    List<String> targets = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(SELF.resolve("fd"))) {
      for (Path descriptor : all) {
        try {
          targets.add(
              Files.readSymbolicLink(descriptor).toString().replaceAll(":?\\[[0-9]+]$", ""));
        } catch (IOException e) {
          continue; // closed since the listing
        }
      }
    }
    return targets;
  }

  private static List<String> threadNames() throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(SELF.resolve("task"))) {
      for (Path thread : all) {
        try {
          names.add(Files.readString(thread.resolve("comm")).strip());
        } catch (IOException e) {
          continue; // ended since the listing
        }
      }
    }
    return names;
  }

  private static List<String> fileNames(List<String> maps) {
    List<String> names = new ArrayList<>();
    for (String line : maps) {
      int slash = line.indexOf('/');
      if (slash > 0) {
        names.add(line.substring(slash));
      }
    }
    return names;
  }

  private static Map<String, Integer> count(List<String> names, Pattern ignored) {
    Map<String, Integer> counts = new TreeMap<>();
    for (String name : names) {
      if (!ignored.matcher(name).matches()) {
        counts.merge(name, 1, Integer::sum);
      }
    }
    return counts;
  }
}
