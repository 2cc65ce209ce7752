/* What a call by JNI costs: io.tproc.bench.JniPeer. No jni.h, for of JNI's types it needs none that is not C's. */
#include <stdint.h>
#include <stdlib.h>

int64_t Java_io_tproc_bench_JniPeer_labs(void *environment, void *type, int64_t value);

int64_t Java_io_tproc_bench_JniPeer_labs(void *environment, void *type, int64_t value) {
  (void)environment, (void)type;
  return labs(value);
}
