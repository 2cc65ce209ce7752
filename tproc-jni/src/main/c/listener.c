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

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_closeServer(JNIEnv *env, jclass type, jlong server) {
  tproc_server_close(to_server(server));
  keep_for_left_threads(env, type);
}
