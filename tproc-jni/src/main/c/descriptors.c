#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
    throw_errno(env, FAILURE_IO, errno, "cannot make a pipe");
    return;
  }
  (*env)->SetIntField(env, reader, fd_field, ends[0]);
  (*env)->SetIntField(env, writer, fd_field, ends[1]);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_number(JNIEnv *env, jclass type, jobject descriptor) {
  (void)type;
  return (*env)->GetIntField(env, descriptor, fd_field);
}
