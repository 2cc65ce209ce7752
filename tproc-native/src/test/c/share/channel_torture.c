#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/channel.h"
#include "shared/heap.h"

#define SLICES 1024
#define CELLS 8
#define IDS (1u << 22)
#define WORKERS_MAX 16

struct scene {
  struct small_range range;
  struct tproc_channel_end host;
  struct tproc_cache cache; /* the host's */
  _Atomic uint32_t next, delivered, errors;
  char first_error[100];
  _Atomic uint8_t seen[IDS];
};

static void complain(struct scene *scene, const char *what) {
  if (atomic_fetch_add(&scene->errors, 1) == 0) snprintf(scene->first_error, sizeof scene->first_error, "%s", what);
}

static void free_block(const struct tproc_party *party, void *block) {
  if (tproc_heap_free(party->view, party->context, block) != 0) abort();
}

static struct tproc_party party_of(struct scene *scene, struct tproc_cache *cache) {
  return (struct tproc_party){&scene->range.view, cache->token, cache->owner, free_block, cache};
}

/* One or several at once; sleeps until it is one. */
static size_t pass(const struct tproc_party *self, const struct tproc_channel_end *end, bool out,
                   struct tproc_parcel *parcels, size_t count, int *error) {
  const struct tproc_waiter waiter = {self->view, self->token};
  struct tproc_channel_entry *entry = tproc_channel_entry(self->view, end->id);
  _Atomic uint32_t *event = out ? &entry->received : &entry->sent;
  for (;;) {
    const uint32_t key = tproc_event_announce(event);
    const size_t passed = out ? tproc_channel_put_all(self, end, parcels, count, error)
                              : tproc_channel_get_all(self, end, parcels, count, error);
    if (passed > 0 || *error != EAGAIN) return passed;
    tproc_event_sleep(event, key, &waiter, NULL);
  }
}

static bool make(struct scene *scene, const struct tproc_party *self, struct tproc_parcel *parcel) {
  const uint32_t id = atomic_fetch_add(&scene->next, 1);
  *parcel = (struct tproc_parcel){.length = sizeof id};
  if (id >= IDS) return false;
  memcpy(parcel->data, &id, sizeof id);
  parcel->block = tproc_heap_alloc(self->view, self->context, id % 64 == 0 ? 70000 : 16 + id % 300);
  if (parcel->block == NULL) complain(scene, "the heap is full");
  if (parcel->block != NULL) memcpy(parcel->block, &id, sizeof id);
  return parcel->block != NULL;
}

static void deliver(struct scene *scene, const struct tproc_party *self, const struct tproc_parcel *parcel) {
  uint32_t id = IDS, in_block;
  memcpy(&id, parcel->data, sizeof id);
  if (parcel->block == NULL || parcel->length != sizeof id || id >= IDS) {
    complain(scene, "a message is torn");
    return;
  }
  memcpy(&in_block, parcel->block, sizeof in_block);
  if (in_block != id || tproc_heap_owner_of(self->view, parcel->block) != self->owner)
    complain(scene, "a block is not the message's, or not the receiver's");
  if (atomic_fetch_add(&scene->seen[id], 1) != 0) complain(scene, "a message came twice");
  atomic_fetch_add(&scene->delivered, 1);
  free_block(self, parcel->block);
}

static _Noreturn void work(struct scene *scene, bool sends) {
  static struct tproc_cache cache;
  struct tproc_channel_end end;
  struct tproc_parcel parcels[3];
  int error;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  attach_as(&scene->range, &cache, 0, 1);
  const struct tproc_party self = party_of(scene, &cache);
  if (tproc_channel_join(&self, scene->host.id, sends ? TPROC_ROLE_SENDER : TPROC_ROLE_RECEIVER, &end) != 0) abort();
  for (unsigned round = 0;; round++) {
    size_t count = 1;
    if (sends) {
      if (!make(scene, &self, parcels)) pause();
      if (pass(&self, &end, true, parcels, 1, &error) != 1) complain(scene, "sending failed");
      continue;
    }
    count = pass(&self, &end, false, parcels, 1 + round % 3, &error);
    if (count == 0) complain(scene, "receiving failed");
    for (size_t i = 0; i < count; i++) deliver(scene, &self, &parcels[i]);
  }
}

static pid_t start(struct scene *scene, unsigned worker) {
  fflush(NULL);
  const pid_t process = fork();
  if (process == 0) work(scene, worker % 2 == 0);
  return process;
}

static void end(struct scene *scene, pid_t process, struct trial *trial) {
  int status;
  kill(process, SIGKILL);
  waitpid(process, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail_trial(trial, "a worker ended with %x", status);
  reaper_process_ended(&scene->range.view, process, 256 + SIGKILL, 1);
  reaper_forget(&scene->range.view, 1);
}

/* Each that was killed may have held one message it was to send, or three that it had received. */
static void judge(struct scene *scene, const struct tproc_party *host, unsigned kills, struct trial *trial) {
  struct tproc_parcel parcel;
  int error;
  while (tproc_channel_get_all(host, &scene->host, &parcel, 1, &error) == 1) deliver(scene, host, &parcel);
  if (error != EAGAIN) fail_trial(trial, "receiving the rest said %d", error);
  if (tproc_channel_leave(host, &scene->host) != 0) fail_trial(trial, "the channel cannot be closed");
  const struct findings findings = small_range_check(&scene->range);
  const uint64_t left = small_range_blocks(&scene->range, 0);
  const uint32_t made = scene->next < IDS ? scene->next : IDS;
  if (scene->errors > 0) fail_trial(trial, "%s", scene->first_error);
  if (findings.count > 0) fail_trial(trial, "%s", findings.first);
  if (left != 0) fail_trial(trial, "%llu blocks are left", (unsigned long long)left);
  if (made - scene->delivered > 3 * kills) fail_trial(trial, "%u of %u were delivered", scene->delivered, made);
  trial->instructions = scene->delivered;
}

struct trial channel_torture(unsigned kills, unsigned workers, uint64_t seed) {
  struct trial trial = {0};
  pid_t process[WORKERS_MAX];
  struct scene *scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (scene == MAP_FAILED || workers > WORKERS_MAX) abort();
  small_range_open(&scene->range, SLICES);
  attach_as(&scene->range, &scene->cache, TPROC_OWNER_HOST, 1);
  const struct tproc_party host = party_of(scene, &scene->cache);
  struct tproc_queue *queue = tproc_heap_alloc_slowly(host.view, &scene->cache, tproc_queue_size(CELLS), 64);
  tproc_queue_format(queue, CELLS, 0, 0);
  if (tproc_channel_make(&host, queue, TPROC_ROLE_SENDER | TPROC_ROLE_RECEIVER, &scene->host) != 0) abort();
  for (unsigned i = 0; i < workers; i++) process[i] = start(scene, i);
  for (unsigned k = 0; k < kills && scene->errors == 0; k++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    usleep((unsigned)(seed >> 33) % 3000); /* where the kill falls is chance */
    const unsigned victim = (unsigned)(seed >> 50) % workers;
    end(scene, process[victim], &trial);
    process[victim] = start(scene, victim);
  }
  for (unsigned i = 0; i < workers; i++) end(scene, process[i], &trial);
  judge(scene, &host, kills + workers, &trial);
  tproc_cache_detach(host.view, &scene->cache);
  small_range_close(&scene->range);
  munmap(scene, sizeof *scene);
  return trial;
}
