/** Native workers in the address space of each Spark executor. */
@NullMarked
package io.tproc.samples.spark;

import org.jspecify.annotations.NullMarked;
