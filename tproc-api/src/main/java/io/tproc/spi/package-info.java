/**
 * What a provider of hosts implements. Users of hosts need nothing from here.
 *
 * <p>A provider is a {@link io.tproc.spi.TprocProvider} that {@link java.util.ServiceLoader} finds.
 * It implements {@link io.tproc.TprocHost} itself, whose documentation says what each method does.
 * {@link io.tproc.spi.Checks} has the checks of arguments, and {@link io.tproc.ThreadProcBuilder}
 * the settings of a launch, once for all providers. {@link io.tproc.spi.UnpackedProgram} gets a
 * program out of a jar.
 */
@NullMarked
package io.tproc.spi;

import org.jspecify.annotations.NullMarked;
