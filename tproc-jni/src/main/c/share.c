/* The shared heap, its registry and its locks. Nothing here waits but awaitWords. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

/* What WaiterThread.java writes and reads. */
_Static_assert(sizeof(struct tproc_wait) == 24 && offsetof(struct tproc_wait, since) == 8 &&
                   offsetof(struct tproc_wait, value) == 16 && offsetof(struct tproc_wait, moved) == 20,
               "one layout");

static void *to_address(jlong address) { return (void *)(intptr_t)address; }

/* Bytes that end in NUL, checked for their length in Java. */
static void copy_text(JNIEnv *env, jbyteArray bytes, char *text, jsize size) {
  const jsize length = (*env)->GetArrayLength(env, bytes);
  (*env)->GetByteArrayRegion(env, bytes, 0, length < size ? length : size, (jbyte *)text);
}

/* ---- the heap -------------------------------------------------------------------------------------------------- */

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_allocate(JNIEnv *env, jclass type, jlong host, jlong size,
                                                          jlong alignment) {
  (void)type;
  void *block = NULL;
  struct tproc_error error = {0};
  if (tproc_host_alloc(to_host(host), (size_t)size, (size_t)alignment, &block, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
  return to_jlong(block);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_free(JNIEnv *env, jclass type, jlong host, jlong address) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_free(to_host(host), to_address(address), &error) != 0) throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_give(JNIEnv *env, jclass type, jlong host, jlong address, jint pid) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_give(to_host(host), to_address(address), pid, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_usableSize(JNIEnv *env, jclass type, jlong host, jlong address) {
  (void)env;
  (void)type;
  return (jlong)tproc_host_usable_size(to_host(host), to_address(address));
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_blockOwner(JNIEnv *env, jclass type, jlong host, jlong address) {
  (void)env;
  (void)type;
  return tproc_host_block_owner(to_host(host), to_address(address));
}

/* ---- arenas ---------------------------------------------------------------------------------------------------- */

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_createArena(JNIEnv *env, jclass type, jlong host, jlong capacity) {
  (void)type;
  void *arena = NULL;
  struct tproc_error error = {0};
  if (tproc_host_arena_create(to_host(host), (size_t)capacity, &arena, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
  return to_jlong(arena);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_allocateInArena(JNIEnv *env, jclass type, jlong host, jlong arena,
                                                                 jlong size, jlong alignment) {
  (void)type;
  void *object = NULL;
  struct tproc_error error = {0};
  if (tproc_host_arena_alloc(to_host(host), to_address(arena), (size_t)size, (size_t)alignment, &object, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
  return to_jlong(object);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_freeInArena(JNIEnv *env, jclass type, jlong host, jlong arena,
                                                            jlong object, jlong size) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_arena_free(to_host(host), to_address(arena), to_address(object), (size_t)size, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

/* A root's type has been checked for its length in Java, and ends in NUL. */
JNIEXPORT void JNICALL Java_io_tproc_jni_Native_setArenaRoot(JNIEnv *env, jclass type, jlong host, jlong arena,
                                                             jlong root, jbyteArray name) {
  (void)type;
  char text[TPROC_REGISTERED_TYPE_SIZE];
  struct tproc_error error = {0};
  copy_text(env, name, text, sizeof text);
  if (tproc_host_arena_set_root(to_host(host), to_address(arena), to_address(root), text, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_arenaRoot(JNIEnv *env, jclass type, jlong host, jlong block,
                                                           jbyteArray name) {
  (void)type;
  char text[TPROC_REGISTERED_TYPE_SIZE];
  void *root = NULL;
  struct tproc_error error = {0};
  if (name != NULL) copy_text(env, name, text, sizeof text);
  if (tproc_host_arena_root(to_host(host), to_address(block), name != NULL ? text : NULL, &root, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
  return to_jlong(root);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_arenaUsed(JNIEnv *env, jclass type, jlong host, jlong arena) {
  (void)type;
  size_t used = 0;
  struct tproc_error error = {0};
  if (tproc_host_arena_used(to_host(host), to_address(arena), &used, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
  return (jlong)used;
}

/* ---- the registry ---------------------------------------------------------------------------------------------- */

/* What Java's Listing.registration decodes. */
static jbyteArray entry_to_java(JNIEnv *env, const struct tproc_registered *entry) {
  jbyteArray bytes = (*env)->NewByteArray(env, sizeof *entry);
  if (bytes != NULL) (*env)->SetByteArrayRegion(env, bytes, 0, sizeof *entry, (const jbyte *)entry);
  return bytes;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_publish(JNIEnv *env, jclass type, jlong host, jbyteArray name,
                                                              jbyteArray tag, jlong address, jlong size, jint version) {
  (void)type;
  struct tproc_error error = {0};
  struct tproc_registered what = {.address = (uint64_t)address, .size = (uint64_t)size, .version = (uint32_t)version};
  copy_text(env, name, what.name, sizeof what.name);
  copy_text(env, tag, what.type, sizeof what.type);
  if (tproc_host_publish(to_host(host), &what, &error) == 0) return entry_to_java(env, &what);
  throw_failure(env, FAILURE_SHARING, &error);
  return NULL;
}

/* An entry; NULL when there is none. */
static jbyteArray found_to_java(JNIEnv *env, int failed, const struct tproc_registered *found,
                                const struct tproc_error *error) {
  if (failed == 0) return entry_to_java(env, found);
  if (failed != -ENOENT && failed != -ESTALE) throw_failure(env, FAILURE_SHARING, error);
  return NULL;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_lookup(JNIEnv *env, jclass type, jlong host, jbyteArray name) {
  (void)type;
  char text[TPROC_REGISTERED_NAME_SIZE] = {0};
  struct tproc_registered found;
  struct tproc_error error = {0};
  copy_text(env, name, text, sizeof text);
  return found_to_java(env, tproc_host_lookup(to_host(host), text, &found, &error), &found, &error);
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_registered(JNIEnv *env, jclass type, jlong host, jlong id) {
  (void)type;
  struct tproc_registered found;
  struct tproc_error error = {0};
  return found_to_java(env, tproc_host_registered(to_host(host), (uint64_t)id, &found, &error), &found, &error);
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_withdraw(JNIEnv *env, jclass type, jlong host, jlong id) {
  (void)type;
  struct tproc_error error = {0};
  const int failed = tproc_host_withdraw(to_host(host), (uint64_t)id, &error);
  if (failed != 0 && failed != -ESTALE) throw_failure(env, FAILURE_SHARING, &error);
  return failed == 0;
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_registryEvent(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  uint32_t *event = NULL;
  struct tproc_error error = {0};
  if (tproc_host_registry_event(to_host(host), &event, &error) != 0) throw_failure(env, FAILURE_SHARING, &error);
  return to_jlong(event);
}

/* ---- locks ----------------------------------------------------------------------------------------------------- */

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_isShared(JNIEnv *env, jclass type, jlong host, jlong address,
                                                             jlong size) {
  (void)env;
  (void)type;
  return (jboolean)tproc_host_is_shared(to_host(host), to_address(address), (size_t)size);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_eventPrepare(JNIEnv *env, jclass type, jlong event) {
  (void)env;
  (void)type;
  return (jint)tproc_host_event_prepare(to_address(event));
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_eventSignal(JNIEnv *env, jclass type, jlong event) {
  (void)env;
  (void)type;
  tproc_host_event_signal(to_address(event));
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_mutexTry(JNIEnv *env, jclass type, jlong host, jlong mutex,
                                                         jboolean slept) {
  (void)type;
  struct tproc_error error = {0};
  const int result = tproc_host_mutex_try(to_host(host), to_address(mutex), slept, &error);
  if (result == -EBUSY) return -1;
  if (result == -EOWNERDEAD) return 1;
  if (result < 0) throw_failure(env, FAILURE_SHARING, &error);
  return result;
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_mutexAnnounce(JNIEnv *env, jclass type, jlong host, jlong mutex) {
  (void)env;
  (void)type;
  uint32_t value = 0;
  return tproc_host_mutex_announce(to_host(host), to_address(mutex), &value) ? (jlong)value : -1;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_mutexUnlock(JNIEnv *env, jclass type, jlong host, jlong mutex) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_mutex_unlock(to_host(host), to_address(mutex), &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_mutexConsistent(JNIEnv *env, jclass type, jlong host, jlong mutex) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_mutex_consistent(to_host(host), to_address(mutex), &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_semaphoreTry(JNIEnv *env, jclass type, jlong host,
                                                                 jlong semaphore) {
  (void)type;
  struct tproc_error error = {0};
  const int failed = tproc_host_semaphore_try(to_host(host), to_address(semaphore), &error);
  if (failed != 0 && failed != -EAGAIN) throw_failure(env, FAILURE_SHARING, &error);
  return failed == 0;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_semaphorePost(JNIEnv *env, jclass type, jlong host, jlong semaphore) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_semaphore_post(to_host(host), to_address(semaphore), &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_barrierJoin(JNIEnv *env, jclass type, jlong host, jlong barrier) {
  (void)type;
  struct tproc_error error = {0};
  const int place = tproc_host_barrier_join(to_host(host), to_address(barrier), &error);
  if (place < 0) throw_failure(env, FAILURE_SHARING, &error);
  return place;
}

/* The round; -1: the one that was due has been broken. */
JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_barrierArrive(JNIEnv *env, jclass type, jlong host, jlong barrier,
                                                               jint place) {
  (void)type;
  uint32_t round = 0;
  struct tproc_error error = {0};
  const int failed = tproc_host_barrier_arrive(to_host(host), to_address(barrier), place, &round, &error);
  if (failed == 0) return (jlong)round;
  if (failed != -ECANCELED) throw_failure(env, FAILURE_SHARING, &error);
  return -1;
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_barrierLook(JNIEnv *env, jclass type, jlong host, jlong barrier,
                                                            jint round, jboolean give_up) {
  (void)type;
  struct tproc_error error = {0};
  const int state = tproc_host_barrier_look(to_host(host), to_address(barrier), (uint32_t)round, give_up, &error);
  if (state < 0) throw_failure(env, FAILURE_SHARING, &error);
  return state;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_barrierLeave(JNIEnv *env, jclass type, jlong host, jlong barrier,
                                                             jint place) {
  (void)type;
  struct tproc_error error = {0};
  if (tproc_host_barrier_leave(to_host(host), to_address(barrier), place, &error) != 0)
    throw_failure(env, FAILURE_SHARING, &error);
}

/* ---- channels -------------------------------------------------------------------------------------------------- */

/* What JniSharedMemory.java and Channel.java read and write. */
_Static_assert(sizeof(struct tproc_channel_handle) == 32 && offsetof(struct tproc_channel_handle, id) == 8,
               "one layout");
_Static_assert(sizeof(struct tproc_channel_message) == 64 && offsetof(struct tproc_channel_message, length) == 8 &&
                   offsetof(struct tproc_channel_message, data) == 16,
               "one layout");

static void *address_of(JNIEnv *env, jobject buffer) { return (*env)->GetDirectBufferAddress(env, buffer); }

static jint passed_to_java(JNIEnv *env, int result, const struct tproc_error *error) {
  if (result < 0) throw_failure(env, FAILURE_SHARING, error);
  return result;
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_channelCreate(JNIEnv *env, jclass type, jlong host, jint cells,
                                                              jint flags, jobject end) {
  (void)type;
  struct tproc_error error = {0};
  passed_to_java(
      env, tproc_host_channel_create(to_host(host), (uint32_t)cells, (uint32_t)flags, address_of(env, end), &error),
      &error);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_channelOpen(JNIEnv *env, jclass type, jlong host, jlong id, jint roles,
                                                            jobject end) {
  (void)type;
  struct tproc_error error = {0};
  passed_to_java(
      env, tproc_host_channel_open(to_host(host), (uint64_t)id, (uint32_t)roles, address_of(env, end), &error), &error);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_channelOf(JNIEnv *env, jclass type, jlong host, jbyteArray tag,
                                                           jlong address, jint version) {
  (void)type;
  struct tproc_registered publication = {.address = (uint64_t)address, .version = (uint32_t)version};
  copy_text(env, tag, publication.type, sizeof publication.type);
  return (jlong)tproc_host_channel_of(to_host(host), &publication);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_channelPublish(JNIEnv *env, jclass type, jlong host, jobject end,
                                                               jbyteArray name) {
  (void)type;
  char text[TPROC_REGISTERED_NAME_SIZE];
  struct tproc_error error = {0};
  copy_text(env, name, text, sizeof text);
  passed_to_java(env, tproc_host_channel_publish(to_host(host), address_of(env, end), text, &error), &error);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_channelClose(JNIEnv *env, jclass type, jlong host, jobject end) {
  (void)type;
  struct tproc_error error = {0};
  passed_to_java(env, tproc_host_channel_close(to_host(host), address_of(env, end), &error), &error);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_channelSend(JNIEnv *env, jclass type, jlong host, jobject end,
                                                            jobject messages, jint count) {
  (void)type;
  struct tproc_error error = {0};
  const int sent =
      tproc_host_channel_send(to_host(host), address_of(env, end), address_of(env, messages), (uint32_t)count, &error);
  return passed_to_java(env, sent, &error);
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_channelReceive(JNIEnv *env, jclass type, jlong host, jobject end,
                                                               jobject messages, jint count) {
  (void)type;
  struct tproc_error error = {0};
  const int received = tproc_host_channel_receive(to_host(host), address_of(env, end), address_of(env, messages),
                                                  (uint32_t)count, &error);
  return passed_to_java(env, received, &error);
}

JNIEXPORT jboolean JNICALL Java_io_tproc_jni_Native_channelReady(JNIEnv *env, jclass type, jlong host, jobject end,
                                                                 jint role) {
  (void)type;
  struct tproc_error error = {0};
  return (jboolean)passed_to_java(
      env, tproc_host_channel_ready(to_host(host), address_of(env, end), (uint32_t)role, &error), &error);
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_channelEvent(JNIEnv *env, jclass type, jlong host, jlong id,
                                                              jint role) {
  (void)env;
  (void)type;
  return to_jlong(tproc_host_channel_event(to_host(host), (uint64_t)id, (uint32_t)role));
}

JNIEXPORT jint JNICALL Java_io_tproc_jni_Native_channelPeers(JNIEnv *env, jclass type, jlong host, jlong id,
                                                             jint role) {
  (void)env;
  (void)type;
  return (jint)tproc_host_channel_peers(to_host(host), (uint64_t)id, (uint32_t)role);
}

/* ---- the waiter thread ----------------------------------------------------------------------------------------- */

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_waitBegin(JNIEnv *env, jclass type, jlong host) {
  (void)env;
  (void)type;
  return (jlong)tproc_host_wait_begin(to_host(host));
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_awaitWords(JNIEnv *env, jclass type, jlong host, jlong begun,
                                                           jobject table, jint count) {
  (void)type;
  struct tproc_wait *waits = (*env)->GetDirectBufferAddress(env, table);
  tproc_host_wait(to_host(host), (uint64_t)begun, waits, (size_t)count);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_waitRing(JNIEnv *env, jclass type, jlong host) {
  (void)env;
  (void)type;
  tproc_host_wait_ring(to_host(host));
}
