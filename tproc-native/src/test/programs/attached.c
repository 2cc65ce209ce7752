/*
 * An ordinary process that takes part in a host's shared heap:  attached SOCKET WHAT NAME
 *
 * The block of the name begins with a mutex and two counters of 8 bytes. libtproc is compiled in.
 *
 *   count   adds 1000 to both counters, each time under the mutex
 *   hold    has the mutex and a block of its own, whose address it writes to the second counter, and waits
 *   twice   attaches a second time
 *   fork    a child does "count"
 * Ends with the error number of what has failed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tproc.h>
#include <unistd.h>

struct counters {
  struct tproc_mutex mutex;
  uint64_t first, second;
};

static void check(int failed) {
  if (failed != 0) exit(failed);
}

static struct counters *find(const char *name) {
  struct tproc_entry entry;
  check(tproc_await(name, NULL, NULL, &entry));
  return entry.address;
}

static void count(struct counters *counters) {
  for (int i = 0; i < 1000; i++) {
    check(tproc_mutex_lock(&counters->mutex));
    counters->first++;
    counters->second++;
    check(tproc_mutex_unlock(&counters->mutex));
  }
}

static void hold(struct counters *counters) {
  void *block = tproc_alloc(100);
  if (block == NULL) exit(errno);
  if (tproc_owner_of(block) != getpid()) exit(201);
  check(tproc_mutex_lock(&counters->mutex));
  __atomic_store_n(&counters->second, (uint64_t)(uintptr_t)block, __ATOMIC_RELEASE);
  for (;;) pause();
}

static void count_in_child(struct counters *counters) {
  const pid_t child = fork();
  if (child == 0) {
    count(counters);
    _exit(0);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) exit(202);
}

int main(int argc, char **argv) {
  if (argc != 4) return 200;
  if (tproc_is_threadproc() == 0) check(tproc_attach(argv[1]));
  struct counters *counters = find(argv[3]);
  if (strcmp(argv[2], "count") == 0) count(counters);
  if (strcmp(argv[2], "hold") == 0) hold(counters);
  if (strcmp(argv[2], "twice") == 0) check(tproc_attach(argv[1]));
  if (strcmp(argv[2], "fork") == 0) count_in_child(counters);
  return 0;
}
