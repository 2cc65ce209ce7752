#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/arena.h"
#include "shared/channel.h"
#include "shared/heap.h"

#define SLICES 24
#define CELLS 4
#define GRAPHS 2
#define NODES 30

/* A tree that leans: each node has a text of its own, as a std::map of strings has. */
struct node {
  struct node *before, *after;
  char *text;
};

struct scene {
  struct small_range range, copy;
  struct tproc_cache host;
  struct tproc_channel_end there;
  _Atomic uint32_t *sent; /* graphs that the victim has certainly sent; perhaps one more. Shared */
};

static const size_t capacities[GRAPHS] = {100000, 8000}; /* slices of its own, and a block of a class */

static void free_block(const struct tproc_party *party, void *block) {
  if (tproc_heap_free(party->view, party->context, block) != 0) _exit(9);
}

static struct tproc_party party_of(const struct small_range *range, struct tproc_cache *cache) {
  return (struct tproc_party){&range->view, cache->token, cache->owner, free_block, cache};
}

static size_t text_size(unsigned number) { return 20 + 3 * number; }

static struct node *make_node(struct tproc_arena *arena, struct node *before, unsigned number) {
  struct node *node = tproc_arena_take(arena, sizeof *node, 16);
  void *other = tproc_arena_take(arena, 40, 64), *text = tproc_arena_take(arena, text_size(number), 1);
  if (node == NULL || other == NULL || text == NULL) _exit(8);
  *node = (struct node){.before = before, .text = text};
  memset(text, 'a' + (int)number % 26, text_size(number));
  tproc_arena_put_back(arena, other, 40); /* the next node's */
  if (before != NULL) before->after = node;
  return node;
}

/* ---- the victim ------------------------------------------------------------------------------------------------ */

static struct tproc_parcel make_graph(const struct tproc_party *self, size_t capacity) {
  struct tproc_arena *arena = tproc_heap_alloc(self->view, self->context, capacity);
  if (arena == NULL) _exit(7);
  tproc_arena_format(arena, capacity);
  struct node *last = NULL;
  for (unsigned i = 0; i < NODES; i++) last = make_node(arena, last, i);
  arena->root = (uint64_t)last;
  return (struct tproc_parcel){.block = arena};
}

static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  struct tproc_channel_end end;
  attach_as(&scene->range, &cache, 0, 1);
  const struct tproc_party self = party_of(&scene->range, &cache);
  if (tproc_channel_join(&self, scene->there.id, TPROC_ROLE_SENDER, &end) != 0) _exit(2);
  for (unsigned i = 0; i < GRAPHS; i++) {
    const struct tproc_parcel parcel = make_graph(&self, capacities[i]);
    int error;
    if (tproc_channel_put_all(&self, &end, &parcel, 1, &error) != 1) _exit(3);
    atomic_fetch_add(scene->sent, 1);
  }
  tproc_channel_leave(&self, &end);
}

/* ---- the survivors --------------------------------------------------------------------------------------------- */

static bool lies_in(const struct tproc_arena *arena, const void *object, size_t size) {
  const uint64_t at = (uint64_t)object - (uint64_t)arena;
  return at >= sizeof *arena && at + size <= arena->used;
}

static bool is_right(const struct tproc_arena *arena, const struct node *node, unsigned number) {
  if (!lies_in(arena, node, sizeof *node) || !lies_in(arena, node->text, text_size(number))) return false;
  for (size_t i = 0; i < text_size(number); i++)
    if (node->text[i] != 'a' + (int)number % 26) return false;
  return true;
}

/* Its bytes are in the range that was copied; the copy has its tables alone. */
static bool is_whole(const struct tproc_arena *arena, size_t capacity) {
  if (!tproc_arena_is_at(arena, capacity) || arena->capacity != capacity) return false;
  const struct node *node = (const struct node *)arena->root, *after = NULL;
  for (unsigned number = NODES; number-- > 0; after = node, node = node->before)
    if (!is_right(arena, node, number) || node->after != after) return false;
  return node == NULL;
}

static void receive_all(const struct scene *scene, const struct tproc_party *self, const struct tproc_channel_end *end,
                        struct trial *trial) {
  const unsigned long long k = trial->instructions;
  const uint32_t sent = *scene->sent;
  struct tproc_parcel parcel;
  uint32_t received = 0;
  int error;
  while (tproc_channel_get_all(self, end, &parcel, 1, &error) == 1) {
    const unsigned char *block = parcel.block;
    if (received >= GRAPHS || block == NULL ||
        !is_whole((const void *)(scene->range.base + (block - scene->copy.base)), capacities[received]))
      fail_trial(trial, "instruction %llu: graph %u is not whole", k, received);
    if (block != NULL) free_block(self, parcel.block);
    received++;
  }
  if (received != sent && received != sent + 1)
    fail_trial(trial, "instruction %llu: %u graphs of %u were received (%d)", k, received, sent, error);
}

static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  static struct tproc_cache cache;
  const struct small_range *copy = &scene->copy;
  small_range_copy(&scene->range, &scene->copy);
  memcpy(copy->base + ((unsigned char *)scene->there.queue - scene->range.base), scene->there.queue,
         tproc_queue_size(CELLS));
  reaper_process_ended(&copy->view, process, 256 + 9, 1);
  reaper_forget(&copy->view, 1);
  attach_as(copy, &cache, TPROC_OWNER_HOST, 99);
  const struct tproc_party self = party_of(copy, &cache);
  struct tproc_channel_end end = scene->there;
  end.queue = (struct tproc_queue *)(copy->base + ((unsigned char *)end.queue - scene->range.base));
  receive_all(scene, &self, &end, trial);
  if (tproc_channel_leave(&self, &end) != 0) fail_trial(trial, "the channel cannot be closed");
  const struct findings findings = small_range_check(copy);
  const uint64_t left = small_range_blocks(copy, 0);
  if (findings.count > 0 || left != 0)
    fail_trial(trial, "instruction %llu: %llu blocks are left; %s", (unsigned long long)trial->instructions,
               (unsigned long long)left, findings.first);
  trial->checks++;
}

static void set_up(struct scene *scene) {
  memset(scene, 0, sizeof *scene);
  small_range_open(&scene->range, SLICES);
  small_range_open(&scene->copy, SLICES);
  scene->sent = mmap(NULL, sizeof *scene->sent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  attach_as(&scene->range, &scene->host, TPROC_OWNER_HOST, 1);
  const struct tproc_party host = party_of(&scene->range, &scene->host);
  struct tproc_queue *queue = tproc_heap_alloc_slowly(host.view, host.context, tproc_queue_size(CELLS), 64);
  tproc_queue_format(queue, CELLS, 0, 0);
  if (tproc_channel_make(&host, queue, TPROC_ROLE_RECEIVER, &scene->there) != 0) _exit(6);
}

struct trial kill_with_arenas(void) {
  static struct scene scene;
  struct trial trial = {0};
  set_up(&scene);
  step_through(nothing, victim, kill_here, &scene, &trial);
  if (*scene.sent != GRAPHS) fail_trial(&trial, "the victim did not come to its end");
  munmap(scene.sent, sizeof *scene.sent);
  small_range_close(&scene.copy);
  small_range_close(&scene.range);
  return trial;
}
