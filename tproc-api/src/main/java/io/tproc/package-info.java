/**
 * Hosts unmodified native programs inside the JVM's own address space.
 *
 * <p>{@link io.tproc.TprocHost#open()} makes the JVM a <em>host</em>. A <em>threadproc</em> ({@link
 * io.tproc.ThreadProc}) is a native program that the host loads into its address space and starts
 * as a Linux process of its own: own pid, descriptors, signals, libc, exit status. Because all of
 * them share one address space, a pointer means the same thing everywhere, and data changes hands
 * without being copied.
 *
 * <pre>{@code
 * ByteBuffer samples = ByteBuffer.allocateDirect(64 << 20).order(ByteOrder.nativeOrder());
 * try (TprocHost host = TprocHost.open();
 *     LentBuffer lent = host.lend(samples)) { // the garbage collector does not know who uses it
 *   // First the address, then the program that looks for it.
 *   host.scratch().putLong(0, lent.address()).putLong(8, samples.capacity() / Float.BYTES);
 *   try (ThreadProc worker = host.command("./gain", "2").inheritIO().start()) {
 *     ExitStatus status = worker.waitForExit();
 *   }
 * }
 * }</pre>
 *
 * <p><strong>What is contained and what is not.</strong> Exits, signals, crashes, descriptors and
 * libc state of a threadproc are its own. A wild write is not contained: a hosted program can
 * overwrite any memory of the JVM. Host only programs that you would also load as a native library.
 */
@NullMarked
package io.tproc;

import org.jspecify.annotations.NullMarked;
