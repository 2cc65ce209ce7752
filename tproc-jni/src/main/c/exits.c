#include <signal.h>
#include <stddef.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* The id travels as the context: it is only handed back, never followed. */

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_watch(JNIEnv *env, jclass type, jlong threadproc, jlong id) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_threadproc_watch(to_threadproc(threadproc), (void *)(intptr_t)id, &error) != 0)
    throw_failure(env, FAILURE_IO, &error);
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_abandon(JNIEnv *env, jclass type, jlong threadproc) {
  (void)env;
  (void)type;
  tproc_threadproc_signal(to_threadproc(threadproc), SIGKILL, NULL);
  return tproc_threadproc_watch(to_threadproc(threadproc), (void *)(intptr_t)-threadproc, NULL) == 0 ? JNI_TRUE
                                                                                                     : JNI_FALSE;
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_nextExit(JNIEnv *env, jclass type, jlong host, jlongArray result) {
  (void)type;
  struct tproc_exit exit = {0};
  struct tproc_error error = {0};
  const int got = tproc_host_next_exit(to_host(host), -1, &exit, &error);
  if (got < 0) throw_failure(env, FAILURE_IO, &error);
  if (got <= 0) return JNI_FALSE;
  const jlong fields[] = {to_jlong(exit.context), exit.kind, exit.status};
  (*env)->SetLongArrayRegion(env, result, 0, 3, fields);
  return JNI_TRUE;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_wake(JNIEnv *env, jclass type, jlong host) {
  (void)env;
  (void)type;
  tproc_host_wake(to_host(host));
}
