#include "share/host_heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shared/heap.h"

void host_heap_open(struct host_heap *heap, const struct tproc_view *view) {
  memset(heap, 0, sizeof *heap);
  heap->view = view;
  for (size_t i = 0; i < HOST_HEAP_PARTS; i++) pthread_mutex_init(&heap->parts[i].lock, NULL);
}

void host_heap_close(struct host_heap *heap) {
  if (heap->view == NULL) return;
  for (size_t i = 0; i < HOST_HEAP_PARTS; i++) pthread_mutex_destroy(&heap->parts[i].lock);
  heap->view = NULL;
}

/* One that is free, beginning with the thread's own; the own one when all are in use. */
static struct host_heap_part *enter(struct host_heap *heap) {
  const size_t own = (size_t)gettid() % HOST_HEAP_PARTS;
  for (size_t i = 0; i < HOST_HEAP_PARTS; i++) {
    struct host_heap_part *part = &heap->parts[(own + i) % HOST_HEAP_PARTS];
    if (pthread_mutex_trylock(&part->lock) == 0) return part;
  }
  pthread_mutex_lock(&heap->parts[own].lock);
  return &heap->parts[own];
}

static void leave(struct host_heap_part *part) { pthread_mutex_unlock(&part->lock); }

static int attach(struct host_heap *heap, struct host_heap_part *part) {
  if (part->cache.token != 0) return 0;
  const pid_t place = (pid_t)(part - heap->parts) + 1; /* no thread's id: it is many threads' */
  return -tproc_cache_attach(heap->view, &part->cache, TPROC_OWNER_HOST, getpid(), place);
}

static bool is_open(const struct host_heap *heap) { return heap->view != NULL && heap->view->share != NULL; }

int host_heap_alloc(struct host_heap *heap, size_t size, size_t alignment, void **block) {
  if (!is_open(heap)) return -ENOTSUP;
  struct host_heap_part *part = enter(heap);
  int failed = attach(heap, part);
  if (!failed) {
    *block = alignment <= 16 ? tproc_heap_alloc(heap->view, &part->cache, size)
                             : tproc_heap_alloc_slowly(heap->view, &part->cache, size, alignment);
    if (*block == NULL) failed = -ENOMEM;
  }
  leave(part);
  return failed;
}

int host_heap_free(struct host_heap *heap, void *block) {
  if (!is_open(heap)) return -ENOTSUP;
  struct host_heap_part *part = enter(heap);
  int failed = attach(heap, part);
  if (!failed) failed = -tproc_heap_free(heap->view, &part->cache, block);
  leave(part);
  return failed;
}
