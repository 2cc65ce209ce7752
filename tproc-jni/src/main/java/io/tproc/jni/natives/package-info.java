/** For the modules of native code, and nobody else. */
@NullMarked
package io.tproc.jni.natives;

import org.jspecify.annotations.NullMarked;
