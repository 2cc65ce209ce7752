package io.tproc.jni.natives;

/**
 * Provided by each module that holds the native library of one architecture. It has nothing to do:
 * what is provided is resolved, on the module path and by {@code jlink --bind-services}.
 */
public interface NativeCode {}
