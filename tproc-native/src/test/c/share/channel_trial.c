#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/channel.h"
#include "shared/heap.h"

#define SLICES 24
#define CELLS 4
#define CHANNELS 3 /* for many; for one sender and one receiver, which the victim is; and the other way round */
#define HOSTS_MESSAGES 3
#define BOTH (TPROC_ROLE_SENDER | TPROC_ROLE_RECEIVER)
#define LARGE 70000

/* What the victim has certainly done; it may have done the next thing, too. Shared. */
struct progress {
  _Atomic uint32_t received[CHANNELS], sent[CHANNELS];
};

struct scene {
  struct small_range range, copy;
  struct tproc_cache host;
  /* The host's ends: for both roles, to send only, and to receive only. */
  struct tproc_channel_end there[CHANNELS];
  struct progress *progress;
};

static void free_block(const struct tproc_party *party, void *block) {
  if (tproc_heap_free(party->view, party->context, block) != 0) _exit(9);
}

static struct tproc_party party_of(const struct small_range *range, struct tproc_cache *cache) {
  return (struct tproc_party){&range->view, cache->token, cache->owner, free_block, cache};
}

/* A message says who sends it, its number, and the size of its block. */
static struct tproc_parcel parcel_of(const struct tproc_party *party, char sender, uint32_t number, size_t size) {
  struct tproc_parcel parcel = {.length = TPROC_CELL_DATA};
  memset(parcel.data, sender, sizeof parcel.data);
  memcpy(parcel.data + 4, &number, sizeof number);
  memcpy(parcel.data + 8, &size, sizeof size);
  if (size == 0) return parcel;
  parcel.block = tproc_heap_alloc(party->view, party->context, size);
  if (parcel.block == NULL) _exit(8);
  memcpy(parcel.block, &number, sizeof number);
  return parcel;
}

static bool is_whole(const struct tproc_party *party, const struct tproc_parcel *parcel, char sender, uint32_t number) {
  size_t size;
  uint32_t found;
  memcpy(&found, parcel->data + 4, sizeof found);
  memcpy(&size, parcel->data + 8, sizeof size);
  if (parcel->length != TPROC_CELL_DATA || parcel->data[0] != (unsigned char)sender || found != number) return false;
  if (parcel->data[TPROC_CELL_DATA - 1] != (unsigned char)sender) return false;
  if (size == 0 || parcel->block == NULL) return size == 0 && parcel->block == NULL;
  return tproc_heap_owner_of(party->view, parcel->block) == party->owner;
}

static const size_t victims_sizes[] = {0, 64, LARGE, 64};

static void make_channel(const struct tproc_party *party, uint32_t flags, uint32_t roles,
                         struct tproc_channel_end *end) {
  struct tproc_queue *queue = tproc_heap_alloc_slowly(party->view, party->context, tproc_queue_size(CELLS), 64);
  if (queue == NULL) _exit(7);
  tproc_queue_format(queue, CELLS, flags, 0);
  if (tproc_channel_make(party, queue, roles, end) != 0) _exit(6);
}

/* ---- the victim ------------------------------------------------------------------------------------------------ */

static void send_messages(struct scene *scene, const struct tproc_party *self, unsigned which,
                          const struct tproc_channel_end *end) {
  struct tproc_parcel parcel;
  int error;
  for (unsigned i = 0; i < CELLS; i++) {
    parcel = parcel_of(self, 'v', i, victims_sizes[i]);
    if (tproc_channel_put_all(self, end, &parcel, 1, &error) != 1) _exit(3);
    atomic_fetch_add(&scene->progress->sent[which], 1);
  }
  if (tproc_channel_put_all(self, end, &parcel, 1, &error) != 0 || error != EINVAL) _exit(10); /* it is in it already */
}

static void pass_messages(struct scene *scene, const struct tproc_party *self, unsigned which,
                          const struct tproc_channel_end *end) {
  struct tproc_parcel parcel;
  int error;
  for (unsigned i = 0; i < HOSTS_MESSAGES; i++) {
    if (tproc_channel_get_all(self, end, &parcel, 1, &error) != 1) _exit(5);
    atomic_fetch_add(&scene->progress->received[which], 1);
    if (parcel.block != NULL && i == 1) free_block(self, parcel.block); /* and one it keeps */
  }
  if (which == 1) return;
  if (tproc_channel_get_all(self, end, &parcel, 1, &error) != 0 || error != EAGAIN) _exit(4);
  send_messages(scene, self, which, end);
}

