/*
 * The library's own sources with getauxval replaced: what a good host writes, what the original project's host writes,
 * and what neither would.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../include/tproc_abi.h"
#include "../src/shared/arena.h"
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

/* What the end of a child says that frees this in an arena; "" when it goes on. */
static const char *free_apart(struct tproc_arena *arena, void *object, size_t size) {
  static char said[512];
  int ends[2], status = -1;
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    tproc_arena_free(arena, object, size);
    _exit(0);
  }
  close(ends[1]);
  const ssize_t got = read(ends[0], said, sizeof said - 1);
  close(ends[0]);
  said[got > 0 ? got : 0] = '\0';
  if (child < 0 || waitpid(child, &status, 0) != child) return "no child";
  if (!WIFSIGNALED(status)) return "";
  return WTERMSIG(status) == SIGABRT ? said : "another signal";
}

/* A class for the size would lie behind the arena's table, or the room outside of the arena. */
static void expect_arena_to_refuse(void) {
  static struct {
    struct tproc_arena arena;
    char room[4096];
  } place __attribute__((aligned(64)));
  struct tproc_arena *arena = &place.arena;
  tproc_arena_format(arena, sizeof place);
  char *object = tproc_arena_alloc(arena, 100, 16);
  EXPECT(tproc_arena_alloc(arena, 100, 16) != NULL);
  EXPECT(strcmp(free_apart(arena, object, 100), "") == 0);
  EXPECT(strcmp(free_apart(arena, NULL, 100), "") == 0);
  const size_t sizes[] = {256, 4096, (size_t)1 << 36, ((size_t)1 << 36) + 1, (size_t)1 << 63, (size_t)-100};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    EXPECT(strstr(free_apart(arena, object, sizes[i]), "): no room of this size in the arena\n") != NULL);
  char *const places[] = {object + 1,    (char *)arena,     (char *)arena + 16,
                          object - 4096, place.room + 2048, (char *)&places};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    EXPECT(strncmp(free_apart(arena, places[i], 100), "libtproc: tproc_arena_free(0x", 29) == 0);
  EXPECT(tproc_arena_used(arena) == sizeof *arena + 2 * 112);
}

/* What a host writes that has the program run ahead. */
static const char *started[] = {"program", "new", NULL, "WORD=new", NULL};
static uint64_t vector[6];
static int calls;

static uint64_t start_program(void *argument) {
  EXPECT(argument == vector);
  calls++;
  vector[0] = 2;
  for (int i = 0; i < 5; i++) vector[1 + i] = (uint64_t)(uintptr_t)started[i];
  return (uint64_t)(uintptr_t)vector;
}

static void expect_start(void) {
  char *own[] = {NULL};
  int argc = 0;
  char **argv = own, **envp = own;
  good_host();
  EXPECT(tproc_ready(&argc, &argv, &envp) == 0); /* it has been started */
  block.ready = (uint64_t)(uintptr_t)start_program;
  block.ready_argument = (uint64_t)(uintptr_t)vector;
  block.size = offsetof(struct tproc_abi, ready_argument); /* an older host knows nothing of it */
  EXPECT(tproc_ready(&argc, &argv, &envp) == 0);
  block.size = sizeof block;
  block.pid++; /* a forked child */
  EXPECT(tproc_ready(&argc, &argv, &envp) == 0);
  block.pid--;
  EXPECT(argc == 0 && argv == own && envp == own && calls == 0);
  EXPECT(tproc_ready(&argc, &argv, &envp) == 1);
  EXPECT(argc == 2 && argv == (char **)(vector + 1) && envp == (char **)(vector + 4) && envp == environ);
  EXPECT(strcmp(getenv("WORD"), "new") == 0);
  EXPECT(tproc_ready(&argc, &argv, &envp) == 0 && calls == 1);
}

int main(void) {
  expect_arena_to_refuse();
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

  expect_start();
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
