/* Native failures as Java exceptions: the only place that knows which becomes which. */
#ifndef TPROC_JNI_EXCEPTIONS_H
#define TPROC_JNI_EXCEPTIONS_H

#include <jni.h>
#include <stdbool.h>

#include "tproc_core.h"

/** Which exception a failure becomes; each is a static method of NativeFailure. */
enum failure {
  FAILURE_UNAVAILABLE, /**< TprocUnavailableException */
  FAILURE_LAUNCH,      /**< LaunchException */
  FAILURE_IO,          /**< IOException */
  FAILURE_SHARING,     /**< SharedMemoryException */
  FAILURE_KINDS
};

/** Looks up what throwing takes. @return false, with an exception pending, when NativeFailure is not as it should be */
bool exceptions_load(JNIEnv *env);

void exceptions_unload(JNIEnv *env);

/** Makes the exception pending. The caller returns to Java with any value. */
void throw_failure(JNIEnv *env, enum failure kind, const struct tproc_error *error);

/** As throw_failure, for a system call of the glue's own: "pipe2: Too many open files". */
void throw_errno(JNIEnv *env, enum failure kind, int code, const char *step);

/** malloc has failed. */
void throw_out_of_memory(JNIEnv *env, const char *what);

#endif
