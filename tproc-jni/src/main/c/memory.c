#include <stdbool.h>
#include <stdlib.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* Of each mapping: address, size, bits. MemoryMappings.java reads them. */
#define NUMBERS 3

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

static bool put(JNIEnv *env, jlongArray numbers, jobjectArray names, jsize index, const struct tproc_mapping *mapping) {
  const jlong values[NUMBERS] = {
      (jlong)mapping->address, (jlong)mapping->size,
      mapping->readable | mapping->writable << 1 | mapping->executable << 2 | mapping->shared << 3};
  (*env)->SetLongArrayRegion(env, numbers, NUMBERS * index, NUMBERS, values);
  jbyteArray name = bytes_to_java(env, mapping->name);
  if (name == NULL) return false;
  (*env)->SetObjectArrayElement(env, names, index, name);
  (*env)->DeleteLocalRef(env, name);
  return true;
}

static jobjectArray to_java(JNIEnv *env, const struct tproc_mapping *mappings, jsize count) {
  jclass byte_array = (*env)->FindClass(env, "[B");
  jclass object = byte_array == NULL ? NULL : (*env)->FindClass(env, "java/lang/Object");
  if (object == NULL) return NULL;
  jlongArray numbers = (*env)->NewLongArray(env, NUMBERS * count);
  jobjectArray names = numbers == NULL ? NULL : (*env)->NewObjectArray(env, count, byte_array, NULL);
  jobjectArray both = names == NULL ? NULL : (*env)->NewObjectArray(env, 2, object, NULL);
  if (both == NULL) return NULL;
  for (jsize i = 0; i < count; i++)
    if (!put(env, numbers, names, i, &mappings[i])) return NULL;
  (*env)->SetObjectArrayElement(env, both, 0, numbers);
  (*env)->SetObjectArrayElement(env, both, 1, names);
  return both;
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
  jobjectArray result = to_java(env, mappings, (jsize)count);
  free(mappings);
  return result;
}
