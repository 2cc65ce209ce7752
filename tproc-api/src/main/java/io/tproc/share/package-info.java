/**
 * What outlives its makers: the heap that a host, its programs and their children share, a registry
 * of what lies in it, and locks that are passed on when their owner dies. In programs, libtproc's
 * {@code tproc.h} has the same by the same names.
 */
@NullMarked
package io.tproc.share;

import org.jspecify.annotations.NullMarked;
