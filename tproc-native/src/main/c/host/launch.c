/*
 * Starting a threadproc, in the order that makes failure harmless: everything that can fail is done by the calling
 * thread before a process exists, and one ladder releases it in reverse order.
 */
#include "host/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/page.h"
#include "host/fixed_image.h"
#include "host/host.h"
#include "host/threadproc.h"
#include "loader/elf_file.h"
#include "loader/entry_stack.h"
#include "loader/exe_texts.h"
#include "loader/executable.h"
#include "loader/executable_file.h"
#include "loader/image.h"
#include "loader/layout.h"
#include "share/accounts.h"
#include "spawn/launch_state.h"

/* The child's frames before the program's entry; a few hundred bytes, more under a sanitizer. */
#define CHILD_STACK_SIZE (64u << 10)

/* The interpreter of a program, opened and read. */
struct interpreter {
  int file; /* -1 when the program has none */
  struct elf_file elf;
};

/* What a launch holds while it prepares; the threadproc alone survives it. */
struct preparation {
  int directory;
  struct launch_descriptors descriptors;
  struct executable program;
  struct elf_file elf;
  struct interpreter interpreter;
  struct layout layout;
  struct image program_image;
  struct image interpreter_image;
  bool spilled; /**< its addresses are taken: it becomes an ordinary process, and no image is mapped */
};

static int read_program(struct preparation *preparation, uint64_t largest, struct tproc_error *error) {
  int failed = elf_file_read(preparation->program.file, preparation->program.size, largest, &preparation->elf, error);
  /* For a script it is the interpreter that is at fault, and the message should say so. */
  if (failed && strcmp(preparation->program.path, preparation->program.file_path) != 0)
    tproc_error_prefix(error, "%s: ", preparation->program.file_path);
  return failed;
}

static int read_interpreter(struct preparation *preparation, uint64_t largest, struct tproc_error *error) {
  if (!preparation->elf.has_interpreter) return 0;
  const char *path = preparation->elf.interpreter;
  struct interpreter *interpreter = &preparation->interpreter;
  uint64_t size;
  interpreter->file = executable_file_open(preparation->directory, path, &size, error);
  int failed = interpreter->file < 0 ? interpreter->file : 0;
  if (!failed) {
    failed = elf_file_read(interpreter->file, size, largest, &interpreter->elf, error);
    if (!failed && !interpreter->elf.position_independent)
      failed = tproc_fail_because(error, ENOEXEC, "an interpreter for fixed addresses (ET_EXEC)");
    if (failed) tproc_error_prefix(error, "%s: ", path);
  }
  if (failed) tproc_error_prefix(error, "PT_INTERP: ");
  return failed;
}

static int map_images(struct tproc_host *host, bool spills, struct preparation *preparation, struct memory *memory,
                      struct tproc_error *error) {
  const bool alone = preparation->interpreter.file < 0;
  int failed = preparation->elf.position_independent ? 0 : fixed_image_take(host, &preparation->elf, memory, error);
  if (failed == -EADDRINUSE && spills) {
    preparation->spilled = true;
    return 0;
  }
  if (failed) return failed;
  failed = image_map(preparation->program.file, &preparation->elf, preparation->layout.program_bias, alone,
                     &preparation->program_image, error);
  if (failed || alone) return failed;
  failed = image_map(preparation->interpreter.file, &preparation->interpreter.elf, preparation->layout.interpreter_bias,
                     true, &preparation->interpreter_image, error);
  if (failed) tproc_error_prefix(error, "PT_INTERP: %s: ", preparation->elf.interpreter);
  return failed;
}

