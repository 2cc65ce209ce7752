/* What the kernel would say of an execve's arguments and environment. */
#ifndef TPROC_EXEC_ARGUMENTS_H
#define TPROC_EXEC_ARGUMENTS_H

#include "broker/broker_call.h"

/**
 * Looks at the strings before the caller is given a descriptor, which an execve that fails would leave behind. May
 * block where they lie in a file. What is changed meanwhile, or is too large by a few bytes, the kernel still refuses.
 *
 * @param memory of target_open_memory
 * @param arguments address of a caller's array of strings, as `environment`; 0: none
 * @return 0, -E2BIG or -EFAULT
 */
int exec_arguments_check(const struct target_check *check, const struct broker_call *call, int memory,
                         uint64_t arguments, uint64_t environment);

#endif
