/* Loading and unloading of the library. */
#include <jni.h>

#include "descriptors.h"
#include "exceptions.h"

/** The oldest version that every supported JVM has; nothing newer is used. */
#define VERSION JNI_VERSION_1_8

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, VERSION) != JNI_OK) return JNI_ERR;
  /* With an exception pending the JVM reports that one. */
  if (!exceptions_load(env) || !descriptors_load(env)) return JNI_ERR;
  return VERSION;
}

JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, VERSION) == JNI_OK) exceptions_unload(env);
}
