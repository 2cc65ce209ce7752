/**
 * Functions of Python, called from Java: interpreters of an unmodified CPython are threadprocs,
 * work on Java's memory in place, and may crash alone. Begin with {@link
 * io.tproc.TprocHost#python(String)}.
 */
@NullMarked
package io.tproc.python;

import org.jspecify.annotations.NullMarked;
