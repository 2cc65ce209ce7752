#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"
#include "rows.h"

/*
 * Of each threadproc: pid, launcher, uid, state, start, uptime, mapped, resident, cut. ThreadProcStatuses.java reads
 * them.
 */
#define NUMBERS 9
_Static_assert(NUMBERS <= ROW_NUMBERS_MAX, "a row has room for them");

struct entry {
  struct tproc_status status;
  char command[TPROC_COMMAND_SIZE];
};

/* Copied first: nothing of Java's is called while the core keeps threadprocs from being closed. */
struct listing {
  struct entry *entries;
  size_t count, capacity;
  bool without_memory;
};

static bool make_room(struct listing *listing) {
  if (listing->count < listing->capacity) return true;
  const size_t capacity = 2 * listing->capacity + 16;
  struct entry *grown = realloc(listing->entries, capacity * sizeof *grown);
  listing->without_memory = grown == NULL;
  if (grown == NULL) return false;
  listing->entries = grown;
  listing->capacity = capacity;
  return true;
}

static int copy(const struct tproc_status *status, void *context) {
  struct listing *listing = context;
  if (!make_room(listing)) return 0;
  struct entry *entry = &listing->entries[listing->count++];
  entry->status = *status;
  entry->status.command = NULL; /* valid during the call only */
  if (status->command_size > 0) memcpy(entry->command, status->command, status->command_size);
  return 1;
}

static void read_entry(const void *entries, jsize index, struct row *row) {
  const struct entry *entry = (const struct entry *)entries + index;
  const struct tproc_status *status = &entry->status;
  jlong *next = row->numbers;
  *next++ = status->pid;
  *next++ = status->launcher;
  *next++ = (jlong)status->uid;
  *next++ = (jlong)status->state;
  *next++ = (jlong)status->started_at;
  *next++ = (jlong)status->uptime;
  *next++ = (jlong)status->mapped;
  *next++ = (jlong)status->resident;
  *next++ = status->command_cut;
  row->bytes = entry->command;
  row->size = (jsize)status->command_size;
}

JNIEXPORT jobjectArray JNICALL Java_io_tproc_jni_Native_list(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  struct listing listing = {0};
  tproc_host_list(to_host(host), copy, &listing);
  jobjectArray result = NULL;
  if (listing.without_memory)
    throw_out_of_memory(env, "list a host's threadprocs");
  else
    result = rows_to_java(env, listing.entries, (jsize)listing.count, NUMBERS, read_entry);
  free(listing.entries);
  return result;
}
