/**
 * The command {@code tproc}. It only uses the public API, and {@link io.tproc.cli.client} to talk
 * to hosts that are other processes; what it prints is for people, except where an option says
 * {@code --json}.
 */
@NullMarked
package io.tproc.cli;

import org.jspecify.annotations.NullMarked;
