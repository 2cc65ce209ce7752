/* Texts between Java and C: arrays of bytes in the file system's encoding, see ByteStrings.java. */
#ifndef TPROC_JNI_BYTE_STRINGS_H
#define TPROC_JNI_BYTE_STRINGS_H

#include <jni.h>
#include <stdbool.h>

/** @return a new array without the NUL, or NULL with an exception pending */
jbyteArray bytes_to_java(JNIEnv *env, const char *text);

/**
 * Copies an array.
 *
 * @param bytes an array that ends in NUL, or null
 * @param text receives a copy, free it with free(); NULL for null
 * @return false with an exception pending
 */
bool text_from_java(JNIEnv *env, jbyteArray bytes, char **text);

/**
 * Copies a block of NUL-terminated texts and builds the vector of pointers to them, as for execve.
 *
 * @param vector receives count pointers and a NULL, in one piece with the texts: free it with free()
 * @return false with an exception pending
 */
bool vector_from_java(JNIEnv *env, jbyteArray block, jint count, const char *const **vector);

#endif
