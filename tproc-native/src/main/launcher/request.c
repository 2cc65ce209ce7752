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

int request_make(const struct descriptors *descriptors, char **argv, char **envp, uint32_t flags, uint64_t ignored,
                 uint64_t blocked, struct outgoing *request) {
  struct wire_launch_content content;
  memset(&content, 0, sizeof content);
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
  request->header = wire_header_for(WIRE_LAUNCH, size, descriptors->count + 1);
  request->payload = payload;
  request->descriptors = descriptors->sources;
  request->sent = request->descriptors_sent = 0;
  return 0;
}
