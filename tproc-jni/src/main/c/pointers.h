/* Native pointers travel through Java as jlong. */
#ifndef TPROC_JNI_POINTERS_H
#define TPROC_JNI_POINTERS_H

#include <jni.h>
#include <stdint.h>

#include "tproc_core.h"

static inline jlong to_jlong(const void *pointer) { return (jlong)(intptr_t)pointer; }

static inline struct tproc_host *to_host(jlong pointer) { return (struct tproc_host *)(intptr_t)pointer; }

static inline struct tproc_threadproc *to_threadproc(jlong pointer) {
  return (struct tproc_threadproc *)(intptr_t)pointer;
}

static inline struct tproc_server *to_server(jlong pointer) { return (struct tproc_server *)(intptr_t)pointer; }

#endif
