/**
 * Pools of programs that serve requests: each worker is a threadproc, works on Java's memory in
 * place, and may crash alone. In programs, {@code tproc_serve} of libtproc is the other side. Begin
 * with {@link io.tproc.TprocHost#workers(String...)}.
 */
@NullMarked
package io.tproc.worker;

import org.jspecify.annotations.NullMarked;
