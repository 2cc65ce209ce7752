#include "byte_strings.h"

#include <stdlib.h>
#include <string.h>

#include "exceptions.h"

jbyteArray bytes_to_java(JNIEnv *env, const char *text) {
  const jsize length = (jsize)strlen(text);
  jbyteArray bytes = (*env)->NewByteArray(env, length);
  if (bytes != NULL) (*env)->SetByteArrayRegion(env, bytes, 0, length, (const jbyte *)text);
  return bytes;
}

bool text_from_java(JNIEnv *env, jbyteArray bytes, char **text) {
  *text = NULL;
  if (bytes == NULL) return true;
  const jsize size = (*env)->GetArrayLength(env, bytes);
  *text = malloc((size_t)size);
  if (*text == NULL) {
    throw_out_of_memory(env, "native memory for a path");
    return false;
  }
  (*env)->GetByteArrayRegion(env, bytes, 0, size, (jbyte *)*text);
  return true;
}

bool vector_from_java(JNIEnv *env, jbyteArray block, jint count, const char *const **vector) {
  const jsize size = (*env)->GetArrayLength(env, block);
  const size_t pointers = ((size_t)count + 1) * sizeof(char *);
  const char **made = malloc(pointers + (size_t)size);
  if (made == NULL) {
    *vector = NULL;
    throw_out_of_memory(env, "native memory for arguments or environment");
    return false;
  }
  char *text = (char *)made + pointers;
  (*env)->GetByteArrayRegion(env, block, 0, size, (jbyte *)text);
  for (jint i = 0; i < count; i++) {
    made[i] = text;
    text += strlen(text) + 1;
  }
  made[count] = NULL;
  *vector = made;
  return true;
}
