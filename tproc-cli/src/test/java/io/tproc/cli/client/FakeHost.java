package io.tproc.cli.client;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Listens as a host does, and gives each question the answer that the test has written. */
public final class FakeHost implements AutoCloseable {
  /** Of the structures, without their texts. */
  private static final int THREADPROC_SIZE = 64;

  private static final int MAPPING_SIZE = 32;
  private static final int REGISTERED_SIZE = 200;

  private final ServerSocketChannel server;
  private final List<byte[]> questions = new ArrayList<>();
  private final CompletableFuture<Void> served;

  /** Gives the answers one after the other, on one connection; then the connection ends. */
  public FakeHost(Path socket, byte[]... answers) throws IOException {
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    served = CompletableFuture.runAsync(() -> serve(answers), command -> start(command));
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "fake host");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve(byte[]... answers) {
    try (SocketChannel client = server.accept()) {
      for (byte[] answer : answers) {
        Frame question = Frame.readFrom(client);
        ByteBuffer bytes = question.payload();
        byte[] all = new byte[bytes.remaining() + 1];
        all[0] = (byte) question.type();
        bytes.get(all, 1, bytes.remaining());
        synchronized (questions) {
          questions.add(all);
        }
        ByteBuffer rest = ByteBuffer.wrap(answer);
        while (rest.hasRemaining()) {
          client.write(rest);
        }
      }
    } catch (EOFException clientHasEnded) {
      // It did not ask all the questions.
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Of each question its type, and the 32-bit numbers in it. */
  public List<List<Integer>> questions() {
    List<List<Integer>> numbers = new ArrayList<>();
    synchronized (questions) {
      for (byte[] each : questions) {
        List<Integer> question = new ArrayList<>(List.of((int) each[0]));
        ByteBuffer payload =
            ByteBuffer.wrap(each, 1, each.length - 1).slice().order(ByteOrder.nativeOrder());
        while (payload.hasRemaining()) {
          question.add(payload.getInt());
        }
        numbers.add(question);
      }
    }
    return numbers;
  }

  @Override
  public void close() throws IOException {
    server.close();
    served.handle((ok, failed) -> null).join();
  }

  /** A frame. */
  public static byte[] frame(int type, byte[] payload) {
    return header(Frame.MAGIC, Frame.VERSION, type, payload.length, 0, payload);
  }

  static byte[] header(
      int magic, int version, int type, int size, int descriptors, byte... payload) {
    return buffer(Frame.HEADER_SIZE + payload.length)
        .putInt(magic)
        .putShort((short) version)
        .putShort((short) type)
        .putInt(size)
        .putInt(descriptors)
        .put(payload)
        .array();
  }

  public static byte[] done() {
    return frame(FrameType.DONE, new byte[0]);
  }

  public static byte[] failed(int errno, String message) {
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    return frame(
        FrameType.FAILED, buffer(8 + text.length).putInt(errno).putInt(125).put(text).array());
  }

  /** A LISTED with these entries. */
  public static byte[] listed(int total, byte[]... entries) {
    return list(FrameType.LISTED, total, entries.length, entries);
  }

  /** A MAPPED with these entries. */
  public static byte[] mapped(int total, byte[]... entries) {
    return list(FrameType.MAPPED, total, entries.length, entries);
  }

  /** A REGISTERED with these entries. */
  public static byte[] registered(int total, byte[]... entries) {
    return list(FrameType.REGISTERED, total, entries.length, entries);
  }

  /** A struct wire_registered of process 41, at 0x1000, with 8192 bytes. */
  public static byte[] publication(String name, String type, int version, int ended, int status) {
    return buffer(REGISTERED_SIZE)
        .putInt(REGISTERED_SIZE)
        .putInt(0)
        .putLong(17)
        .putLong(0x1000)
        .putLong(8192)
        .putInt(version)
        .putInt(41)
        .putInt(ended)
        .putInt(ended)
        .putInt(status)
        .put(52, name.getBytes(StandardCharsets.ISO_8859_1))
        .put(148, type.getBytes(StandardCharsets.ISO_8859_1))
        .array();
  }

  /** A HEAP_USED of 1 GiB, of which 128 KiB are taken, with these entries. */
  public static byte[] heapUsed(long resident, byte[]... entries) {
    ByteBuffer payload = buffer(24 + 8 + Stream.of(entries).mapToInt(each -> each.length).sum());
    payload.putLong(1 << 30).putLong(128 << 10).putLong(resident);
    payload.putInt(entries.length).putInt(entries.length);
    for (byte[] each : entries) {
      payload.put(each);
    }
    return frame(FrameType.HEAP_USED, payload.array());
  }

  /** A struct wire_heap_use. */
  public static byte[] use(int pid, int owner, int ended, long blocks, long bytes, long limit) {
    ByteBuffer entry = buffer(40).put(use(pid, owner, ended, blocks, bytes)).putLong(limit);
    return entry.putInt(0, 40).array();
  }

  /** One of a host that knows of no limits. */
  public static byte[] use(int pid, int owner, int ended, long blocks, long bytes) {
    return buffer(32)
        .putInt(32)
        .putInt(pid)
        .putInt(owner)
        .putInt(ended)
        .putLong(blocks)
        .putLong(bytes)
        .array();
  }

  static byte[] list(int type, int total, int count, byte[]... entries) {
    int size = 8;
    for (byte[] each : entries) {
      size += each.length;
    }
    ByteBuffer payload = buffer(size).putInt(total).putInt(count);
    for (byte[] each : entries) {
      payload.put(each);
    }
    return frame(type, payload.array());
  }

  /** A struct wire_threadproc that runs since the first second of 1970, for 61 seconds. */
  public static byte[] threadproc(int pid, int launcher, int state, int flags, byte[] command) {
    int size = THREADPROC_SIZE + (command.length + 7) / 8 * 8;
    return buffer(size)
        .putInt(size)
        .putInt(pid)
        .putInt(launcher)
        .putInt(-2) // of user 4294967294
        .putInt(state)
        .putInt(flags)
        .putInt(2)
        .putInt(command.length)
        .putLong(1_000_000_000L)
        .putLong(61_000_000_007L)
        .putLong(5L << 30)
        .putLong(1536)
        .put(command)
        .array();
  }

  /** A struct wire_mapping. */
  public static byte[] mapping(long address, long length, int protection, byte[] name) {
    int size = MAPPING_SIZE + (name.length + 7) / 8 * 8;
    return buffer(size)
        .putInt(size)
        .putInt(protection)
        .putInt(name.length)
        .putInt(0)
        .putLong(address)
        .putLong(length)
        .put(name)
        .array();
  }

  /** Texts as C has them, one after the other; each character a byte. */
  public static byte[] strings(String... texts) {
    StringBuilder all = new StringBuilder();
    for (String each : texts) {
      all.append(each).append('\0');
    }
    return all.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }
}
