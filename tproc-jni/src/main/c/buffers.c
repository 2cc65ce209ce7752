#include "io_tproc_jni_Native.h"
#include "pointers.h"

JNIEXPORT jobject JNICALL Java_io_tproc_jni_Native_view(JNIEnv *env, jclass type, jlong address, jint size) {
  (void)type;
  return (*env)->NewDirectByteBuffer(env, (void *)(intptr_t)address, size);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_addressOf(JNIEnv *env, jclass type, jobject direct_buffer) {
  (void)type;
  return to_jlong((*env)->GetDirectBufferAddress(env, direct_buffer));
}
