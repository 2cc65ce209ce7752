/**
 * What a provider of hosts implements. Users of hosts need nothing from here.
 *
 * <p>A provider is a {@link io.tproc.spi.TprocProvider} that {@link java.util.ServiceLoader} finds.
 * Its {@link io.tproc.spi.HostBinding} does the work; argument checks and the builder are in {@code
 * io.tproc}, once for all providers.
 */
@NullMarked
package io.tproc.spi;

import org.jspecify.annotations.NullMarked;
