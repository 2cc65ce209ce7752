/** Small programs to copy from: each shows one thing that a shared address space is good for. */
@NullMarked
package io.tproc.samples;

import org.jspecify.annotations.NullMarked;
