/** Ways of an executor to a native worker, side by side, and what many workers take. */
@NullMarked
package io.tproc.bench.executors;

import org.jspecify.annotations.NullMarked;
