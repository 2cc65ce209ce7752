/**
 * The provider of hosts that calls the native core through JNI.
 *
 * <p>One way through: {@link io.tproc.jni.JniHost} → {@link io.tproc.jni.HostState} → {@link
 * io.tproc.jni.Native} → the C files of {@code src/main/c} → {@code tproc_core.h}. Native memory is
 * only reached through {@link io.tproc.jni.HostState} and {@link io.tproc.jni.ThreadProcHandle},
 * whose locks make sure that nothing is used after it has been freed, whatever users call in
 * whatever order.
 */
@NullMarked
package io.tproc.jni;

import org.jspecify.annotations.NullMarked;
