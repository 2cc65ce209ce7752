#include "broker_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "own_executable.h"
#include "page.h"

static const struct broker_answer go_on = {.verdict = BROKER_GO_ON};

static struct broker_answer result(int64_t value) { return (struct broker_answer){.result = value}; }

static struct broker_answer map(struct gate *gate, const struct broker_call *call) {
  struct map_request request = {.address = call->arguments[0],
                                .length = call->arguments[1],
                                .protection = (int)call->arguments[2],
                                .flags = (int)call->arguments[3],
                                .file = -1,
                                .offset = call->arguments[5]};
  if ((request.flags & MAP_ANONYMOUS) != 0) return result(memory_map(gate->memory, &request));
  request.file = requester_descriptor(gate, call->pid, (int)call->arguments[4], request.protection, request.flags);
  if (request.file < 0) return result(request.file);
  const int64_t address = memory_map(gate->memory, &request);
  close(request.file);
  return result(address);
}

/* aarch64 ignores the top byte of an address, and these calls accept a tag there natively (tagged-address-abi.rst). */
static uint64_t without_tag(uint64_t address) {
#if defined(__aarch64__)
  return address & (uint64_t)((int64_t)(address << 8) >> 8);
#else
  return address;
#endif
}

/* Calls that only need to be kept off other people's memory: the kernel makes them itself where they may go. */
static struct broker_answer if_owned(struct gate *gate, const struct broker_call *call, int otherwise) {
  const uint64_t address = without_tag(call->arguments[0]), length = call->arguments[1];
  if (length == 0) return go_on;
  if (address > INT64_MAX || length > INT64_MAX) return result(-EINVAL);
  const struct address_range range = {page_floor(address), page_ceil(address + length)};
  return memory_owns(gate->memory, range) ? go_on : result(otherwise);
}

/* Controls of the whole address space. What only tunes or hardens one's own memory succeeds without an effect. */
static struct broker_answer control(const struct broker_call *call) {
  switch ((int)call->arguments[0]) {
    case PR_SET_DUMPABLE:
      return result(call->arguments[1] <= 1 ? 0 : -EINVAL);
    case PR_SET_THP_DISABLE:
      return result(0);
    default: /* PR_SET_MM, PR_SET_MDWE, PR_SET_MEMORY_MERGE */
      return result(-EPERM);
  }
}

static struct broker_answer answer_of_memory(struct gate *gate, const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
    case __NR_mmap:
      return map(gate, call);
    case __NR_munmap:
      return result(memory_unmap(gate->memory, without_tag(a[0]), a[1]));
    case __NR_mremap:
      return result(memory_remap(gate->memory, without_tag(a[0]), a[1], a[2], (int)a[3], a[4]));
    case __NR_brk:
      return result(memory_break(gate->memory, a[0]));
    case __NR_shmat:
      return result(memory_attach(gate->memory, (int)a[0], a[1], (int)a[2]));
    case __NR_shmdt:
      return result(-EINVAL);
    case __NR_mprotect:
    case __NR_pkey_mprotect:
      return if_owned(gate, call, -EACCES);
    case __NR_madvise:
      return if_owned(gate, call, -EPERM);
    case __NR_mbind:
      return if_owned(gate, call, -EFAULT);
    case __NR_remap_file_pages:
      return if_owned(gate, call, -EINVAL);
    case __NR_munlockall:
      return result(0);
    case __NR_prctl:
      return control(call);
    default: /* mlockall, mseal, process_madvise */
      return result(-EPERM);
  }
}

struct broker_answer broker_answer_call(struct broker_means *means, struct gate *gate, const struct broker_call *call) {
  struct broker_answer executable;
  if (own_executable_answer(means, gate, call, &executable)) return executable;
  if (!call->shares) return go_on; /* a forked child: a memory of its own, where it can hurt nobody */
  return gate->memory != NULL ? answer_of_memory(gate, call) : result(-ENOMEM);
}