/* One of its own, with a message in it; and another process's end would be refused. */
static void make_and_end(const struct tproc_party *self) {
  struct tproc_channel_end own, again;
  int error;
  make_channel(self, 0, TPROC_ROLE_SENDER, &own);
  const struct tproc_parcel parcel = parcel_of(self, 'o', 1, 64), second = parcel_of(self, 'o', 2, LARGE);
  if (tproc_channel_join(self, own.id, TPROC_ROLE_RECEIVER, &again) != 0) _exit(11);
  if (tproc_channel_put_all(self, &own, &parcel, 1, &error) != 1) _exit(12);
  if (tproc_channel_put_all(self, &own, &second, 1, &error) != 1) _exit(13);
  if (tproc_channel_leave(self, &again) != 0) _exit(14);
  const struct tproc_parcel third = parcel_of(self, 'o', 3, 0);
  if (tproc_channel_put_all(self, &own, &third, 1, &error) != 0 || error != EPIPE) _exit(15);
  const struct tproc_parcel wrong = {.length = TPROC_CELL_DATA + 1};
  if (tproc_channel_put_all(self, &own, &wrong, 1, &error) != 0 || error != EINVAL) _exit(18);
  const uint64_t id = own.id;
  if (tproc_channel_leave(self, &own) != 0) _exit(16);
  if (tproc_channel_join(self, id, TPROC_ROLE_RECEIVER, &again) != ESTALE) _exit(17);
}

static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  struct tproc_channel_end ends[CHANNELS];
  attach_as(&scene->range, &cache, 0, 1);
  const struct tproc_party self = party_of(&scene->range, &cache);
  for (unsigned i = 0; i < 2; i++) {
    if (tproc_channel_join(&self, scene->there[i].id, i == 0 ? BOTH : TPROC_ROLE_RECEIVER, &ends[i]) != 0) _exit(2);
    pass_messages(scene, &self, i, &ends[i]);
  }
  if (tproc_channel_join(&self, scene->there[2].id, TPROC_ROLE_SENDER, &ends[2]) != 0) _exit(2);
  send_messages(scene, &self, 2, &ends[2]);
  const struct tproc_parcel full = {.length = 1};
  int error;
  if (tproc_channel_put_all(&self, &ends[2], &full, 1, &error) != 0 || error != EAGAIN) _exit(19);
  make_and_end(&self);
  tproc_channel_leave(&self, &ends[0]);
}

/* ---- the survivors --------------------------------------------------------------------------------------------- */

static struct tproc_channel_end on_copy(const struct scene *scene, unsigned which) {
  struct tproc_channel_end end = scene->there[which];
  end.queue = (struct tproc_queue *)(scene->copy.base + ((unsigned char *)end.queue - scene->range.base));
  return end;
}

static const size_t hosts_sizes[HOSTS_MESSAGES] = {0, 64, LARGE};

/* Those of the host that the victim has not received, and then the victim's, in their order. */
static void receive_the_rest(const struct scene *scene, const struct tproc_party *self, unsigned which,
                             const struct tproc_channel_end *end, struct trial *trial) {
  const unsigned long long k = trial->instructions;
  const uint32_t received = scene->progress->received[which], sent = scene->progress->sent[which];
  struct tproc_parcel parcel;
  int error;
  uint32_t hosts = 0, victims = 0, first = HOSTS_MESSAGES;
  while (tproc_channel_get_all(self, end, &parcel, 1, &error) == 1) {
    const bool is_hosts = parcel.data[0] == 'h';
    uint32_t number;
    memcpy(&number, parcel.data + 4, sizeof number);
    if (is_hosts && hosts++ == 0) first = number;
    const uint32_t expected = is_hosts ? first + hosts - 1 : victims++;
    if (!is_whole(self, &parcel, is_hosts ? 'h' : 'v', expected) || (is_hosts && victims > 0))
      fail_trial(trial, "instruction %llu: channel %u: message %c %u is not %u", k, which, parcel.data[0], number,
                 expected);
    if (parcel.block != NULL) free_block(self, parcel.block);
  }
  if (error != EAGAIN && error != EPIPE) fail_trial(trial, "instruction %llu: receiving said %d", k, error);
  const bool all_hosts = hosts + received == HOSTS_MESSAGES || hosts + received + 1 == HOSTS_MESSAGES;
  if (!all_hosts || (victims != sent && victims != sent + 1))
    fail_trial(trial, "instruction %llu: channel %u: %u + %u received, %u of %u + 1 sent", k, which, hosts, received,
               victims, sent);
}