static int map_stack(const struct preparation *preparation, struct tproc_error *error) {
  const struct address_range stack = preparation->layout.stack_begun;
  const int protection = PROT_READ | PROT_WRITE | (preparation->elf.executable_stack ? PROT_EXEC : 0);
  void *mapped = mmap((void *)stack.low, range_size(stack), protection,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_GROWSDOWN | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (mapped == MAP_FAILED)
    return tproc_fail(error, errno, "map a stack of %llu KiB", (unsigned long long)(range_size(stack) >> 10));
  return 0;
}

/* Without a heap there is nothing to limit. */
static int open_account(const struct tproc_host *host, const struct tproc_launch *launch,
                        struct tproc_account_of_launch *account, struct tproc_error *error) {
  if (launch->heap_limit == 0 || host->range.view.share == NULL) return 0;
  const int failed = accounts_open(&host->range.view, launch->heap_limit, account);
  return failed ? tproc_fail_because(error, -failed, "limit its use of the shared heap: there are %u limits already",
                                     host->range.view.account_count - 1)
                : 0;
}

static int build_stack(struct tproc_host *host, const struct tproc_launch *launch,
                       const struct preparation *preparation, const struct slot *slot,
                       struct tproc_account_of_launch account, struct entry_stack *built, struct tproc_error *error) {
  const struct entry_stack_content content = {
      .argv = preparation->program.argv,
      .envp = launch->envp,
      .execfn = preparation->program.path,
      .host = &host->auxv,
      .program = &preparation->program_image,
      .program_header_count = preparation->elf.program_header_count,
      .interpreter = preparation->interpreter.file >= 0 ? &preparation->interpreter_image : NULL,
      .abi = {.magic = TPROC_ABI_MAGIC,
              .version = TPROC_ABI_VERSION,
              .size = sizeof(struct tproc_abi),
              .scratch = (uint64_t)host->scratch,
              .scratch_size = TPROC_SCRATCH_SIZE,
              .slot_base = slot->whole.low,
              .slot_size = range_size(slot->whole),
              .host_pid = getpid(),
              .share = (uint64_t)host->range.view.share,
              .share_size = host->range.view.share != NULL ? host->range.view.share->size : 0,
              .account = account.number,
              .account_generation = account.generation}};
  return entry_stack_build(preparation->layout.stack_begun, &content, built, error);
}

/* Its limits of memory are the kernel's to keep. Where it crashes is not seen. */
static void plan_spilled(const struct tproc_launch *launch, const struct preparation *preparation,
                         struct child_plan *plan) {
  plan->traced = false;
  if (launch_state_limits(launch) != NULL) plan->limits_set |= 1u << RLIMIT_AS | 1u << RLIMIT_DATA;
  plan->executed = preparation->program.file_path;
  plan->argv = preparation->program.argv;
  plan->envp = launch->envp;
}

static int make_plan(const struct tproc_launch *launch, struct preparation *preparation,
                     const struct entry_stack *stack, struct tproc_threadproc *threadproc, struct tproc_error *error) {
  struct child_plan *plan = &threadproc->plan;
  plan->notify_fd = -1;
  plan->fence.len = threadproc->fence.length;
  plan->fence.filter = threadproc->fence.instructions;
  plan->state = CHILD_STARTING;
  plan->traced = (launch->flags & TPROC_LAUNCH_CRASH_REPORT) != 0;
  plan->host_pid = getpid();
  plan->abi = stack->abi;
  plan->entry =
      preparation->interpreter.file >= 0 ? preparation->interpreter_image.entry : preparation->program_image.entry;
  plan->stack_pointer = stack->pointer;
  const char *slash = strrchr(preparation->program.path, '/');
  const char *name = slash != NULL ? slash + 1 : preparation->program.path;
  memcpy(plan->name, name, strnlen(name, sizeof plan->name - 1)); /* the rest is zero from calloc */
  const int failed = launch_state_plan(launch, preparation->directory, plan, &preparation->descriptors, error);
  if (!failed && preparation->spilled) plan_spilled(launch, preparation, plan);
  return failed;
}

/*
 * Until the child runs the program, is gone, or waits to be traced; the kernel's own write at its end counts as the
 * news.
 */
static uint32_t await_child(struct child_plan *plan) {
  uint32_t state;
  while ((state = __atomic_load_n(&plan->state, __ATOMIC_ACQUIRE)) == CHILD_STARTING)
    syscall(SYS_futex, &plan->state, FUTEX_WAIT, CHILD_STARTING, NULL, NULL, 0);
  return state;
}

/* Not by a plain store: the child may be gone by now, and what the kernel has written then has to stay. */
static void let_go_on(struct child_plan *plan) {
  uint32_t untraced = CHILD_UNTRACED;
  __atomic_compare_exchange_n(&plan->state, &untraced, CHILD_STARTING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  syscall(SYS_futex, &plan->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* One that may not be traced stays where it waits, for undo_start. */
static int await_child_and_trace(struct tproc_threadproc *threadproc, struct tproc_error *error) {
  struct child_plan *plan = &threadproc->plan;
  if (await_child(plan) != CHILD_UNTRACED) return 0;
  const int failed = tracer_start(&threadproc->tracer, threadproc->pid, error);
  if (failed) return failed;
  let_go_on(plan);
  await_child(plan);
  return 0;
}

/* After a failure that follows the clone: the process is ended and collected, its listener closed. */
static void undo_start(struct tproc_threadproc *threadproc) {
  struct tproc_exit exit;
  threadproc_signal(threadproc, SIGKILL, NULL);
  threadproc_collect(threadproc, true, &exit, NULL);
}

/* What a step of the child's that failed says; 0 when none did. */
static int failure_of(const struct child_plan *plan, struct tproc_error *error) {
  const enum child_step failed_step = __atomic_load_n(&plan->failed_step, __ATOMIC_ACQUIRE);
  if (failed_step == CHILD_STEP_NONE) return 0;
  const char *step = child_step_name(failed_step);
  return plan->failed_number < 0 ? tproc_fail(error, plan->failed_errno, "%s", step)
                                 : tproc_fail(error, plan->failed_errno, "%s: number %d", step, plan->failed_number);
}

static int run_child(struct tproc_host *host, struct tproc_threadproc *threadproc, struct spawning *spawning,
                     const struct broker_executable *executable, struct tproc_error *error) {
  struct child_plan *plan = &threadproc->plan;
  const struct clone_request request = {
      /* The child's own frames go below the entry stack, where the program will put its. */
      .stack = {plan->stack_pointer - CHILD_STACK_SIZE, plan->stack_pointer},
      .cleared_at_exit = &plan->state,
      .function = child_main,
      .argument = plan};
  plan->socket = &spawning->own_socket;
  int listener;
  const pid_t pid = spawning_clone(&host->spawner, spawning, &request, &threadproc->pidfd);
  if (pid < 0) {
    spawning_close(&host->spawner, spawning, -1, &listener);
    return tproc_fail(error, -pid, "clone");
  }
  threadproc->pid = pid;
  int failed = await_child_and_trace(threadproc, error);
  const int lost = spawning_close(&host->spawner, spawning, plan->notify_fd, &listener);
  if (!failed) failed = failure_of(plan, error);
  if (!failed && lost) failed = tproc_fail(error, -lost, "take the fence's listener");
  if (!failed && listener >= 0) /* without one it was killed before it got that far */
    failed = broker_open_listener(&host->broker, listener, pid, threadproc->pidfd, &threadproc->memory, executable,
                                  &threadproc->listener, error);
  else if (listener >= 0)
    close(listener);
  if (failed) undo_start(threadproc);
  return failed;
}

static int start_process(struct tproc_host *host, struct tproc_threadproc *threadproc,
                         const struct launch_descriptors *descriptors, const struct broker_executable *executable,
                         struct tproc_error *error) {
  struct spawning spawning;
  const int failed = spawning_open(&spawning, descriptors->sources, descriptors->source_count);
  if (failed) return tproc_fail(error, -failed, "send its descriptors to a new process");
  fork_shield_raise(&host->broker.context.shield);
  return run_child(host, threadproc, &spawning, executable, error);
}

/* The file's own absolute path: what /proc/self/exe says natively, whatever links led to it. */
static void find_executable(int file, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/thread-self/fd/%d", file);
  const ssize_t length = readlink(link, path, size - 1);
  path[length > 0 ? length : 0] = '\0';
}

_Static_assert(EXE_TEXTS_MAX <= FENCE_PATHS_MAX, "all that are found can be compared with");

/* What the fence can compare with: a part that lies within one 4 GiB, the uppermost. */
static struct address_range upper_part(struct address_range range) {
  const uint64_t whole = 1ull << 32, low = align_down(range.high - 1, whole);
  return (struct address_range){range.low > low ? range.low : low, range.high};
}

/* Where the first thing begins that the program may write to. */
static uint64_t read_only_end(const struct elf_file *elf, const struct image *image) {
  uint64_t high = elf->high;
  for (size_t i = 0; i < elf->segment_count; i++)
    if ((elf->segments[i].protection & PROT_WRITE) != 0 && elf->segments[i].address < high)
      high = elf->segments[i].address;
  return image->low + (high - elf->low);
}

/* Where a path is a constant. */
static struct address_range read_only_part(const struct elf_file *elf, const struct image *image) {
  return upper_part((struct address_range){image->low, read_only_end(elf, image)});
}

/*
 * Which executions take no question: none may where there is something to decide. Of a program that sets itself limits
 * of memory later its children have them from their exec on.
 */
static void plan_execution(const struct tproc_launch *launch, const struct preparation *preparation,
                           struct memory *memory, const struct exe_texts *texts, struct fence_content *content) {
  const bool named = texts->own_executable || range_size(content->arguments) > 0;
  const bool limited = texts->limits || memory_is_limited(memory);
  if (named || limited || (launch->flags & TPROC_LAUNCH_STAY) != 0) return;
  content->executed_texts = read_only_part(&preparation->elf, &preparation->program_image);
  content->executed_stack = upper_part(preparation->layout.stack);
}

/*
 * Where paths of the own executable may be: in the constants that are such, and in what the program may write to (a
 * buffer that "/proc/%d/exe" is written into).
 */
static void plan_paths(const struct preparation *preparation, const struct exe_texts *texts,
                       struct fence_content *content) {
  const struct image *image = &preparation->program_image;
  const uint64_t bias = image->low - preparation->elf.low;
  content->constants = content->program;
  if (texts->more_places) return;
  content->constants.low = read_only_end(&preparation->elf, image);
  for (size_t i = 0; i < texts->place_count; i++)
    content->paths[content->path_count++] =
        (struct address_range){texts->places[i].low + bias, texts->places[i].high + bias};
}

/* Which texts of the program may be paths of its own executable: open and stat of all others take no question. */
static void plan_fence(const struct tproc_launch *launch, const struct preparation *preparation,
                       const struct entry_stack *stack, struct tproc_threadproc *threadproc) {
  const struct executable *program = &preparation->program;
  const char *const name[] = {program->path, NULL};
  const struct exe_texts texts = exe_texts_in_image(program->file, &preparation->elf);
  struct fence_content content = {.slot = &threadproc->memory.slot,
                                  .heap = preparation->layout.heap,
                                  .program = {preparation->program_image.low, preparation->program_image.high},
                                  .files = {preparation->layout.files.low, threadproc->memory.slot.usable.high},
                                  .never_forks = (launch->flags & TPROC_LAUNCH_NEVER_FORKS) != 0};
  if (texts.own_executable) plan_paths(preparation, &texts, &content);
  if (exe_texts_are_in_strings(program->argv) || exe_texts_are_in_strings(launch->envp) ||
      exe_texts_are_in_strings(name))
    content.arguments = (struct address_range){stack->arguments, preparation->layout.stack.high};
  plan_execution(launch, preparation, &threadproc->memory, &texts, &content);
  fence_build(&threadproc->fence, &content);
}

/* Those of the address space are not the kernel's to count (spawn/launch_state.c). */
static int limit_memory(const struct tproc_launch *launch, struct memory *memory) {
  const struct tproc_limit *limits = launch_state_limits(launch);
  if (limits == NULL) return 0;
  const int failed = memory_set_limit(memory, RLIMIT_AS, &limits[RLIMIT_AS], false);
  return failed ? failed : memory_set_limit(memory, RLIMIT_DATA, &limits[RLIMIT_DATA], false);
}

static int prepare(struct tproc_host *host, const struct tproc_launch *launch, struct preparation *preparation,
                   struct tproc_threadproc *threadproc, struct tproc_error *error) {
  const uint64_t largest = host->slots.slot_size; /* what has to fit into a part of it is refused by the layout */
  const uint64_t stack_limit = layout_stack_limit(&host->slots, launch_state_limits(launch));
  struct argument_size size;
  struct entry_stack stack;
  int failed = launch_state_check(launch, error);
  if (!failed) {
    preparation->directory = launch_state_directory(launch, error);
    failed = preparation->directory < 0 ? preparation->directory : 0;
  }
  if (!failed) failed = executable_find(preparation->directory, launch, &preparation->program, error);
  if (!failed) failed = argument_size_check(preparation->program.argv, launch->envp, stack_limit, &size, error);
  if (!failed) failed = read_program(preparation, largest, error);
  if (!failed) failed = read_interpreter(preparation, largest, error);
  if (!failed) failed = memory_open(&threadproc->memory, &host->slots, &host->space, threadproc, error);
  if (!failed)
    failed = layout_plan(&threadproc->memory.slot, &preparation->elf,
                         preparation->interpreter.file >= 0 ? &preparation->interpreter.elf : NULL, stack_limit,
                         size.bytes + size.strings * sizeof(char *), &preparation->layout, error);
  if (!failed)
    failed = map_images(host, (launch->flags & TPROC_LAUNCH_SPILL) != 0, preparation, &threadproc->memory, error);
  if (!failed) failed = map_stack(preparation, error);
  if (!failed) failed = open_account(host, launch, &threadproc->account, error);
  if (!failed)
    failed = build_stack(host, launch, preparation, &threadproc->memory.slot, threadproc->account, &stack, error);
  if (!failed) failed = limit_memory(launch, &threadproc->memory);
  if (failed) return failed;
  memory_divide(&threadproc->memory, preparation->layout.heap, preparation->layout.anonymous,
                preparation->layout.files);
  threadproc->stack = preparation->layout.stack;
  if ((launch->flags & TPROC_LAUNCH_NEVER_FORKS) != 0) memory_keep_out_of_forks(&threadproc->memory);
  threadproc->spilled = preparation->spilled;
  if (preparation->spilled)
    fence_build_open(&threadproc->fence);
  else
    plan_fence(launch, preparation, &stack, threadproc);
  return make_plan(launch, preparation, &stack, threadproc, error);
}

static void release(struct preparation *preparation) {
  elf_file_release(&preparation->interpreter.elf);
  if (preparation->interpreter.file >= 0) close(preparation->interpreter.file);
  elf_file_release(&preparation->elf);
  executable_release(&preparation->program);
  launch_descriptors_release(&preparation->descriptors);
  if (preparation->directory >= 0) close(preparation->directory);
}

/* Notes what has been found. What was given after the first argument is the same. */
static int note_executed(const struct preparation *preparation, const char *path, struct launch_info *info,
                         struct tproc_error *error) {
  const struct executable *program = &preparation->program;
  const size_t unchanged = info->argument_count > 0 ? info->argument_count - 1 : 0;
  return launch_info_execute(info, path, program->argv, program->argc - unchanged, error);
}

static int start(struct tproc_host *host, const struct tproc_launch *launch, const struct preparation *preparation,
                 struct tproc_threadproc *threadproc, struct tproc_error *error) {
  char executable[PATH_MAX];
  const int file = preparation->program.file;
  find_executable(file, executable, sizeof executable);
  const int failed = note_executed(preparation, executable, &threadproc->info, error);
  if (failed) return failed;
  launch_info_start(&threadproc->info);
  return start_process(host, threadproc, &preparation->descriptors,
                       &(struct broker_executable){executable, file, (launch->flags & TPROC_LAUNCH_STAY) != 0}, error);
}

int launch_for(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
               struct tproc_threadproc **result, struct tproc_error *error) {
  struct preparation *preparation = calloc(1, sizeof *preparation); /* too large for a small stack */
  struct tproc_threadproc *threadproc = calloc(1, sizeof *threadproc);
  int failed = 0;
  if (preparation == NULL || threadproc == NULL) {
    failed = tproc_fail(error, ENOMEM, "cannot host %s", launch->program);
    free(preparation);
    free(threadproc);
    return failed;
  }
  preparation->directory = preparation->program.file = preparation->interpreter.file = -1;
  threadproc->host = host;
  threadproc->pidfd = -1;
  pthread_mutex_init(&threadproc->lock, NULL);

  failed = launch_info_open(&threadproc->info, client, launch->argv, error);
  if (!failed) failed = prepare(host, launch, preparation, threadproc, error);
  if (!failed) failed = start(host, launch, preparation, threadproc, error);
  release(preparation);
  free(preparation);
  if (failed) {
    tproc_error_prefix(error, "cannot host %s: ", launch->program);
    threadproc_free(threadproc);
    return failed;
  }
  host_remember(host, threadproc);
  *result = threadproc;
  return 0;
}
