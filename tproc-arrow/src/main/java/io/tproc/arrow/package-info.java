/**
 * Batches of Apache Arrow for hosted programs and back, in place, over the Arrow C Data Interface:
 * see {@link io.tproc.arrow.ArrowPool}.
 */
@NullMarked
package io.tproc.arrow;

import org.jspecify.annotations.NullMarked;
