/**
 * Native libraries, each in a threadproc of its own: any C function is called from Java, and a
 * crash, a hang or a leak of the library is an exception. Begin with {@link
 * io.tproc.TprocHost#library(String)}.
 */
@NullMarked
package io.tproc.library;

import org.jspecify.annotations.NullMarked;
