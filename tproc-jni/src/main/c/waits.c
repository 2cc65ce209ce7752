/* Sleeping at a word of memory, and waking who sleeps there. In native code a thread holds up no safepoint. */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "io_tproc_jni_Native.h"

#define SECOND 1000000000

static void futex(jlong address, int operation, jint value, const struct timespec *timeout) {
  syscall(SYS_futex, (void *)(intptr_t)address, operation, value, timeout, NULL, 0);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_awaitChange(JNIEnv *env, jclass type, jlong address, jint value,
                                                            jlong nanoseconds) {
  (void)env;
  (void)type;
  const struct timespec timeout = {.tv_sec = nanoseconds / SECOND, .tv_nsec = nanoseconds % SECOND};
  futex(address, FUTEX_WAIT, value, nanoseconds < 0 ? NULL : &timeout);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_wakeAll(JNIEnv *env, jclass type, jlong address) {
  (void)env;
  (void)type;
  futex(address, FUTEX_WAKE, INT_MAX, NULL);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_wakeFromHere(JNIEnv *env, jclass type, jlong address, jlong processor) {
  (void)env;
  (void)type;
  /* Relaxed: who is woken may already look, and only learns a moment later where its waker runs. */
  __atomic_store_n((int32_t *)(intptr_t)processor, sched_getcpu(), __ATOMIC_RELAXED);
  futex(address, FUTEX_WAKE, INT_MAX, NULL);
}
