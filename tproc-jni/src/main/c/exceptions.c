/*
 * The exceptions themselves are made in Java (NativeFailure.java): there the message's bytes are decoded as file names
 * are, and a constructor that changes is seen by the compiler.
 */
#include "exceptions.h"

#include <stdio.h>
#include <string.h>

#include "byte_strings.h"

static const char *const method_names[FAILURE_KINDS] = {
    [FAILURE_UNAVAILABLE] = "unavailable",
    [FAILURE_LAUNCH] = "launch",
    [FAILURE_IO] = "io",
    [FAILURE_SHARING] = "sharing",
};

/* Weak: a strong one would keep the class loader of an application that has been undeployed. */
static jweak native_failure;
static jmethodID methods[FAILURE_KINDS];

bool exceptions_load(JNIEnv *env) {
  jclass found = (*env)->FindClass(env, "io/tproc/jni/NativeFailure");
  if (found == NULL) return false;
  for (int i = 0; i < FAILURE_KINDS; i++) {
    methods[i] = (*env)->GetStaticMethodID(env, found, method_names[i], "(I[B)Ljava/lang/Throwable;");
    if (methods[i] == NULL) return false;
  }
  native_failure = (*env)->NewWeakGlobalRef(env, found);
  (*env)->DeleteLocalRef(env, found);
  return native_failure != NULL;
}

void exceptions_unload(JNIEnv *env) { (*env)->DeleteWeakGlobalRef(env, native_failure); }

void throw_failure(JNIEnv *env, enum failure kind, const struct tproc_error *error) {
  jbyteArray message = bytes_to_java(env, error->message);
  if (message == NULL) return; /* an OutOfMemoryError is pending, and says enough */
  /* The caller is of that class's loader, so it is still there. */
  jclass maker = (*env)->NewLocalRef(env, native_failure);
  jobject exception = (*env)->CallStaticObjectMethod(env, maker, methods[kind], (jint)error->code, message);
  const bool thrown = (*env)->ExceptionCheck(env);
  (*env)->DeleteLocalRef(env, maker);
  (*env)->DeleteLocalRef(env, message);
  if (thrown || exception == NULL) return; /* no memory for the exception: that is what Java sees */
  (*env)->Throw(env, (jthrowable)exception);
  (*env)->DeleteLocalRef(env, exception);
}

void throw_errno(JNIEnv *env, enum failure kind, int code, const char *step) {
  struct tproc_error error = {.code = code};
  const char *reason = strerrordesc_np(code); /* of strerror_r there are two, and musl has the other */
  snprintf(error.message, sizeof error.message, "%s: %s", step, reason != NULL ? reason : "unknown error");
  throw_failure(env, kind, &error);
}

void throw_out_of_memory(JNIEnv *env, const char *what) {
  jclass type = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
  if (type == NULL) return; /* then that is pending */
  (*env)->ThrowNew(env, type, what);
  (*env)->DeleteLocalRef(env, type);
}
