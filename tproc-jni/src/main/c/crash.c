#include <stddef.h>

#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* What CrashReports.java reads. */
_Static_assert(offsetof(struct tproc_crash, tid) == 0 && offsetof(struct tproc_crash, signal) == 4 &&
                   offsetof(struct tproc_crash, code) == 8 && offsetof(struct tproc_crash, has_address) == 16 &&
                   offsetof(struct tproc_crash, address) == 24 && offsetof(struct tproc_crash, program_counter) == 32 &&
                   offsetof(struct tproc_crash, stack_pointer) == 40 &&
                   offsetof(struct tproc_crash, register_count) == 48 &&
                   offsetof(struct tproc_crash, registers) == 56 && sizeof(struct tproc_register) == 16 &&
                   offsetof(struct tproc_register, value) == 8 && offsetof(struct tproc_crash, overflows) == 696 &&
                   offsetof(struct tproc_crash, offset) == 704 && offsetof(struct tproc_crash, file) == 712 &&
                   offsetof(struct tproc_crash, owner) == 968 && sizeof(struct tproc_crash) == 1256,
               "as CrashReports.java has it");

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_crash(JNIEnv *env, jclass type, jlong threadproc) {
  (void)type;
  struct tproc_crash crash = {0};
  if (tproc_threadproc_crash(to_threadproc(threadproc), &crash) == 0) return NULL;
  jbyteArray result = (*env)->NewByteArray(env, sizeof crash);
  if (result != NULL) (*env)->SetByteArrayRegion(env, result, 0, sizeof crash, (const jbyte *)&crash);
  return result;
}
