#include "share/range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/page.h"

#define HEAP_SIZE_MAX (64ull << 30)

#define OWNER_COUNT 65536u
#define THREAD_COUNT (1u << TPROC_TOKEN_RECORD_BITS)
#define SLICES_MAX (1u << 30)

/* Of all tables, so that none shares a page of any machine with another. */
#define TABLE_ALIGNMENT 65536u

static void lay_out(struct tproc_share *share, const struct shared_range_counts *counts) {
  *share = (struct tproc_share){.magic = TPROC_SHARE_MAGIC,
                                .version = TPROC_SHARE_VERSION,
                                .header_size = sizeof *share,
                                .owner_count = counts->owners,
                                .thread_count = counts->threads,
                                .board_count = counts->names,
                                .channel_count = counts->channels,
                                .account_count = counts->accounts,
                                .slice_count = counts->slices,
                                .page_size = (uint32_t)page_size()};
  uint64_t at = TABLE_ALIGNMENT;
  share->owners = at;
  at = align_up(at + counts->owners * sizeof(struct tproc_owner), TABLE_ALIGNMENT);
  share->threads = at;
  at = align_up(at + counts->threads * sizeof(struct tproc_thread_record), TABLE_ALIGNMENT);
  share->board = at;
  at = align_up(at + counts->names * sizeof(struct tproc_board_entry), TABLE_ALIGNMENT);
  share->channels = at;
  at = align_up(at + counts->channels * sizeof(struct tproc_channel_entry), TABLE_ALIGNMENT);
  share->accounts = at;
  at = align_up(at + counts->accounts * sizeof(struct tproc_account), SHARED_RANGE_ALIGNMENT);
  share->slices = at;
  at = align_up(at + (uint64_t)counts->slices * sizeof(struct tproc_slice), SHARED_RANGE_ALIGNMENT);
  share->tags = at;
  at = align_up(at + (uint64_t)counts->slices * TPROC_TAG_STRIDE * sizeof(uint16_t), SHARED_RANGE_ALIGNMENT);
  share->data = at;
  share->size = at + (uint64_t)counts->slices * TPROC_SLICE_SIZE;
}

uint64_t shared_range_size(const struct shared_range_counts *counts) {
  struct tproc_share share;
  lay_out(&share, counts);
  return share.size;
}

void shared_range_format(void *base, const struct shared_range_counts *counts) {
  struct tproc_share *share = base;
  lay_out(share, counts);
  share->base = (uint64_t)base;
  share->host_pid = getpid();
  struct tproc_owner *owners = (struct tproc_owner *)((char *)base + share->owners);
  atomic_store(&share->owners_high, TPROC_OWNER_CHANNELS + 1);
  atomic_store(&owners[TPROC_OWNER_HOST].pid, getpid());
  atomic_store(&owners[TPROC_OWNER_CHANNELS].pid, getpid());
}

/* A larger one would be no use: the machine's memory is what there is. */
static uint64_t default_size(const struct slot_space *slots) {
  struct sysinfo info;
  uint64_t size = slots->slot_size * 8192 / 1024;
  if (size > HEAP_SIZE_MAX) size = HEAP_SIZE_MAX;
  if (sysinfo(&info) == 0 && (uint64_t)info.totalram * info.mem_unit < size)
    size = (uint64_t)info.totalram * info.mem_unit;
  return size;
}

static int create_file(uint64_t size, struct tproc_error *error) {
  int file = memfd_create("tproc-share", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (file < 0 && errno == EINVAL) file = memfd_create("tproc-share", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return tproc_fail(error, errno, "memfd_create");
  struct rlimit limit; /* beyond it ftruncate would raise SIGXFSZ */
  const bool allowed = getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
  if (allowed && ftruncate(file, (off_t)size) == 0) {
    /* Processes that attach have the descriptor: one that makes the file shorter would kill all others (SIGBUS). */
    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return file;
  }
  const int code = allowed ? errno : EFBIG;
  close(file);
  return tproc_fail(error, code, "make a memfd of %llu MiB (ulimit -f)", (unsigned long long)(size >> 20));
}

static int map(struct shared_range *range, uint64_t size, struct tproc_error *error) {
  void *mapped = mmap((void *)range->places.low, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
                      range->file, 0); /* over what keeps the place */
  if (mapped == MAP_FAILED) {
    const int code = errno;
    munmap((void *)range->places.low, size);
    return tproc_fail(error, code, "map a memfd of %llu MiB", (unsigned long long)(size >> 20));
  }
  /* A core dump would read every page of it, and by that make it. */
  madvise(mapped, size, MADV_DONTDUMP);
  return 0;
}

int shared_range_open(struct shared_range *range, struct slot_space *slots, uint64_t heap_size,
                      struct tproc_error *error) {
  if (heap_size == 0) heap_size = default_size(slots);
  const uint64_t wanted = heap_size / TPROC_SLICE_SIZE + 1; /* the first is never used */
  const struct shared_range_counts counts = {.owners = OWNER_COUNT,
                                             .threads = THREAD_COUNT,
                                             .names = TPROC_BOARD_COUNT,
                                             .channels = TPROC_CHANNEL_COUNT,
                                             .accounts = TPROC_ACCOUNT_COUNT,
                                             .slices = wanted < SLICES_MAX ? (uint32_t)wanted : SLICES_MAX};
  const uint64_t size = shared_range_size(&counts);
  *range = (struct shared_range){.slots = slots};
  range->file = create_file(size, error);
  int failed = range->file < 0 ? range->file : slot_space_take(slots, size, &range->places, error);
  if (!failed) {
    failed = map(range, size, error);
    if (failed) slot_space_return(slots, range->places);
  }
  if (!failed) {
    shared_range_format((void *)range->places.low, &counts);
    tproc_view_open(&range->view, (void *)range->places.low, size);
    return 0;
  }
  if (range->file >= 0) close(range->file);
  memset(range, 0, sizeof *range);
  tproc_error_prefix(error, "no shared heap: ");
  return failed;
}

/* By the process's table of descriptors: a thread that asks may have another. */
uint64_t shared_range_resident(const struct shared_range *range) {
  char path[64];
  struct stat status;
  snprintf(path, sizeof path, "/proc/self/fd/%d", range->file);
  return stat(path, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

void shared_range_close(struct shared_range *range) {
  if (range->view.share == NULL) return;
  munmap(range->view.share, range->view.share->size);
  slot_space_return(range->slots, range->places);
  close(range->file);
  memset(range, 0, sizeof *range);
}
