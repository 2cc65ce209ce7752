/** For the modules of native code alone. */
@NullMarked
package io.tproc.jni.natives;

import org.jspecify.annotations.NullMarked;
