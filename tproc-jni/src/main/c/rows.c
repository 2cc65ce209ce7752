#include "rows.h"

#include <stdbool.h>

static bool put(JNIEnv *env, jlongArray numbers, jsize numbers_each, jobjectArray bytes, jsize index,
                const struct row *row) {
  (*env)->SetLongArrayRegion(env, numbers, numbers_each * index, numbers_each, row->numbers);
  jbyteArray copy = (*env)->NewByteArray(env, row->size);
  if (copy == NULL) return false;
  (*env)->SetByteArrayRegion(env, copy, 0, row->size, (const jbyte *)row->bytes);
  (*env)->SetObjectArrayElement(env, bytes, index, copy);
  (*env)->DeleteLocalRef(env, copy);
  return true;
}

jobjectArray rows_to_java(JNIEnv *env, const void *list, jsize count, jsize numbers_each, row_reader *read) {
  jclass byte_array = (*env)->FindClass(env, "[B");
  jclass object = byte_array == NULL ? NULL : (*env)->FindClass(env, "java/lang/Object");
  if (object == NULL) return NULL;
  jlongArray numbers = (*env)->NewLongArray(env, numbers_each * count);
  jobjectArray bytes = numbers == NULL ? NULL : (*env)->NewObjectArray(env, count, byte_array, NULL);
  jobjectArray both = bytes == NULL ? NULL : (*env)->NewObjectArray(env, 2, object, NULL);
  if (both == NULL) return NULL;
  for (jsize i = 0; i < count; i++) {
    struct row row = {.bytes = NULL};
    read(list, i, &row);
    if (!put(env, numbers, numbers_each, bytes, i, &row)) return NULL;
  }
  (*env)->SetObjectArrayElement(env, both, 0, numbers);
  (*env)->SetObjectArrayElement(env, both, 1, bytes);
  return both;
}
