/**
 * Benchmarks: each prints its figures beside those of a peer measured in the same run, in
 * interleaved rounds, because the machine it runs on has other things to do.
 */
@NullMarked
package io.tproc.bench;

import org.jspecify.annotations.NullMarked;
