/** Native workers of a Flink operator, in the address space of its task manager. */
@NullMarked
package io.tproc.samples.flink;

import org.jspecify.annotations.NullMarked;
