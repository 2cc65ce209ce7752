/* struct sigaction as the kernel has it, which is not libc's; for rt_sigaction as a raw system call. */
#ifndef TPROC_KERNEL_SIGACTION_H
#define TPROC_KERNEL_SIGACTION_H

#include <stdint.h>

struct kernel_sigaction {
  uint64_t handler; /**< SIG_DFL is 0, SIG_IGN 1 */
  uint64_t flags, restorer;
  uint64_t mask; /**< bit n-1: signal n */
};

#endif
