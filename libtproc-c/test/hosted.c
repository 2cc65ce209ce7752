/*
 * The library's own sources with getauxval replaced: what a good host writes, what the original project's host writes,
 * and what neither would.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../include/tproc_abi.h"
#include "tests.h"

static char page[4096] __attribute__((aligned(4096)));
static struct tproc_abi block;
static unsigned long scratch_entry;
static unsigned long abi_entry;

/* Linked in place of libc's. */
unsigned long getauxval(unsigned long type) {
  unsigned long value = type == TPROC_AT_SCRATCH ? scratch_entry : type == TPROC_AT_ABI ? abi_entry : 0;
  if (value == 0) errno = ENOENT;
  return value;
}

static void good_host(void) {
  memset(&block, 0, sizeof block);
  block.magic = TPROC_ABI_MAGIC;
  block.version = TPROC_ABI_VERSION;
  block.size = sizeof block;
  block.scratch = (uint64_t)(uintptr_t)page;
  block.scratch_size = sizeof page;
  block.pid = getpid();
  scratch_entry = (unsigned long)(uintptr_t)page;
  abi_entry = (unsigned long)(uintptr_t)&block;
}

static void expect_original_host(void) {
  errno = E2BIG;
  EXPECT(tproc_is_threadproc() == 1);
  EXPECT(tproc_scratch() == page);
  EXPECT(tproc_scratch_size() == 4096);
  EXPECT(errno == E2BIG);
}

int main(void) {
  scratch_entry = abi_entry = 0;
  expect_no_host();

  good_host();
  errno = E2BIG;
  EXPECT(tproc_is_threadproc() == 1);
  EXPECT(tproc_scratch() == page);
  EXPECT(tproc_scratch_size() == sizeof page);
  EXPECT(errno == E2BIG);

  /* A newer host: a later version, a longer block, another size of page. */
  block.version = 7;
  block.size += 64;
  block.scratch_size = 65536;
  EXPECT(tproc_is_threadproc() == 1);
  EXPECT(tproc_scratch_size() == 65536);

  /* A forked child has a copy of the block, which names its parent. */
  good_host();
  pid_t child = fork();
  if (child == 0) _exit(tproc_is_threadproc() == 0 && tproc_scratch() == page ? 0 : 1);
  int status = -1;
  EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);

  /* The original project's host passes the page alone; a block that is none counts as absent. */
  good_host();
  abi_entry = 0;
  expect_original_host();
  good_host();
  block.magic++;
  expect_original_host();
  good_host();
  block.version = 0;
  expect_original_host();
  good_host();
  block.size = offsetof(struct tproc_abi, pid);
  expect_original_host();

  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
