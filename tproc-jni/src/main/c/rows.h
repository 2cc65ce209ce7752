/* Lists that travel to Java as one Object[]: a long[] with some numbers of each row, and a byte[][] with its bytes. */
#ifndef TPROC_JNI_ROWS_H
#define TPROC_JNI_ROWS_H

#include <jni.h>

/** Most numbers of a row. */
#define ROW_NUMBERS_MAX 16

struct row {
  jlong numbers[ROW_NUMBERS_MAX];
  const char *bytes; /**< the list's */
  jsize size;
};

/** Reads one row of a list. */
typedef void row_reader(const void *list, jsize index, struct row *row);

/** @return NULL with an exception pending */
jobjectArray rows_to_java(JNIEnv *env, const void *list, jsize count, jsize numbers, row_reader *read);

#endif
