#include <stddef.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "left_threads.h"
#include "pointers.h"

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_openHost(JNIEnv *env, jclass type) {
  (void)type;
  struct tproc_host *host = NULL;
  struct tproc_error error = {0};
  if (tproc_host_open(&host, &error) != 0) {
    throw_failure(env, FAILURE_UNAVAILABLE, &error);
    return 0;
  }
  return to_jlong(host);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_closeHost(JNIEnv *env, jclass type, jlong host) {
  tproc_host_close(to_host(host));
  keep_for_left_threads(env, type);
}

JNIEXPORT jobject JNICALL Java_io_tproc_jni_Native_scratch(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  return (*env)->NewDirectByteBuffer(env, tproc_host_scratch(to_host(host)), TPROC_SCRATCH_SIZE);
}
