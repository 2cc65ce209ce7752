package io.tproc.library;

import io.tproc.ThreadProc;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A native library in a threadproc of its own. Its functions take pointers to Java's direct
 * buffers, and give pointers that Java can read; but when it crashes, exits, hangs or leaks, that
 * is an exception, or ends with {@link #close}.
 *
 * <p><strong>Instances.</strong> A library has one instance: one process, with its own memory,
 * descriptors, threads and globals. When it has ended, all that belongs to it is stale: its
 * functions and callbacks say so ({@link StaleLibraryException}), addresses that it gave cannot.
 * {@link #restart} starts another one.
 *
 * <p>Thread-safe: calls of several threads run at the same time unless {@link
 * LibraryBuilder#threads} says otherwise. Whether the library bears that is its own affair.
 *
 * <p>On Java 22 and later there are also {@code downcallHandle}, {@code upcallStub} and {@code
 * symbolLookup}, which are as those of {@code java.lang.foreign.Linker}.
 */
public interface ContainedLibrary extends PlatformLibrary, AutoCloseable {
  /**
   * A function of the library.
   *
   * @param name its symbol's name
   * @param result the type of what it returns
   * @param arguments the types of its arguments
   * @return the function of the instance that runs now
   * @throws IllegalArgumentException when there is no such symbol, or no such signature
   * @throws StaleLibraryException when the instance has ended
   */
  default ContainedFunction function(String name, CType result, CType... arguments) {
    return function(name, Signature.of(result, arguments));
  }

  /**
   * A function of the library.
   *
   * @param name its symbol's name
   * @param signature what it takes and gives
   * @return the function of the instance that runs now
   * @throws IllegalArgumentException when there is no such symbol, or the signature cannot be
   *     called
   * @throws StaleLibraryException when the instance has ended
   * @throws LibraryTurnException as {@link #bytesInUse}
   */
  ContainedFunction function(String name, Signature signature);

  /**
   * A function that the library has given the address of.
   *
   * @param address a function pointer of this instance's
   * @param signature what it takes and gives
   * @return the function
   * @throws IllegalArgumentException when the signature cannot be called
   * @throws StaleLibraryException when the instance has ended
   */
  ContainedFunction function(long address, Signature signature);

  /**
   * The address of a symbol: a function's or a variable's.
   *
   * @param name its name
   * @return empty when the library and those that it depends on have none of that name
   * @throws StaleLibraryException when the instance has ended
   */
  OptionalLong symbol(String name);

  /**
   * The library as an object with a method for each function: each abstract method calls the
   * function of its name. Integers, {@code float}, {@code double}, {@code boolean} and {@code
   * String} are what they are called in C ({@code long} has 64 bits); a direct buffer is a pointer,
   * a record is a struct by value, and a functional interface is a function pointer that is valid
   * until the call returns.
   *
   * @param type an interface; its package must be open to this module when it is not public
   * @return the object, which belongs to the instance that runs now
   * @throws IllegalArgumentException when it is no interface, or a method has a type that stands
   *     for none of C or cannot be made of what C gives (a buffer of a pointer, say), or a function
   *     is missing
   * @throws StaleLibraryException when the instance has ended
   * @param <T> the interface
   */
  <T> T as(Class<T> type);

  /**
   * Makes a function pointer that leads to Java, to be passed as an argument or put into memory.
   *
   * @param signature what C calls it with
   * @param body what runs
   * @return the function pointer, to be closed by the caller when the library does not need it any
   *     more. It ends with the instance at the latest
   * @throws IllegalArgumentException when the signature cannot be called
   * @throws StaleLibraryException when the instance has ended
   */
  Callback callback(Signature signature, CallbackBody body);

  /**
   * As {@link #callback(Signature, CallbackBody)}, with the signature of a functional interface's
   * method, as {@link #as} reads it.
   *
   * @param type the functional interface
   * @param body what runs
   * @return the function pointer
   * @param <T> the functional interface
   */
  <T> Callback callback(Class<T> type, T body);

  /**
   * What {@code errno} was after the calling thread's latest call; it is 0 before each call.
   *
   * @return a number, as in {@code errno.h}
   */
  int errno();

  /**
   * Text at an address of the library's, read in its process: a wrong address crashes the library,
   * not the JVM.
   *
   * @param address of a text in UTF-8 that ends in NUL
   * @return a copy; null when the address is 0
   * @throws LibraryCrashedException when the library ends at it, as at a wrong address
   * @throws StaleLibraryException when the instance has ended
   * @throws LibraryTurnException as {@link #bytesInUse}
   */
  @Nullable String text(long address);

  /**
   * Copies memory of the library's, in its process: a wrong address crashes the library, not the
   * JVM.
   *
   * @param address the first byte
   * @param to a direct buffer, which is filled from its position to its limit; neither is changed
   * @throws IllegalArgumentException when it is not direct
   * @throws java.nio.ReadOnlyBufferException when it is read-only
   * @throws LibraryCrashedException when the library ends at it, as at a wrong address
   * @throws StaleLibraryException when the instance has ended
   * @throws LibraryTurnException as {@link #bytesInUse}
   */
  void read(long address, ByteBuffer to);

  /**
   * How many bytes the library has from {@code malloc} and its relatives.
   *
   * @return with what its own libraries and this call's bookkeeping have
   * @throws LibraryCrashedException when the library ends meanwhile
   * @throws StaleLibraryException when the instance has ended
   * @throws LibraryTurnException when the main thread of the library's process runs a call of
   *     another thread's ({@link LibraryThreads#MAIN}) for longer than {@link
   *     LibraryBuilder#startLimit}, or this thread is interrupted meanwhile
   */
  long bytesInUse();

  /**
   * The process that the library is in.
   *
   * @return the threadproc of the instance that runs now, or has run last
   */
  ThreadProc process();

  /**
   * Whether calls are possible.
   *
   * @return false once the instance has ended
   */
  boolean isAlive();

  /**
   * Ends the instance, if it still runs, as {@link #close} does, and starts another one.
   *
   * @throws LibraryLoadException when the library cannot be loaded
   * @throws IOException when its process cannot be started
   * @throws IllegalStateException when this library or its host is closed
   */
  void restart() throws IOException;

  /**
   * Ends the library. When no call is under way, it ends by {@code exit}, so that what it has
   * registered runs and files are flushed, but at most 5 seconds, and no longer than until this
   * thread is interrupted; otherwise it is killed, and the calls under way throw {@link
   * LibraryCrashedException}. All its memory, descriptors and threads are given back. Calls after
   * the first do nothing.
   */
  @Override
  void close();
}
