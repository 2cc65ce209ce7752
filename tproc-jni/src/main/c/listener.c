#include <stddef.h>
#include <stdlib.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "left_threads.h"
#include "pointers.h"

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_openServer(JNIEnv *env, jclass type, jlong host, jbyteArray path) {
  (void)type;
  char *text = NULL;
  if (!text_from_java(env, path, &text)) return 0;
  struct tproc_server *server = NULL;
  struct tproc_error error = {0};
  const int failed = tproc_server_open(to_host(host), text, &server, &error);
  free(text);
  if (failed) {
    throw_failure(env, FAILURE_IO, &error);
    return 0;
  }
  return to_jlong(server);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_openInheritedServer(JNIEnv *env, jclass type, jlong host,
                                                                     jint descriptor) {
  (void)type;
  struct tproc_server *server = NULL;
  struct tproc_error error = {0};
  if (tproc_server_open_inherited(to_host(host), descriptor, &server, &error) != 0) {
    throw_failure(env, FAILURE_IO, &error);
    return 0;
  }
  return to_jlong(server);
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_serverPath(JNIEnv *env, jclass type, jlong server) {
  (void)type;
  return bytes_to_java(env, tproc_server_path(to_server(server)));
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_notifyService(JNIEnv *env, jclass type, jbyteArray state) {
  (void)type;
  char *text = NULL;
  if (!text_from_java(env, state, &text)) return JNI_FALSE;
  struct tproc_error error = {0};
  const int result = tproc_notify_service(text, &error);
  free(text);
  if (result < 0) throw_failure(env, FAILURE_IO, &error);
  return result > 0 ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_closeServer(JNIEnv *env, jclass type, jlong server) {
  tproc_server_close(to_server(server));
  keep_for_left_threads(env, type);
}
