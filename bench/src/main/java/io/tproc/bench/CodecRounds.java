package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryLoadException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import javax.imageio.ImageIO;

/**
 * 16 MiB through real libraries, contained and by FFM in this process: the same calls, with the
 * same memory.
 */
final class CodecRounds {
  private static final int ROUNDS = 11;
  private static final int SIZE = 16 << 20;

  /** Functions of a library that take longs and give one, contained or not. */
  private interface Functions {
    long call(String function, long... arguments);
  }

  /** What one of the two sides does; both must give the same. */
  private interface Task {
    long run();
  }

  private interface Preparation {
    Task prepare(Functions functions);
  }

  private final TprocHost host;
  private final Settings settings;
  private final List<ByteBuffer> kept = new ArrayList<>();

  CodecRounds(TprocHost host, Settings settings) {
    this.host = host;
    this.settings = settings;
  }

  void run() throws IOException, InterruptedException {
    if (Runtime.version().feature() < 22) {
      Report.line("16 MiB", "not measured: the peer, FFM, is Java 22's");
      return;
    }
    ByteBuffer text = text();
    compare("crc32 of 16 MiB", "libz.so.1", functions -> crc(functions, text));
    sidecar(text);
    compare("zstd, 16 MiB in and out", "libzstd.so.1", functions -> zstd(functions, text));
    compare("JPEG decoded to 16 MiB", "libturbojpeg.so.0", this::jpeg);
    compare("SQLite query of 16 MiB", "libsqlite3.so.0", this::sqlite);
    Reference.reachabilityFence(text);
    Reference.reachabilityFence(kept);
  }

