#include "request.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/kernel_sigaction.h"
#include "signals.h"
#include "system.h"

uint64_t request_ignored_signals(void) {
  uint64_t ignored = 0;
  for (int number = 1; number <= SIGNAL_COUNT; number++) {
    struct kernel_sigaction action;
    if (raw_syscall4(SYS_rt_sigaction, number, NULL, &action, SIGNAL_SET_SIZE) == 0 &&
        action.handler == (uintptr_t)SIG_IGN)
      ignored |= signal_bit(number);
  }
  return ignored;
}

/* There is no call that only asks. */
static uint32_t own_umask(void) {
  const long mask = raw_syscall1(SYS_umask, 077);
  raw_syscall1(SYS_umask, mask);
  return (uint32_t)mask & 0777;
}

static void read_limits(struct wire_limit limits[WIRE_LIMITS]) {
  for (unsigned resource = 0; resource < WIRE_LIMITS; resource++) {
    struct rlimit64 limit = {.rlim_cur = UINT64_MAX, .rlim_max = UINT64_MAX};
    raw_syscall4(SYS_prlimit64, 0, resource, NULL, &limit);
    limits[resource].soft = limit.rlim_cur;
    limits[resource].hard = limit.rlim_max;
  }
}

#define IOPRIO_WHO_PROCESS 1
#define ASK_PERSONALITY 0xffffffffu

/* The kernel's numbers, without the C library's header of them. */
enum { POLICY_OTHER = 0, POLICY_FIFO = 1, POLICY_RR = 2, POLICY_BATCH = 3, POLICY_IDLE = 5 };
#define RESET_ON_FORK 0x40000000

struct state {
  struct wire_launch_state fixed;
  uint64_t cpus[WIRE_CPU_WORDS_MAX];
};

/* A deadline (SCHED_DEADLINE) is one process's: it is not passed on, as a fork would not. */
static void read_scheduling(struct wire_launch_state *state) {
  const long policy = raw_syscall1(SYS_sched_getscheduler, 0);
  int32_t priority = 0; /* the kernel's struct sched_param */
  if (policy < 0 || raw_syscall2(SYS_sched_getparam, 0, &priority) < 0) return;
  switch (policy & ~RESET_ON_FORK) {
    case POLICY_OTHER:
    case POLICY_FIFO:
    case POLICY_RR:
    case POLICY_BATCH:
    case POLICY_IDLE:
      state->given |= WIRE_STATE_SCHEDULING;
      state->policy = (uint32_t)policy;
      state->priority = priority;
      break;
    default:
      break;
  }
}

/* What cannot be asked here (a sandbox, a kernel without block devices) is left to the host. */
static void read_state(struct state *state) {
  memset(state, 0, sizeof *state);
  struct wire_launch_state *fixed = &state->fixed;
  read_scheduling(fixed);
  const long io_priority = raw_syscall2(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
  if (io_priority >= 0) {
    fixed->given |= WIRE_STATE_IO_PRIORITY;
    fixed->io_priority = (uint32_t)io_priority;
  }
  const long personality = raw_syscall1(SYS_personality, ASK_PERSONALITY);
  if (personality >= 0) {
    fixed->given |= WIRE_STATE_PERSONALITY;
    fixed->personality = (uint32_t)personality;
  }
  const long size = raw_syscall3(SYS_sched_getaffinity, 0, sizeof state->cpus, state->cpus);
  if (size > 0) fixed->cpu_words = (uint32_t)((size_t)size / sizeof *state->cpus);
}

int request_make(const struct descriptors *descriptors, char **argv, char **envp, uint32_t flags, uint64_t ignored,
                 uint64_t blocked, struct outgoing *request) {
  struct wire_launch_content content;
  struct state state;
  memset(&content, 0, sizeof content);
  read_state(&state);
  content.state = &state.fixed;
  content.cpus = state.cpus;
  content.settings.flags = flags;
  content.settings.umask = own_umask();
  content.settings.nice = 20 - (int32_t)raw_syscall2(SYS_getpriority, PRIO_PROCESS, 0); /* the kernel's own counting */
  content.settings.ignored_signals = ignored;
  content.settings.blocked_signals = blocked;
  read_limits(content.settings.limits);
  content.numbers = descriptors->numbers;
  content.descriptor_count = descriptors->count;
  content.program = argv[0];
  content.argv = (const char *const *)argv;
  content.envp = (const char *const *)envp;
  const size_t size = wire_launch_size(&content);
  if (size > WIRE_PAYLOAD_MAX) return -E2BIG;
  void *payload = sys_map(size);
  if (payload == NULL) return -ENOMEM;
  wire_launch_write(&content, payload);
  request->header = wire_header_for(WIRE_LAUNCH, size, wire_launch_descriptors(flags, descriptors->count));
  request->payload = payload;
  request->descriptors = descriptors->sources;
  request->sent = request->descriptors_sent = 0;
  return 0;
}
