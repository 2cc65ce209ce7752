package io.tproc.jni.linux.x86_64;

import io.tproc.jni.natives.NativeCode;

/** See {@link NativeCode}. */
public final class Provided implements NativeCode {}