/* As many as there are cells go in, and come out. */
static void fill_and_empty(const struct tproc_party *self, const struct tproc_channel_end *sender,
                           const struct tproc_channel_end *receiver, struct trial *trial) {
  struct tproc_parcel parcel;
  unsigned in = 0, out = 0;
  int error = 0;
  for (;; in++) {
    parcel = parcel_of(self, 's', in, in % 2 == 0 ? 0 : 64);
    if (tproc_channel_put_all(self, sender, &parcel, 1, &error) != 1) break;
  }
  if (parcel.block != NULL) free_block(self, parcel.block);
  while (tproc_channel_get_all(self, receiver, &parcel, 1, &error) == 1) {
    if (!is_whole(self, &parcel, 's', out++)) break;
    if (parcel.block != NULL) free_block(self, parcel.block);
  }
  if (in != CELLS || out != CELLS || error != EAGAIN)
    fail_trial(trial, "instruction %llu: %u messages went in, and %u came out (%d)",
               (unsigned long long)trial->instructions, in, out, error);
}

/* Where the victim alone received, sending ends with it; until another receives. */
static void expect_pipe_broken(const struct tproc_party *self, const struct tproc_channel_end *end,
                               struct trial *trial) {
  const struct tproc_parcel parcel = parcel_of(self, 's', 0, 0);
  int error = 0;
  if (tproc_channel_put_all(self, end, &parcel, 1, &error) != 0 || error != EPIPE)
    fail_trial(trial, "instruction %llu: sending to nobody said %d", (unsigned long long)trial->instructions, error);
}

static uint32_t open_channels(const struct small_range *range) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < range->view.channel_count; i++)
    count += (range->view.channels[i].state & 15) != TPROC_CHANNEL_FREE;
  return count;
}

static void copy_queues(const struct small_range *from, struct small_range *to) {
  for (uint32_t i = 0; i < from->view.channel_count; i++) {
    const uint64_t offset = from->view.channels[i].queue;
    if (offset != 0) memcpy(to->base + offset, from->base + offset, tproc_queue_size(CELLS));
  }
}

static void work_on(struct scene *scene, const struct tproc_party *self, bool was_peer, struct trial *trial) {
  struct tproc_channel_end many = on_copy(scene, 0), one = on_copy(scene, 1), other = on_copy(scene, 2);
  struct tproc_channel_end receiver, sender;
  const unsigned long long k = trial->instructions;
  receive_the_rest(scene, self, 0, &many, trial);
  fill_and_empty(self, &many, &many, trial);
  if (was_peer) expect_pipe_broken(self, &one, trial);
  if (tproc_channel_join(self, one.id, TPROC_ROLE_RECEIVER, &receiver) != 0) {
    fail_trial(trial, "instruction %llu: the channel of the dead cannot be opened", k);
    return;
  }
  receive_the_rest(scene, self, 1, &receiver, trial);
  fill_and_empty(self, &one, &receiver, trial);
  receive_the_rest(scene, self, 2, &other, trial);
  if (tproc_channel_join(self, other.id, TPROC_ROLE_SENDER, &sender) != 0) {
    fail_trial(trial, "instruction %llu: the dead one's place as a sender cannot be taken", k);
    return;
  }
  fill_and_empty(self, &sender, &other, trial);
  if (tproc_channel_leave(self, &other) != 0 || tproc_channel_leave(self, &sender) != 0)
    fail_trial(trial, "instruction %llu: the third channel cannot be closed", k);
  if (tproc_channel_leave(self, &many) != 0 || tproc_channel_leave(self, &one) != 0 ||
      tproc_channel_leave(self, &receiver) != 0)
    fail_trial(trial, "instruction %llu: a channel cannot be closed", k);
}

