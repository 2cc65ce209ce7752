#include <stdlib.h>
#include <string.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"
#include "rows.h"

/* Of each mapping: address, size, bits. MemoryMappings.java reads them. */
#define NUMBERS 3
_Static_assert(NUMBERS <= ROW_NUMBERS_MAX, "a row has room for them");

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_ownerOf(JNIEnv *env, jclass type, jlong host, jlong address) {
  (void)env;
  (void)type;
  return to_jlong(tproc_host_owner_of(to_host(host), (const void *)(intptr_t)address));
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_keepInForks(JNIEnv *env, jclass type, jlong host, jlong address,
                                                            jlong size) {
  (void)env;
  (void)type;
  tproc_host_keep_in_forks(to_host(host), (const void *)(intptr_t)address, (size_t)size);
}

static void read_mapping(const void *mappings, jsize index, struct row *row) {
  const struct tproc_mapping *mapping = (const struct tproc_mapping *)mappings + index;
  row->numbers[0] = (jlong)mapping->address;
  row->numbers[1] = (jlong)mapping->size;
  row->numbers[2] = mapping->readable | mapping->writable << 1 | mapping->executable << 2 | mapping->shared << 3;
  row->bytes = mapping->name;
  row->size = (jsize)strlen(mapping->name);
}

JNIEXPORT jobjectArray JNICALL Java_io_tproc_jni_Native_memory(JNIEnv *env, jclass type, jlong threadproc) {
  (void)type;
  size_t capacity = 0;
  struct tproc_mapping *mappings = NULL;
  size_t count = tproc_threadproc_memory(to_threadproc(threadproc), NULL, 0);
  while (count > capacity) { /* a running program maps meanwhile */
    free(mappings);
    capacity = count + count / 8 + 8;
    mappings = malloc(capacity * sizeof *mappings);
    if (mappings == NULL) {
      throw_out_of_memory(env, "list a threadproc's memory");
      return NULL;
    }
    count = tproc_threadproc_memory(to_threadproc(threadproc), mappings, capacity);
  }
  jobjectArray result = rows_to_java(env, mappings, (jsize)count, NUMBERS, read_mapping);
  free(mappings);
  return result;
}
