#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_ownerOf(JNIEnv *env, jclass type, jlong host, jlong address) {
  (void)env;
  (void)type;
  return to_jlong(tproc_host_owner_of(to_host(host), (const void *)(intptr_t)address));
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_keepInForks(JNIEnv *env, jclass type, jlong host, jlong address,
                                                            jlong size) {
  (void)type;
  const void *memory = (const void *)(intptr_t)address; /* Java has checked the range: memory alone can be missing */
  if (tproc_host_keep_in_forks(to_host(host), memory, (size_t)size, NULL) != 0)
    throw_out_of_memory(env, "keep memory in forked children");
}
