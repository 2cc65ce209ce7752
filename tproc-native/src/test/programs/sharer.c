/*
 * A program that uses the shared heap as the test says: it is given the address of a struct sharer_report, and words of
 * what to do, one after the other. libtproc is compiled in.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tproc.h>
#include <unistd.h>

#include "report.h"

static struct sharer_report *report;

static void note(void *block) { report->blocks[report->count++] = (uint64_t)(uintptr_t)block; }

static void allocate(size_t size) {
  char *block = tproc_alloc(size);
  if (block == NULL) exit(10);
  memset(block, 'p', size);
  note(block);
}

static void stop_here(void) {
  __atomic_store_n(&report->stopped, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &report->stopped, FUTEX_WAKE, 1, NULL, NULL, 0);
  for (;;) pause();
}

/* The child sees none of the host's own memory, so not the report: it leaves word in the first block. */
static void in_child(void) {
  void **mailbox = (void **)(uintptr_t)report->blocks[0];
  const pid_t child = fork();
  if (child == 0) {
    mailbox[0] = tproc_alloc(100);
    _exit(mailbox[0] != NULL && tproc_owner_of(mailbox[0]) == getpid() ? 0 : 1);
  }
  int status = -1;
  if (waitpid(child, &status, 0) != child || status != 0) exit(11);
  report->child = child;
  note(mailbox[0]);
}

/* Of the host's own memory a child sees nothing, so not the report: it finds this in the first block. */
struct mailbox {
  struct tproc_mutex mutex;
  uint32_t ready; /* 1: the child has done its part */
  void *block;    /* the child's */
};

