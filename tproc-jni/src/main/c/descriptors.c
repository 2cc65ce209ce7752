#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"

/* FileDescriptor.fd. JNI is not bound by module boundaries; the JDK's own native code finds the field in the same way.
 */
static jfieldID fd_field;

bool descriptors_load(JNIEnv *env) {
  jclass type = (*env)->FindClass(env, "java/io/FileDescriptor");
  if (type == NULL) return false;
  /* The class is the boot loader's and never unloaded, so the id stays valid. */
  fd_field = (*env)->GetFieldID(env, type, "fd", "I");
  (*env)->DeleteLocalRef(env, type);
  return fd_field != NULL;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_pipe(JNIEnv *env, jclass type, jobject reader, jobject writer) {
  (void)type;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw_errno(env, FAILURE_LAUNCH, errno, "cannot make a pipe");
    return;
  }
  (*env)->SetIntField(env, reader, fd_field, ends[0]);
  (*env)->SetIntField(env, writer, fd_field, ends[1]);
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_hasWriter(JNIEnv *env, jclass type, jint reader) {
  (void)env;
  (void)type;
  struct pollfd pipe = {.fd = reader}; /* POLLHUP is told unasked */
  return poll(&pipe, 1, 0) == 0 ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_carryFile(JNIEnv *env, jclass type, jbyteArray path, jint flags,
                                                          jobject carrier) {
  (void)type;
  char *name = NULL;
  struct tproc_error error = {0};
  if (!text_from_java(env, path, &name)) return;
  const int descriptor = tproc_carry_file(name, flags, &error);
  free(name);
  if (descriptor < 0)
    throw_failure(env, FAILURE_IO, &error);
  else
    (*env)->SetIntField(env, carrier, fd_field, descriptor);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_fileFlags(JNIEnv *env, jclass type, jboolean write, jboolean append) {
  (void)env;
  (void)type;
  if (!write) return O_RDONLY;
  return O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_number(JNIEnv *env, jclass type, jobject descriptor) {
  (void)type;
  return (*env)->GetIntField(env, descriptor, fd_field);
}