static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  static struct tproc_cache cache;
  const struct small_range *copy = &scene->copy;
  const unsigned long long k = trial->instructions;
  small_range_copy(&scene->range, &scene->copy);
  copy_queues(&scene->range, &scene->copy);
  struct tproc_channel_entry *entry = tproc_channel_entry(&copy->view, scene->there[0].id);
  const bool was_peer = tproc_channel_count(&copy->view, scene->there[1].id, TPROC_ROLE_RECEIVER) > 0;
  const bool was_in_first = tproc_channel_count(&copy->view, scene->there[0].id, BOTH) > 1;
  const uint32_t event = entry->sent |= 1; /* a thread waits for a message */
  reaper_process_ended(&copy->view, process, 256 + 9, 1);
  reaper_forget(&copy->view, 1);
  if (was_in_first && entry->sent == event) fail_trial(trial, "instruction %llu: no thread was told", k);
  if (tproc_channel_count(&copy->view, scene->there[0].id, BOTH) != 1 || open_channels(copy) != CHANNELS)
    fail_trial(trial, "instruction %llu: %u channels are open, and %u ends of the first", k, open_channels(copy),
               tproc_channel_count(&copy->view, scene->there[0].id, BOTH));
  attach_as(copy, &cache, TPROC_OWNER_HOST, 99);
  const struct tproc_party self = party_of(copy, &cache);
  work_on(scene, &self, was_peer, trial);
  const struct findings findings = small_range_check(copy);
  const uint64_t left = small_range_blocks(copy, 0);
  if (findings.count > 0) fail_trial(trial, "instruction %llu: %s", k, findings.first);
  if (left != 0 || open_channels(copy) != 0)
    fail_trial(trial, "instruction %llu: %llu blocks and %u channels are left", k, (unsigned long long)left,
               open_channels(copy));
  trial->checks++;
}

/* So that its cells have been in use: one before the host has sent and gone. */
static void use_once(const struct tproc_party *host, const struct tproc_channel_end *end) {
  struct tproc_channel_end sender;
  struct tproc_parcel parcel = parcel_of(host, 'h', 0, 0);
  int error;
  if (tproc_channel_join(host, end->id, TPROC_ROLE_SENDER, &sender) != 0) _exit(20);
  for (unsigned i = 0; i < CELLS - 1; i++)
    if (tproc_channel_put_all(host, &sender, &parcel, 1, &error) != 1) _exit(21);
  for (unsigned i = 0; i < CELLS - 1; i++)
    if (tproc_channel_get_all(host, end, &parcel, 1, &error) != 1) _exit(22);
  if (tproc_channel_leave(host, &sender) != 0) _exit(23);
}

static void set_up(struct scene *scene) {
  memset(scene, 0, sizeof *scene);
  small_range_open(&scene->range, SLICES);
  small_range_open(&scene->copy, SLICES);
  scene->progress = mmap(NULL, sizeof *scene->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  attach_as(&scene->range, &scene->host, TPROC_OWNER_HOST, 1);
  const struct tproc_party host = party_of(&scene->range, &scene->host);
  make_channel(&host, 0, BOTH, &scene->there[0]);
  make_channel(&host, TPROC_QUEUE_ONE_SENDER | TPROC_QUEUE_ONE_RECEIVER, TPROC_ROLE_SENDER, &scene->there[1]);
  make_channel(&host, TPROC_QUEUE_ONE_SENDER | TPROC_QUEUE_ONE_RECEIVER, TPROC_ROLE_RECEIVER, &scene->there[2]);
  use_once(&host, &scene->there[2]);
  scene->progress->received[2] = HOSTS_MESSAGES; /* there are none */
  for (unsigned i = 0; i < 2; i++)
    for (unsigned number = 0; number < HOSTS_MESSAGES; number++) {
      const struct tproc_parcel parcel = parcel_of(&host, 'h', number, hosts_sizes[number]);
      int error;
      if (tproc_channel_put_all(&host, &scene->there[i], &parcel, 1, &error) != 1) _exit(1);
    }
}

static void tear_down(struct scene *scene) {
  munmap(scene->progress, sizeof *scene->progress);
  small_range_close(&scene->copy);
  small_range_close(&scene->range);
}

struct trial kill_with_channels(void) {
  static struct scene scene;
  struct trial trial = {0};
  set_up(&scene);
  step_through(nothing, victim, kill_here, &scene, &trial);
  if (scene.progress->sent[0] != CELLS || scene.progress->sent[2] != CELLS)
    fail_trial(&trial, "the victim did not come to its end");
  tear_down(&scene);
  return trial;
}