static void await_child(struct mailbox *mailbox) {
  while (__atomic_load_n(&mailbox->ready, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &mailbox->ready, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void tell_parent(struct mailbox *mailbox) {
  __atomic_store_n(&mailbox->ready, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &mailbox->ready, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* A child that has a block and the mutex, and lives until it is killed. Its own child instead, in a pid namespace. */
static pid_t fork_holder(struct mailbox *mailbox, int apart) {
  if (apart && unshare(CLONE_NEWPID) != 0) exit(77);
  mailbox->ready = 0;
  const pid_t child = fork();
  if (child == 0) {
    mailbox->block = tproc_alloc(100);
    if (mailbox->block == NULL || tproc_mutex_lock(&mailbox->mutex) != 0) _exit(1);
    tell_parent(mailbox);
    for (;;) pause();
  }
  if (child < 0) exit(13);
  await_child(mailbox);
  report->child = child;
  note(mailbox->block);
  return child;
}

/* It dies with the mutex, which goes to the parent. */
static void outlive_holder(struct mailbox *mailbox) {
  const pid_t child = fork_holder(mailbox, 0);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  const int locked = tproc_mutex_lock(&mailbox->mutex);
  if (locked != EOWNERDEAD) exit(locked == 0 ? 14 : locked);
  if (tproc_mutex_consistent(&mailbox->mutex) != 0 || tproc_mutex_unlock(&mailbox->mutex) != 0) exit(15);
}

/* Children that come, allocate and go at once, so that there may be none any more when the host looks. */
static void fork_many(long count) {
  for (long i = 0; i < count; i++) {
    const pid_t child = fork();
    if (child == 0) _exit(tproc_alloc(1000) != NULL ? 0 : 1);
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) exit(16);
  }
}

/* So many rounds, at a barrier that lies in the first block: ends with how many of them were broken. */
static void pass_rounds(long rounds) {
  struct tproc_barrier *barrier = (struct tproc_barrier *)(uintptr_t)report->blocks[0];
  int broken = 0;
  for (long i = 0; i < rounds; i++) {
    const int result = tproc_barrier_wait(barrier, NULL);
    if (result == ECANCELED)
      broken++;
    else if (result != 0 && result != TPROC_BARRIER_SERIAL)
      exit(result);
    report->count++;
  }
  if (broken > 0) exit(200 + broken);
}

/* Adds to the second word of the first block under the mutex in it, until the third says enough. */
static void await_enough(void) {
  struct {
    struct tproc_mutex mutex;
    struct tproc_cond changed;
    uint32_t made, enough;
  } *shared = (void *)(uintptr_t)report->blocks[0];
  if (tproc_mutex_lock(&shared->mutex) != 0) exit(40);
  shared->made++;
  tproc_cond_broadcast(&shared->changed);
  while (shared->made < shared->enough) {
    const int result = tproc_cond_wait(&shared->changed, &shared->mutex, NULL);
    if (result != 0 && result != EOWNERDEAD) exit(result);
    if (result == EOWNERDEAD) tproc_mutex_consistent(&shared->mutex);
  }
  if (tproc_mutex_unlock(&shared->mutex) != 0) exit(41);
  if (tproc_cond_wait(&shared->changed, &shared->mutex, NULL) != EPERM) exit(42);
}

static void act_with_others(const char *what) {
  if (strncmp(what, "rounds=", 7) == 0) pass_rounds(strtol(what + 7, NULL, 10));
  if (strcmp(what, "leave") == 0) {
    const int failed = tproc_barrier_leave((struct tproc_barrier *)(uintptr_t)report->blocks[0]);
    if (failed != 0) exit(failed);
  }
  if (strcmp(what, "enough") == 0) await_enough();
}

static void act_with_children(const char *what) {
  struct mailbox *mailbox = (struct mailbox *)(uintptr_t)report->blocks[0];
  if (strcmp(what, "outlive") == 0) outlive_holder(mailbox);
  if (strcmp(what, "holder") == 0) fork_holder(mailbox, 0);
  if (strcmp(what, "apart") == 0) fork_holder(mailbox, 1);
  if (strncmp(what, "forks=", 6) == 0) fork_many(strtol(what + 6, NULL, 10));
}

/* "lock": keeps it. "lock=N": N times, counting in the words after it, the second of which follows the first. */
static void lock_in(void *block, const char *times) {
  struct tproc_mutex *mutex = block;
  volatile uint64_t *pair = (uint64_t *)block + 1;
  const unsigned long rounds = *times == '=' ? strtoul(times + 1, NULL, 10) : 1;
  for (unsigned long i = 0; i < rounds; i++) {
    const int result = tproc_mutex_lock(mutex);
    if (result == EOWNERDEAD) {
      pair[1] = pair[0];
      pair[2]++;
      if (tproc_mutex_consistent(mutex) != 0) exit(21);
    } else if (result != 0) {
      exit(20);
    }
    if (pair[0] != pair[1]) exit(22);
    if (*times != '=') return;
    pair[0]++;
    pair[1]++;
    if (tproc_mutex_unlock(mutex) != 0) exit(23);
  }
}

/* The first block, under a name. */
static void publish(const char *name, uint32_t flags) {
  struct tproc_entry entry = {
      .type = "trial/1", .address = (void *)(uintptr_t)report->blocks[0], .size = 64, .version = 3, .flags = flags};
  snprintf(entry.name, sizeof entry.name, "%s", name);
  const int failed = tproc_publish(&entry);
  if (failed != 0) exit(failed);
  struct tproc_entry found;
  if (tproc_lookup(name, "trial/1", &found) != 0 || found.id != entry.id || found.pid != getpid()) exit(30);
}

/* Waits for a name, and notes its block. */
static void await_name(const char *name) {
  struct tproc_entry found;
  const int failed = tproc_await(name, "trial/1", NULL, &found);
  if (failed != 0) exit(failed);
  note(found.address);
}

/* Until who has published it has gone; ends with how it ended. */
static void watch_name(const char *name) {
  struct tproc_entry found;
  if (tproc_lookup(name, NULL, &found) != 0) exit(31);
  __atomic_store_n(&report->stopped, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &report->stopped, FUTEX_WAKE, 1, NULL, NULL, 0);
  if (tproc_watch(&found, NULL) != 0) exit(32);
  exit(found.state == TPROC_ENTRY_ENDED ? found.status % 256 : 100);
}

static void withdraw_name(const char *name) {
  struct tproc_entry found;
  if (tproc_lookup(name, NULL, &found) != 0) exit(33);
  const int failed = tproc_withdraw(&found);
  if (failed != 0) exit(failed);
  if (tproc_withdraw(&found) != ESTALE || tproc_lookup(name, NULL, &found) != ENOENT) exit(34);
}

/* How many names there are; what they are is exit's business. */
static void list_names(void) {
  struct tproc_entry each;
  int count = 0;
  for (uint32_t place = 0; tproc_list(&place, &each) == 0;) count++;
  exit(count);
}

static void act_by_name(const char *what) {
  if (strncmp(what, "publish=", 8) == 0) publish(what + 8, 0);
  if (strncmp(what, "keep=", 5) == 0) publish(what + 5, TPROC_ENTRY_KEPT);
  if (strncmp(what, "await=", 6) == 0) await_name(what + 6);
  if (strncmp(what, "watch=", 6) == 0) watch_name(what + 6);
  if (strncmp(what, "withdraw=", 9) == 0) withdraw_name(what + 9);
  if (strcmp(what, "list") == 0) list_names();
}

static void act(const char *what) {
  void *first = (void *)(uintptr_t)report->blocks[0];
  if (strncmp(what, "alloc=", 6) == 0) allocate(strtoul(what + 6, NULL, 10));
  if (strcmp(what, "free") == 0) tproc_free(first);
  if (strcmp(what, "give") == 0) exit(tproc_give(first, TPROC_HOST) == 0 ? 0 : 12);
  if (strcmp(what, "stop") == 0) stop_here();
  if (strncmp(what, "lock", 4) == 0) lock_in(first, what + 4);
  if (strcmp(what, "fork") == 0) in_child();
  if (strcmp(what, "errno") == 0) {
    const void *block = tproc_alloc(1);
    exit(block == NULL ? errno : 0);
  }
}

int main(int argc, char **argv) {
  report = (struct sharer_report *)(uintptr_t)strtoull(argv[1], NULL, 16); /* NOLINT */
  for (int i = 2; i < argc; i++) {
    act(argv[i]);
    act_by_name(argv[i]);
    act_with_others(argv[i]);
    act_with_children(argv[i]);
  }
  return 0;
}
