#include <errno.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_pid(JNIEnv *env, jclass type, jlong threadproc) {
  (void)env;
  (void)type;
  return tproc_threadproc_pid(to_threadproc(threadproc));
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_executed(JNIEnv *env, jclass type, jlong threadproc) {
  (void)type;
  const char *words = NULL;
  const jsize size = (jsize)tproc_threadproc_executed(to_threadproc(threadproc), &words);
  jbyteArray bytes = (*env)->NewByteArray(env, size);
  if (bytes != NULL) (*env)->SetByteArrayRegion(env, bytes, 0, size, (const jbyte *)words);
  return bytes;
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_signal(JNIEnv *env, jclass type, jlong threadproc, jint signal) {
  (void)type;
  struct tproc_error error = {0};
  const int failed = tproc_threadproc_signal(to_threadproc(threadproc), signal, &error);
  if (failed && failed != -ESRCH) throw_failure(env, FAILURE_IO, &error);
  return failed ? JNI_FALSE : JNI_TRUE;
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_exec(JNIEnv *env, jclass type, jlong threadproc) {
  (void)env;
  (void)type;
  return (jint)tproc_threadproc_exec(to_threadproc(threadproc));
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_release(JNIEnv *env, jclass type, jlong threadproc) {
  (void)env;
  (void)type;
  return tproc_threadproc_close(to_threadproc(threadproc), NULL) == 0 ? JNI_TRUE : JNI_FALSE;
}
