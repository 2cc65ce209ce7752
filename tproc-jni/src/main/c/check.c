#include <stddef.h>

#include "byte_strings.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* Of each finding: name, verdict, value, advice. Findings.java reads them. */
#define FIELDS 4

static bool put(JNIEnv *env, jobjectArray fields, jsize index, jbyteArray bytes) {
  if (bytes == NULL) return false;
  (*env)->SetObjectArrayElement(env, fields, index, bytes);
  (*env)->DeleteLocalRef(env, bytes);
  return true;
}

static jbyteArray one_byte(JNIEnv *env, jbyte value) {
  jbyteArray bytes = (*env)->NewByteArray(env, 1);
  if (bytes != NULL) (*env)->SetByteArrayRegion(env, bytes, 0, 1, &value);
  return bytes;
}

JNIEXPORT jobjectArray JNICALL Java_io_tproc_jni_Native_check(JNIEnv *env, jclass type) {
  (void)type;
  struct tproc_finding findings[TPROC_FINDINGS_MAX];
  const jsize count = (jsize)tproc_check(findings, TPROC_FINDINGS_MAX);
  jclass byte_array = (*env)->FindClass(env, "[B");
  if (byte_array == NULL) return NULL;
  jobjectArray fields = (*env)->NewObjectArray(env, FIELDS * count, byte_array, NULL);
  if (fields == NULL) return NULL;
  for (jsize i = 0; i < count; i++) {
    const struct tproc_finding *finding = &findings[i];
    if (!put(env, fields, FIELDS * i, bytes_to_java(env, finding->name)) ||
        !put(env, fields, FIELDS * i + 1, one_byte(env, (jbyte)finding->verdict)) ||
        !put(env, fields, FIELDS * i + 2, bytes_to_java(env, finding->value)) ||
        !put(env, fields, FIELDS * i + 3, bytes_to_java(env, finding->advice)))
      return NULL; /* with an exception pending */
  }
  return fields;
}
