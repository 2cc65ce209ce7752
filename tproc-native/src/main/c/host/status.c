/* Who lives in this host, and how much memory each has. */
#include "host/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/page.h"
#include "base/process_state.h"
#include "host/host.h"
#include "host/threadproc.h"

/* proc_pid_pagemap(5): 8 bytes for each page; bit 63: in memory. */
#define PRESENT (1ull << 63)
#define ENTRIES_AT_ONCE 512
#define PAGES_READ_MAX (16u << 20) /* 64 GiB of 4-KiB pages: a tenth of a second */

struct ranges {
  struct address_range *entries;
  size_t count, room;
};

static bool note(const struct mapping *mapping, void *context) {
  struct ranges *ranges = context;
  if (!mapping->readable && !mapping->writable && !mapping->executable) return true;
  if (ranges->count == ranges->room) {
    const size_t room = ranges->room == 0 ? 64 : 2 * ranges->room;
    struct address_range *grown = realloc(ranges->entries, room * sizeof *grown);
    if (grown == NULL) return false; /* then less is reported, which is better than nothing */
    ranges->entries = grown;
    ranges->room = room;
  }
  ranges->entries[ranges->count++] = mapping->range;
  return true;
}

#define REGIONS_AT_ONCE 256
#define SCANNED_AT_ONCE (4ull << 30)

/* Passes over what is only reserved: terabytes in microseconds. In bytes; false: the kernel cannot. */
static bool scan_present(int pagemap, struct address_range range, uint64_t *present) {
  struct compat_pagemap_region regions[REGIONS_AT_ONCE];
  *present = 0;
  while (range.low < range.high) {
    struct compat_pagemap_scan scan = {
        .size = sizeof scan,
        .start = range.low,
        .end = range_size(range) < SCANNED_AT_ONCE ? range.high : range.low + SCANNED_AT_ONCE,
        .regions = (uint64_t)regions,
        .region_count = REGIONS_AT_ONCE,
        .all_of = COMPAT_PAGE_IS_PRESENT,
        .returned = COMPAT_PAGE_IS_PRESENT};
    const int found = ioctl(pagemap, COMPAT_PAGEMAP_SCAN, &scan);
    if (found < 0 || scan.walk_end <= range.low) return false;
    for (int i = 0; i < found; i++) *present += regions[i].end - regions[i].start;
    range.low = scan.walk_end;
  }
  return true;
}

/* Before Linux 6.7: page by page, as far as the budget goes, since a list may not take a minute. */
static uint64_t read_present(int pagemap, struct address_range range, uint64_t *budget) {
  uint64_t entries[ENTRIES_AT_ONCE], count = 0;
  const uint64_t end = range.high / page_size();
  for (uint64_t at = range.low / page_size(); *budget > 0 && at < end;) {
    const uint64_t wanted = end - at < ENTRIES_AT_ONCE ? end - at : ENTRIES_AT_ONCE;
    const ssize_t got = pread(pagemap, entries, wanted * sizeof *entries, (off_t)(at * sizeof *entries));
    if (got < (ssize_t)sizeof *entries) break;
    const uint64_t read = (uint64_t)got / sizeof *entries;
    for (uint64_t i = 0; i < read; i++) count += (entries[i] & PRESENT) != 0;
    at += read;
    *budget -= read < *budget ? read : *budget;
  }
  return count * page_size();
}

static uint64_t count_present(int pagemap, struct address_range range, uint64_t *budget) {
  uint64_t present;
  return scan_present(pagemap, range, &present) ? present : read_present(pagemap, range, budget);
}

/* The threadproc's calls wait for the visit, so the pages are counted after it. */
void status_measure(struct memory *memory, int pagemap, uint64_t *mapped, uint64_t *resident) {
  struct ranges ranges = {0};
  uint64_t budget = PAGES_READ_MAX;
  memory_visit(memory, note, &ranges);
  for (size_t i = 0; i < ranges.count; i++) {
    *mapped += range_size(ranges.entries[i]);
    if (pagemap >= 0) *resident += count_present(pagemap, ranges.entries[i], &budget);
  }
  free(ranges.entries);
}

/* Under the threadproc's lock: its pid is its own until the exit is collected. */
static enum tproc_state state_of(const struct tproc_threadproc *threadproc) {
  siginfo_t info = {0};
  if (threadproc->collected) return TPROC_ENDED;
  const int result = waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
  const bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED; /* told of one that is traced */
  if (result != 0 || (info.si_pid != 0 && !stopped)) return TPROC_ENDED;
  if (threadproc->listener != NULL && broker_look_for_exec(threadproc->listener) == TPROC_EXEC_LEFT) return TPROC_LEFT;
  const char letter = process_state(threadproc->pid);
  return letter == 'T' || letter == 't' ? TPROC_STOPPED : TPROC_RUNNING;
}

struct looking {
  struct tproc_threadproc *threadproc;
  struct tproc_status *status;
};

static void look(void *argument) {
  const struct looking *looking = argument;
  struct tproc_threadproc *threadproc = looking->threadproc;
  pthread_mutex_lock(&threadproc->lock);
  looking->status->state = state_of(threadproc);
  looking->status->uptime = launch_info_uptime(&threadproc->info);
  pthread_mutex_unlock(&threadproc->lock);
}

static void describe(struct tproc_threadproc *threadproc, int pagemap, struct tproc_status *status) {
  const struct launch_info *info = &threadproc->info;
  *status = (struct tproc_status){.pid = threadproc->pid,
                                  .launcher = info->client.pid,
                                  .uid = info->client.uid,
                                  .started_at = info->started_at,
                                  .command = info->command,
                                  .command_size = info->command_size,
                                  .argument_count = info->argument_count,
                                  .command_cut = info->command_cut};
  struct looking looking = {threadproc, status};
  executor_call(&threadproc->host->executor, look, &looking);
  status_measure(&threadproc->memory, pagemap, &status->mapped, &status->resident);
}

void tproc_host_list(struct tproc_host *host, tproc_status_visitor *visit, void *context) {
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  struct tproc_threadproc *each = host_pin_next(host, NULL);
  while (each != NULL) {
    struct tproc_status status;
    describe(each, pagemap, &status);
    if (visit(&status, context) == 0) {
      host_unpin(host, each);
      break;
    }
    each = host_pin_next(host, each);
  }
  if (pagemap >= 0) close(pagemap);
}
