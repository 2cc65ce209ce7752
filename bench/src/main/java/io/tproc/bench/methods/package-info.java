/** Methods that JMH measures. */
@NullMarked
package io.tproc.bench.methods;

import org.jspecify.annotations.NullMarked;