  private void compare(String what, String library, Preparation preparation)
      throws IOException, InterruptedException {
    try (ContainedLibrary contained = host.library(library)) {
      Task ours = preparation.prepare(of(contained));
      Task theirs = preparation.prepare(foreign(library));
      long expected = theirs.run();
      if (ours.run() != expected) {
        throw new IllegalStateException(what + ": not what FFM gives");
      }
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1), () -> milliseconds(ours), () -> milliseconds(theirs));
      Report.ratio(what, "ms", samples[0], "FFM", samples[1], "must be <= 1.05");
    } catch (LibraryLoadException missing) {
      Report.line(what, "not measured: " + missing.getMessage());
    }
  }

  /**
   * The same sum by a process that the data are sent to, as in gRPC's place with no codec at all.
   */
  private void sidecar(ByteBuffer text) throws IOException, InterruptedException {
    AtomicLong sum = new AtomicLong();
    try (EchoPeer peer = EchoPeer.digesting(text, sum)) {
      Task theirs = crc(foreign("libz.so.1"), text);
      long expected = theirs.run();
      peer.roundTrip();
      if (sum.get() != expected) {
        throw new IllegalStateException("crc32 of a sidecar: not what FFM gives");
      }
      Task sent =
          () -> {
            peer.roundTrip();
            return sum.get();
          };
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1), () -> milliseconds(sent), () -> milliseconds(theirs));
      Report.ratio("crc32 of 16 MiB by a sidecar", "ms", samples[0], "FFM", samples[1], "");
    }
  }

  private static double milliseconds(Task task) {
    long start = System.nanoTime();
    task.run();
    return (System.nanoTime() - start) / 1e6;
  }

  private static Functions of(ContainedLibrary library) {
    Map<String, ContainedFunction> known = new HashMap<>();
    return (name, arguments) -> {
      CType[] types = new CType[arguments.length];
      Arrays.fill(types, CType.LONG);
      return known
          .computeIfAbsent(name, unused -> library.function(name, CType.LONG, types))
          .callLong(Arrays.stream(arguments).boxed().toArray());
    };
  }

  private static Functions foreign(String library) {
    Map<String, MethodHandle> known = new HashMap<>();
    return (name, arguments) ->
        ForeignPeer.call(
            known.computeIfAbsent(
                name,
                unused -> ForeignPeer.function(library, name, arguments.length).orElseThrow()),
            arguments);
  }

  /** A copy that stays for as long as this object. */
  private ByteBuffer direct(byte[] bytes) {
    ByteBuffer copy = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
    kept.add(copy);
    return copy;
  }

  /** Words in a random order: compresses to about a quarter. */
  private static ByteBuffer text() {
    ByteBuffer text = ByteBuffer.allocateDirect(SIZE);
    SplittableRandom random = new SplittableRandom(14);
    while (text.remaining() > 8) {
      text.put(Long.toString(random.nextInt(5_000), 36).getBytes(StandardCharsets.US_ASCII));
      text.put((byte) ' ');
    }
    return text.clear();
  }

  private Task crc(Functions functions, ByteBuffer text) {
    long address = host.addressOf(text);
    return () -> functions.call("crc32", 0, address, SIZE);
  }

  private Task zstd(Functions functions, ByteBuffer text) {
    ByteBuffer compressed = ByteBuffer.allocateDirect(SIZE + SIZE / 8);
    ByteBuffer again = ByteBuffer.allocateDirect(SIZE);
    return () -> {
      long in = host.addressOf(text);
      long out = host.addressOf(compressed);
      long size = functions.call("ZSTD_compress", out, compressed.capacity(), in, SIZE, 1);
      functions.call("ZSTD_decompress", host.addressOf(again), SIZE, out, size);
      if (again.getLong(SIZE / 2) != text.getLong(SIZE / 2)) {
        throw new IllegalStateException("zstd gives something else");
      }
      return size;
    };
  }

  private Task jpeg(Functions functions) {
    int side = 2364; // 16 MiB in 3 bytes a pixel
    ByteBuffer file = direct(photograph(side));
    ByteBuffer pixels = ByteBuffer.allocateDirect(3 * side * side);
    long decoder = functions.call("tjInitDecompress");
    return () -> {
      long failed =
          functions.call(
              "tjDecompress2",
              decoder,
              host.addressOf(file),
              file.capacity(),
              host.addressOf(pixels),
              side,
              0,
              side,
              0,
              0);
      if ((int) failed != 0) {
        throw new IllegalStateException("libjpeg-turbo cannot read what Java wrote");
      }
      return pixels.getLong(pixels.capacity() / 2) ^ pixels.getLong(0);
    };
  }

  /** Shades with some noise. */
  private static byte[] photograph(int side) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    SplittableRandom random = new SplittableRandom(15);
    for (int i = 0; i < side * side; i++) {
      int x = i % side;
      int y = i / side;
      int noise = random.nextInt(16);
      image.setRGB(x, y, (x * 240 / side + noise) << 16 | (y * 240 / side + noise) << 8 | noise);
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "jpeg", file);
    } catch (IOException impossible) {
      throw new java.io.UncheckedIOException(impossible);
    }
    return file.toByteArray();
  }

  private ByteBuffer cText(String text) {
    return direct((text + "\0").getBytes(StandardCharsets.UTF_8));
  }

  /** The database is a Java buffer (sqlite3_deserialize), and the query reads all of it. */
  private Task sqlite(Functions functions) {
    ByteBuffer database = direct(databaseFile(functions));
    ByteBuffer cell = ByteBuffer.allocateDirect(8).order(java.nio.ByteOrder.nativeOrder());
    Supplier<Long> read = () -> cell.getLong(0);
    functions.call("sqlite3_open", host.addressOf(cText(":memory:")), host.addressOf(cell));
    long handle = read.get();
    int readOnly = 4;
    check(
        functions.call(
            "sqlite3_deserialize",
            handle,
            host.addressOf(cText("main")),
            host.addressOf(database),
            database.capacity(),
            database.capacity(),
            readOnly));
    ByteBuffer query = cText("select sum(unicode(substr(words, 50)) + number) from t");
    return () -> {
      check(
          functions.call(
              "sqlite3_prepare_v2", handle, host.addressOf(query), -1, host.addressOf(cell), 0));
      long statement = read.get();
      functions.call("sqlite3_step", statement);
      long sum = functions.call("sqlite3_column_int64", statement, 0);
      functions.call("sqlite3_finalize", statement);
      return sum;
    };
  }

  private byte[] databaseFile(Functions functions) {
    try {
      Path file = Files.createTempFile("tproc-bench", ".db");
      ByteBuffer cell = ByteBuffer.allocateDirect(8).order(java.nio.ByteOrder.nativeOrder());
      ByteBuffer name = cText(file.toString());
      check(functions.call("sqlite3_open", host.addressOf(name), host.addressOf(cell)));
      long handle = cell.getLong(0);
      ByteBuffer statements =
          cText(
              "pragma journal_mode = off; create table t(number, words);"
                  + " insert into t with recursive n(i) as (select 1 union all select i + 1 from n"
                  + " where i < 160000) select i, hex(zeroblob(24)) || i || 'words of row ' from n");
      check(functions.call("sqlite3_exec", handle, host.addressOf(statements), 0, 0, 0));
      functions.call("sqlite3_close", handle);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      return bytes;
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }

  private static void check(long code) {
    if ((int) code != 0) {
      throw new IllegalStateException("SQLite: error " + (int) code);
    }
  }
}
