#include <errno.h>
#include <stdlib.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* Java's Listing reads the payload, as it does from a socket. */

/* No array of Java's is larger. */
#define LISTING_MAX ((size_t)INT32_MAX - 8)

/* Frees the listing. */
static jbyteArray to_java(JNIEnv *env, struct tproc_listing *listing) {
  const jsize size = (jsize)listing->size;
  jbyteArray payload = (*env)->NewByteArray(env, size);
  if (payload != NULL) (*env)->SetByteArrayRegion(env, payload, 0, size, (const jbyte *)listing->payload);
  free(listing->payload);
  return payload;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_statuses(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  struct tproc_listing listing;
  struct tproc_error error = {0};
  if (tproc_host_listing(to_host(host), LISTING_MAX, &listing, &error) == 0) return to_java(env, &listing);
  throw_out_of_memory(env, error.message);
  return NULL;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_memory(JNIEnv *env, jclass type, jlong threadproc) {
  (void)type;
  struct tproc_listing listing;
  struct tproc_error error = {0};
  if (tproc_threadproc_listing(to_threadproc(threadproc), LISTING_MAX, &listing, &error) == 0)
    return to_java(env, &listing);
  throw_out_of_memory(env, error.message);
  return NULL;
}

/* Memory that is short ends no sharing: it is Java's OutOfMemoryError, as above. */
static jbyteArray shared_to_java(JNIEnv *env, int failed, struct tproc_listing *listing,
                                 const struct tproc_error *error) {
  if (failed == 0) return to_java(env, listing);
  if (failed == -ENOMEM)
    throw_out_of_memory(env, error->message);
  else
    throw_failure(env, FAILURE_SHARING, error);
  return NULL;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_registry(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  struct tproc_listing listing;
  struct tproc_error error = {0};
  return shared_to_java(env, tproc_host_registry_listing(to_host(host), LISTING_MAX, &listing, &error), &listing,
                        &error);
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_heapUsage(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  struct tproc_listing listing;
  struct tproc_error error = {0};
  return shared_to_java(env, tproc_host_heap_listing(to_host(host), LISTING_MAX, &listing, &error), &listing, &error);
}
