/*
 * Contexts of asynchronous I/O (io_setup(2)). The kernel keeps them with the address space, not with the process, and
 * puts the ring of each where it likes: natively they go with the program, here with the closing of its threadproc.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory/memory.h"

static bool prepare(struct aio_contexts *contexts) {
  if (contexts->count < contexts->room) return true;
  const size_t room = contexts->room == 0 ? 4 : 2 * contexts->room;
  uint64_t *all = realloc(contexts->all, room * sizeof *all);
  if (all == NULL) return false;
  contexts->all = all;
  contexts->room = room;
  return true;
}

int memory_open_aio(struct memory *memory, unsigned events, uint64_t *context) {
  int result = -ENOMEM;
  *context = 0;
  pthread_mutex_lock(&memory->lock);
  if (!memory->released && prepare(&memory->aio)) {
    result = syscall(SYS_io_setup, events, context) == 0 ? 0 : -errno;
    if (result == 0) memory->aio.all[memory->aio.count++] = *context;
  }
  pthread_mutex_unlock(&memory->lock);
  return result;
}

bool memory_forget_aio(struct memory *memory, uint64_t context) {
  struct aio_contexts *contexts = &memory->aio;
  bool found = false;
  pthread_mutex_lock(&memory->lock);
  for (size_t i = 0; i < contexts->count && !found; i++) {
    found = contexts->all[i] == context;
    if (found) contexts->all[i] = contexts->all[--contexts->count];
  }
  pthread_mutex_unlock(&memory->lock);
  return found;
}

void aio_contexts_destroy(struct aio_contexts *contexts) {
  for (size_t i = 0; i < contexts->count; i++) syscall(SYS_io_destroy, contexts->all[i]);
  free(contexts->all);
  *contexts = (struct aio_contexts){0};
}
