package io.tproc.cli.client;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.tproc.Errno;
import io.tproc.MemoryMapping;
import io.tproc.ThreadProcStatus;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import io.tproc.spi.Listing;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A connection to a listening host. Not thread-safe. After any exception but {@link
 * RefusedException} it is of no use any more.
 */
public final class HostClient implements AutoCloseable {
  /** A host that is stopped, or so busy, will not answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** After that a user wants to know what is being waited for. */
  private static final Duration SLOW = Duration.ofSeconds(3);

  /** WIRE_WATCH_CRASHES and WIRE_WATCH_LEAVING. */
  private static final int WATCH_ALL = 1 | 2;

  private static final int FAILED_SIZE = 2 * Integer.BYTES;

  private final Path socket;
  private final SocketChannel channel;
  private final Duration patience;
  private final Consumer<String> whenSlow;

  private HostClient(
      Path socket, SocketChannel channel, Duration patience, Consumer<String> whenSlow) {
    this.socket = socket;
    this.channel = channel;
    this.patience = patience;
    this.whenSlow = whenSlow;
  }

  /**
   * Connects.
   *
   * @param socket where the host listens
   * @throws IOException saying why there is no connection
   */
  public static HostClient connect(Path socket) throws IOException {
    return connect(socket, PATIENCE);
  }

  /**
   * Connects.
   *
   * @param socket where the host listens
   * @param whenSlow gets a line to show when the host has not answered for some seconds, from
   *     another thread
   * @throws IOException saying why there is no connection
   */
  public static HostClient connect(Path socket, Consumer<String> whenSlow) throws IOException {
    return connect(socket, PATIENCE, whenSlow);
  }

  /**
   * Connects.
   *
   * @param socket where the host listens
   * @param patience how long to wait for the connection, and for each answer
   * @throws IOException saying why there is no connection
   */
  public static HostClient connect(Path socket, Duration patience) throws IOException {
    return connect(socket, patience, unused -> {});
  }

  private static HostClient connect(Path socket, Duration patience, Consumer<String> whenSlow)
      throws IOException {
    SocketPaths.check(socket);
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    HostClient client = new HostClient(socket, channel, patience, whenSlow);
    try (SocketPaths reachable = SocketPaths.shortened(socket)) {
      client.within(() -> channel.connect(reachable.address()));
      return client;
    } catch (SocketException failed) {
      client.close();
      throw SocketPaths.explained(socket, failed);
    } catch (Throwable failed) {
      client.close();
      throw failed;
    }
  }

  /**
   * Lists the host's threadprocs, the youngest first. What is not UTF-8 in their commands is U+FFFD
   * here.
   *
   * @throws HostGoneException when the host has ended
   */
  public Listing<ThreadProcStatus> statuses() throws IOException {
    return ask(
        Frame.of(FrameType.LIST),
        FrameType.LISTED,
        answer -> Listing.statuses(answer, StandardCharsets.UTF_8));
  }

  /**
   * Lists what a threadproc has mapped. What is not UTF-8 in the names is U+FFFD here.
   *
   * @throws RefusedException when the host has no such threadproc
   */
  public Listing<MemoryMapping> mappings(long pid) throws IOException {
    return ask(
        Frame.of(FrameType.MAPS, Math.toIntExact(pid)),
        FrameType.MAPPED,
        answer -> Listing.mappings(answer, StandardCharsets.UTF_8));
  }

  /**
   * Lists what is published. What is not UTF-8 in names and types is U+FFFD here.
   *
   * @throws RefusedException when the host has no shared memory
   */
  public Listing<Registration> registrations() throws IOException {
    return ask(
        Frame.of(FrameType.REGISTRY),
        FrameType.REGISTERED,
        answer -> Listing.registrations(answer, StandardCharsets.UTF_8));
  }

  /**
   * Counts who has how much of the shared heap.
   *
   * @throws RefusedException when the host has no shared memory
   */
  public HeapUsage heapUsage() throws IOException {
    return ask(Frame.of(FrameType.HEAP), FrameType.HEAP_USED, Listing::heapUsage);
  }

  /**
   * Has the host tell of each program that its clients start, from now on; then only {@link
   * #nextEvent()} may be called. Hosts of an older build refuse.
   */
  public void watch() throws IOException {
    ask(Frame.of(FrameType.WATCH, WATCH_ALL), FrameType.DONE, HostClient::nothing);
  }

