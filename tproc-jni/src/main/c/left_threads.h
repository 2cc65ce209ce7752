/* Keeps the library loaded while a thread is in it that nobody waits for. */
#ifndef TPROC_JNI_LEFT_THREADS_H
#define TPROC_JNI_LEFT_THREADS_H

#include <jni.h>

#include "tproc_core.h"

/** After each closing. A class that is kept keeps its class loader, and that one the library. */
static inline void keep_for_left_threads(JNIEnv *env, jclass type) {
  if (tproc_has_left_threads()) (*env)->NewGlobalRef(env, type);
}

#endif