  /**
   * Waits for the next event, for as long as it takes.
   *
   * @return empty when the host has closed the connection without a word: this client has not read
   *     fast enough
   * @throws HostGoneException when the host has ended
   */
  public Optional<ProgramEvent> nextEvent() throws IOException {
    try {
      Frame news = Frame.readFrom(channel);
      return switch (news.type()) {
        case FrameType.PROGRAM_STARTED -> Optional.of(ProgramEvents.started(news.payload()));
        case FrameType.PROGRAM_ENDED -> Optional.of(ProgramEvents.ended(news.payload()));
        case FrameType.CRASHED -> Optional.of(ProgramEvents.crashed(news.payload()));
        case FrameType.PROGRAM_LEFT -> Optional.of(ProgramEvents.left(news.payload()));
        case FrameType.FAILED -> throw refused(news);
        default -> throw new ProtocolException("news of type " + news.type());
      };
    } catch (EOFException | SocketException closed) {
      return Optional.empty();
    }
  }

  /**
   * Sends a signal to a threadproc of the host, never to another process.
   *
   * @throws RefusedException when the host has no such threadproc, or there is no such signal
   */
  public void signal(long pid, int signal) throws IOException {
    ask(
        Frame.of(FrameType.SIGNAL, Math.toIntExact(pid), signal),
        FrameType.DONE,
        HostClient::nothing);
  }

  private static boolean nothing(ByteBuffer answer) throws ProtocolException {
    if (answer.hasRemaining()) {
      throw new ProtocolException("an answer with more in it than there should be");
    }
    return true;
  }

  private interface Decoder<T> {
    T decode(ByteBuffer payload) throws IOException;
  }

  @CanIgnoreReturnValue
  private <T> T ask(Frame question, int answerType, Decoder<T> decoder) throws IOException {
    try {
      Frame answer = exchange(question);
      if (answer.type() == FrameType.FAILED) {
        throw refused(answer);
      }
      if (answer.type() != answerType) {
        throw new ProtocolException(
            "an answer of type " + answer.type() + ", where " + answerType + " was expected");
      }
      return decoder.decode(answer.payload());
    } catch (EOFException | SocketException ended) {
      throw new HostGoneException(socket + ": the connection was closed without an answer");
    } catch (HostGoneException ended) {
      throw ended;
    } catch (ProtocolException wrong) {
      throw new ProtocolException(socket + ": " + wrong.getMessage());
    }
  }

  private Frame exchange(Frame question) throws IOException {
    Frame[] answer = new Frame[1];
    within(
        () -> {
          try {
            question.writeTo(channel);
          } catch (IOException gone) {
            // The host may have said why before it closed the connection: that is read now.
          }
          answer[0] = Frame.readFrom(channel);
        });
    return answer[0];
  }

  private IOException refused(Frame answer) {
    IOException refusal = refusal(answer.payload());
    return refusal instanceof RefusedException refused && refused.errno() == Errno.ESHUTDOWN
        ? new HostGoneException(socket + ": " + refused.getMessage())
        : refusal;
  }

  private static IOException refusal(ByteBuffer payload) {
    if (payload.remaining() < FAILED_SIZE) {
      return new ProtocolException("a refusal of " + payload.remaining() + " bytes");
    }
    int errno = payload.getInt();
    payload.getInt(); // the exit code for a launcher
    String message = StandardCharsets.UTF_8.decode(payload).toString();
    return new RefusedException(errno, message);
  }

  private interface Exchange {
    void run() throws IOException;
  }

  /** Closes the connection when the host takes too long: there is no timeout for these sockets. */
  private void within(Exchange exchange) throws IOException {
    CompletableFuture<Void> guard = new CompletableFuture<>();
    String slow = socket + ": no answer for " + SLOW.toSeconds() + " s; is the host stopped?";
    CompletableFuture<Void> notice =
        guard
            .copy()
            .orTimeout(SLOW.toMillis(), TimeUnit.MILLISECONDS)
            .exceptionally(
                tooLate -> {
                  whenSlow.accept(slow);
                  return null;
                });
    CompletableFuture<Void> closed =
        guard
            .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
            .exceptionally(
                tooLate -> {
                  close();
                  return null;
                });
    try {
      exchange.run();
    } catch (ClosedChannelException late) {
      throw new IOException(
          socket + ": no answer within " + patience.toMillis() / 1e3 + " s: is the host stopped?",
          late);
    } finally {
      guard.complete(null); // takes the timeout back
      notice.join();
      closed.join();
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException ignored) {
      // Nothing was left to be sent.
    }
  }
}
