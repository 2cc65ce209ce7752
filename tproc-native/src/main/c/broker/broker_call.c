#include "broker/broker_call.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/page.h"
#include "base/process_state.h"
#include "broker/answers.h"
#include "broker/interval_timer.h"
#include "broker/proc_self_exe.h"
#include "broker/target.h"
#include "broker/target_segment.h"
#include "memory/pieces.h"

/* So little memory is filled sooner than a thread is started. */
#define FILLED_AT_ONCE (256u << 10)

/* MAP_POPULATE and MAP_LOCKED: the broker's mmap leaves out what would keep all threadprocs waiting. */
static struct broker_answer fill(const struct map_request *request, int64_t address) {
  struct broker_answer answer = result(address);
  const bool populate = (request->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
  if (address < 0 || request->protection == PROT_NONE || (!populate && (request->flags & MAP_LOCKED) == 0))
    return answer;
  const bool for_writing = (request->flags & MAP_TYPE) == MAP_PRIVATE && (request->protection & PROT_WRITE) != 0;
  answer.fill_advice = for_writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  answer.fill = (struct address_range){(uint64_t)address, page_ceil((uint64_t)address + request->length)};
  if ((request->flags & MAP_ANONYMOUS) == 0 || request->length > FILLED_AT_ONCE)
    answer.verdict = BROKER_DEFER_FILL;
  else
    madvise((void *)address, range_size(answer.fill), answer.fill_advice);
  return answer;
}

static struct map_request map_request_of(const struct broker_call *call, int file) {
  return (struct map_request){.address = call->arguments[0],
                              .length = call->arguments[1],
                              .protection = (int)call->arguments[2],
                              .flags = (int)call->arguments[3],
                              .file = file,
                              .offset = call->arguments[5]};
}

/*
 * Closing a copy that can be written to is waited for, though by the caller alone: as long as there is one the file
 * cannot be executed.
 */
struct broker_answer broker_answer_map(struct fence_listener *listener, const struct broker_call *call, int file) {
  const struct map_request request = map_request_of(call, file);
  struct broker_answer answer = fill(&request, memory_map(listener->memory, &request));
  answer.close_copy = true;
  answer.copy = file;
  const int mode = fcntl(file, F_GETFL) & O_ACCMODE;
  if (answer.verdict == BROKER_RETURN && mode != O_RDONLY) answer.verdict = BROKER_DEFER_CLOSE;
  return answer;
}

/* With nothing in them that could make a mapping of new memory fail, so that what it replaces may go before. */
#define PLAIN_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_STACK | MAP_POPULATE | MAP_NONBLOCK)
#define PLAIN_PROTECTION (PROT_READ | PROT_WRITE | PROT_EXEC)

static bool replaces_much(const struct map_request *request) {
  const int needed = MAP_FIXED | MAP_ANONYMOUS;
  return (request->flags & ~PLAIN_FLAGS) == 0 && (request->flags & needed) == needed &&
         (request->flags & MAP_TYPE) == MAP_PRIVATE && (request->protection & ~PLAIN_PROTECTION) == 0 &&
         request->address % page_size() == 0 && request->address <= INT64_MAX && request->length > UNMAPPED_AT_ONCE &&
         request->length <= INT64_MAX;
}

/* Its pages are let go in pieces, on any thread. @return whether there is such an answer: the memory is the caller's */
static bool empty_before(struct fence_listener *listener, uint64_t address, uint64_t length,
                         struct broker_answer *answer) {
  *answer = (struct broker_answer){
      .verdict = BROKER_DEFER_REPLACE, .memory = listener->memory, .fill = {address, page_ceil(address + length)}};
  return memory_begin_advise(listener->memory, answer->fill);
}

static struct broker_answer answer_mmap(struct fence_listener *listener, const struct broker_call *call) {
  const struct map_request request = map_request_of(call, -1);
  struct broker_answer emptied;
  if (replaces_much(&request) && empty_before(listener, request.address, request.length, &emptied)) return emptied;
  if ((request.flags & MAP_ANONYMOUS) != 0) return fill(&request, memory_map(listener->memory, &request));
  const int file = target_descriptor(listener, call->tid, (int)call->arguments[4]);
  if (file == -EPERM || file == -ENOSYS) return (struct broker_answer){.verdict = BROKER_DEFER_MAP};
  return file < 0 ? result(file) : broker_answer_map(listener, call, file);
}

/* aarch64 ignores the top byte of an address, and these calls accept a tag there natively (tagged-address-abi.rst). */
static uint64_t without_tag(uint64_t address) {
#if defined(__aarch64__)
  return address & (uint64_t)((int64_t)(address << 8) >> 8);
#else
  return address;
#endif
}

static bool is_kept;

static void find_out(void) {
  const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  is_kept = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) == -1 && errno == EFAULT; /* knows the flags */
}

/*
 * Whether signals wait for the answer to a call (since Linux 5.19). Where they do not, a call is asked anew while its
 * work goes on; the program may then go on sooner, and what it has mapped since must not be unmapped by that.
 */
static bool calls_stay(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_out);
  return is_kept;
}

static struct broker_answer answer_munmap(struct fence_listener *listener, uint64_t address, uint64_t length) {
  if (length <= UNMAPPED_AT_ONCE || !calls_stay()) return result(memory_unmap(listener->memory, address, length));
  struct broker_answer answer = {.verdict = BROKER_DEFER_UNMAP, .memory = listener->memory};
  const int64_t begun = memory_begin_unmap(listener->memory, address, length, &answer.fill);
  return begun == 1 ? answer : result(begun);
}

static struct broker_answer remap(struct fence_listener *listener, const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  return result(memory_remap(listener->memory, without_tag(a[0]), a[1], a[2], (int)a[3], a[4]));
}

/* The target's own pages may go before: nothing that the kernel says before it unmaps them is wrong with the call. */
static bool moves_onto_much(struct fence_listener *listener, uint64_t old, const uint64_t *a) {
  const uint64_t target = a[4];
  if ((int)a[3] != (MREMAP_MAYMOVE | MREMAP_FIXED) || a[2] <= UNMAPPED_AT_ONCE || a[2] > INT64_MAX) return false;
  if (a[1] == 0 || a[1] > INT64_MAX || old > INT64_MAX || target > INT64_MAX) return false;
  if (old % page_size() != 0 || target % page_size() != 0) return false;
  const struct address_range from = {old, page_ceil(old + a[1])};
  if (page_ceil(a[2]) != range_size(from) || (from.high > target && target + a[2] > old)) return false;
  return memory_owns(listener->memory, from) && memory_is_one_mapping(listener->memory, from);
}

static struct broker_answer answer_mremap(struct fence_listener *listener, const struct broker_call *call) {
  const uint64_t *a = call->arguments, old = without_tag(a[0]);
  struct broker_answer answer = {.verdict = BROKER_DEFER_SHRINK, .memory = listener->memory, .result = (int64_t)old};
  if (calls_stay() && ((int)a[3] & ~MREMAP_MAYMOVE) == 0 && a[2] > 0 && a[1] > a[2] && a[1] - a[2] > UNMAPPED_AT_ONCE &&
      memory_begin_shrink(listener->memory, old, a[1], a[2], &answer.fill))
    return answer;
  if (moves_onto_much(listener, old, a) && empty_before(listener, a[4], a[2], &answer)) return answer;
  return remap(listener, call);
}

struct broker_answer broker_answer_again(struct fence_listener *listener, const struct broker_call *call) {
  if (call->number == __NR_mremap) return remap(listener, call);
  const struct map_request request = map_request_of(call, -1);
  return fill(&request, memory_map(listener->memory, &request));
}

/* The kernel's half of the addresses, and what ends below its start: the kernel itself says what is wrong with it. */
static bool is_nobodys(const struct broker_call *call) {
  const uint64_t address = page_floor(without_tag(call->arguments[0]));
  return address > INT64_MAX || address + page_floor(call->arguments[1]) < address;
}

/* Calls that only need to be kept off other people's memory: the kernel makes them itself where they may go. */
static struct broker_answer if_owned(struct fence_listener *listener, const struct broker_call *call, int of_a_hole,
                                     int otherwise) {
  const uint64_t address = without_tag(call->arguments[0]), length = call->arguments[1];
  if (length == 0 || is_nobodys(call)) return unchanged();
  if (length > INT64_MAX) return result(of_a_hole);
  const struct address_range range = {page_floor(address), page_ceil(address + length)};
  if (memory_owns(listener->memory, range)) return unchanged();
  if (range.high > listener->memory->slots->end) return result(of_a_hole);
  return result(memory_is_hole(listener->memory, range) ? of_a_hole : otherwise);
}

#define SIGNAL_MAX 64

/* The signal by which the kernel ends a threadproc with its host stays. A vfork child's own is its own. */
static struct broker_answer set_death_signal(struct fence_listener *listener, const struct broker_call *call) {
  if (!target_is_threadproc(listener, call->tid)) return unchanged();
  if (call->arguments[1] > SIGNAL_MAX) return result(-EINVAL);
  listener->death_signal = (int)call->arguments[1];
  return result(0);
}

static struct broker_answer get_death_signal(const struct fence_listener *listener, const struct broker_call *call) {
  if (!target_is_threadproc(listener, call->tid)) return unchanged();
  return (struct broker_answer){
      .verdict = BROKER_DEFER_STORE, .stored = listener->death_signal, .stored_at = call->arguments[1]};
}

/* Advice that takes as long as there are pages. (Not MADV_REMOVE: it waits for a file, and then nobody waits for it.)
 */
static bool lets_pages_go(int advice) {
  return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE || advice == MADV_COLD ||
         advice == MADV_PAGEOUT || advice == MADV_GUARD_INSTALL;
}

static bool fills_pages(int advice) { return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE; }

static struct broker_answer answer_madvise(struct fence_listener *listener, const struct broker_call *call) {
  const struct broker_answer judged = if_owned(listener, call, -ENOMEM, -EPERM);
  const uint64_t address = without_tag(call->arguments[0]), length = call->arguments[1];
  const bool is_own = judged.verdict == BROKER_CONTINUE && address % page_size() == 0 && !is_nobodys(call);
  struct broker_answer answer = {.verdict = BROKER_DEFER_ADVISE,
                                 .memory = listener->memory,
                                 .advice = (int)call->arguments[2],
                                 .fill = {address, page_ceil(address + length)}};
  if (is_own && length > POPULATED_AT_ONCE && fills_pages(answer.advice)) {
    answer.verdict = BROKER_DEFER_POPULATE;
    answer.fill_advice = answer.advice;
    return answer;
  }
  const bool in_pieces = is_own && length > UNMAPPED_AT_ONCE && lets_pages_go(answer.advice);
  return in_pieces && memory_begin_advise(listener->memory, answer.fill) ? answer : judged;
}

/* The kernel fills what it locks, and would keep all others waiting for it. */
static struct broker_answer answer_mlock(struct fence_listener *listener, const struct broker_call *call) {
  const struct broker_answer judged = if_owned(listener, call, -ENOMEM, -ENOMEM);
  const uint64_t address = without_tag(call->arguments[0]), length = call->arguments[1];
  const bool fills = (call->number == __NR_mlock || call->arguments[2] == 0) && !is_nobodys(call);
  if (judged.verdict != BROKER_CONTINUE || !fills || length <= POPULATED_AT_ONCE || !target_may_lock(call->tid, length))
    return judged;
  return (struct broker_answer){.verdict = BROKER_DEFER_LOCK,
                                .fill = {page_floor(address), page_ceil(address + length)}};
}

static struct broker_answer answer_munlock(struct fence_listener *listener, const struct broker_call *call) {
  const struct broker_answer judged = if_owned(listener, call, -ENOMEM, -ENOMEM);
  const uint64_t address = without_tag(call->arguments[0]), length = call->arguments[1];
  struct broker_answer answer = {.verdict = BROKER_DEFER_UNLOCK,
                                 .memory = listener->memory,
                                 .advice = ADVICE_UNLOCK,
                                 .fill = {page_floor(address), page_ceil(address + length)}};
  const bool in_pieces = judged.verdict == BROKER_CONTINUE && length > UNMAPPED_AT_ONCE && !is_nobodys(call);
  return in_pieces && memory_begin_advise(listener->memory, answer.fill) ? answer : judged;
}

static struct broker_answer set_dumpable(struct fence_listener *listener, const struct broker_call *call) {
  if (call->arguments[1] > 1) return result(-EINVAL);
  if (target_is_threadproc(listener, call->tid)) listener->undumpable = call->arguments[1] == 0;
  return result(0);
}

/* Controls of the whole address space. What only tunes or hardens one's own memory succeeds without an effect. */
static struct broker_answer control(struct fence_listener *listener, const struct broker_call *call) {
  struct broker_call named = *call;
  switch ((int)call->arguments[0]) {
    case PR_SET_PDEATHSIG:
      return set_death_signal(listener, call);
    case PR_GET_PDEATHSIG:
      return get_death_signal(listener, call);
    case PR_SET_VMA:
      memcpy(named.arguments, call->arguments + 2, 2 * sizeof *named.arguments);
      return if_owned(listener, &named, -ENOMEM, -EPERM);
    case PR_SET_DUMPABLE:
      return set_dumpable(listener, call);
    case PR_GET_DUMPABLE: /* the kernel's is 0, too, after a change of user */
      return listener->undumpable ? result(0) : unchanged();
    case PR_SET_THP_DISABLE:
      return result(0);
    default: /* PR_SET_MM, PR_SET_MDWE, PR_SET_MEMORY_MERGE */
      return result(-EPERM);
  }
}

/* One table of segments, and one set of protection keys, is all that an address space has. */
static struct broker_answer answer_of_processor(const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
    case __NR_pkey_alloc:
      return result(a[0] != 0 || (a[1] & ~(uint64_t)(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE)) != 0 ? -EINVAL
                                                                                                     : -ENOSPC);
    case __NR_pkey_free:
      return result(-EINVAL);
#ifdef __NR_modify_ldt
    case __NR_modify_ldt:
      return result(a[0] == 0 ? 0 : -ENOSYS);
#endif
    default: /* map_shadow_stack */
      return result(-EOPNOTSUPP);
  }
}

static struct broker_answer attach(struct fence_listener *listener, const struct broker_call *call) {
  struct segment segment;
  const int flags = (int)call->arguments[2];
  const int refused = target_segment(call->tid, (int)call->arguments[0], flags, &segment);
  return result(refused ? refused : memory_attach(listener->memory, &segment, call->arguments[1], flags));
}

/* The program's own limits of its memory. Those of its vforked children, and of other processes, are the kernel's. */
static struct broker_answer answer_limit(struct fence_listener *listener, const struct broker_call *call) {
  const pid_t whose = call->number == __NR_prlimit64 ? (pid_t)call->arguments[0] : 0;
  if ((whose != 0 && whose != listener->pid) || !target_is_threadproc(listener, call->tid)) return unchanged();
  return (struct broker_answer){.verdict = BROKER_DEFER_LIMIT};
}

/*
 * A SIGTSTP to itself, as editors and pagers send when a handler has told them of one: the kernel ignores it where
 * nobody could continue the process. Its launcher can. Where a stop would interrupt the call, it would be made again,
 * and stop again, each time that the process is continued.
 */
static struct broker_answer answer_stop(struct fence_listener *listener, const struct broker_call *call) {
  const pid_t whom = (pid_t)call->arguments[0], self = listener->pid;
  const bool is_group = call->number == __NR_kill && (whom == 0 || whom == -self);
  const bool is_itself = is_group || whom == self || (call->number == __NR_tkill && whom == call->tid);
  if (!calls_stay() || !call->shares || !is_itself || !process_has_lone_stop(self)) return unchanged();
  listener->stopped_itself = is_group ? -SIGTSTP : SIGTSTP;
  if (kill(is_group ? -self : self, SIGSTOP) == 0) return result(0);
  listener->stopped_itself = 0;
  return unchanged();
}

static struct broker_answer answer_of_memory(struct fence_listener *listener, const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
    case __NR_mmap:
      return answer_mmap(listener, call);
    case __NR_munmap:
      return answer_munmap(listener, without_tag(a[0]), a[1]);
    case __NR_mremap:
      return answer_mremap(listener, call);
    case __NR_brk:
      return result(memory_break(listener->memory, a[0]));
    case __NR_shmat:
      return attach(listener, call);
    case __NR_shmdt:
      return result(-EINVAL);
    case __NR_mprotect:
    case __NR_pkey_mprotect:
      return if_owned(listener, call, -ENOMEM, -EACCES);
    case __NR_madvise:
      return answer_madvise(listener, call);
    case __NR_mlock:
    case __NR_mlock2:
      return answer_mlock(listener, call);
    case __NR_munlock:
      return answer_munlock(listener, call);
    case __NR_msync:
      return if_owned(listener, call, -ENOMEM, -ENOMEM);
    case __NR_mbind:
    case __NR_set_mempolicy_home_node:
      return if_owned(listener, call, -EFAULT, -EFAULT);
    case __NR_remap_file_pages:
      return if_owned(listener, call, -EINVAL, -EINVAL);
    case __NR_munlockall:
      return result(0);
    case __NR_prctl:
      return control(listener, call);
    case __NR_kill:
    case __NR_tkill:
    case __NR_tgkill:
      return answer_stop(listener, call);
    case __NR_prlimit64:
    case __NR_getrlimit:
    case __NR_setrlimit:
      return answer_limit(listener, call);
    case __NR_io_setup:
      return (struct broker_answer){.verdict = BROKER_DEFER_AIO};
    case __NR_io_destroy:
      return memory_forget_aio(listener->memory, a[0]) ? unchanged() : result(-EINVAL);
    case __NR_pkey_alloc:
    case __NR_pkey_free:
    case __NR_map_shadow_stack:
#ifdef __NR_modify_ldt
    case __NR_modify_ldt:
#endif
      return answer_of_processor(call);
    case __NR_ptrace: /* to another process than the host */
      return unchanged();
    default: /* mlockall, mseal, process_madvise */
      return result(-EPERM);
  }
}

/* Of a forked child, too, whose copy of the memory has the same vector; what is executed has the kernel's. */
static bool asks_for_auxv(const struct broker_call *call) {
  return call->number == __NR_prctl && (int)call->arguments[0] == PR_GET_AUXV && !target_has_execed(call);
}

/* A program that execs in place leaves the address space; what its children do is theirs. */
static bool may_not_exec(struct fence_listener *listener, const struct broker_call *call) {
  if (!listener->stay || (call->number != __NR_execve && call->number != __NR_execveat) || !call->shares) return false;
  if (!target_is_threadproc(listener, call->tid)) return false;
  listener->exec = TPROC_EXEC_REFUSED;
  return true;
}

/* Of a program that never forks: what it has exec'd has a memory of its own, and may. */
static bool would_fork(const struct broker_call *call) {
  switch (call->number) {
#ifdef __NR_fork
    case __NR_fork:
#endif
    case __NR_clone:
    case __NR_clone3:
      return call->shares;
    default:
      return false;
  }
}

/*
 * What a child execs has a memory that the kernel can count, and the program's limits with it. Of a forked child that
 * goes on, since its exec has failed, the kernel would count the shared heap. (The program itself has none yet: its
 * exec may fail, too.)
 */
static void pass_limits_on(struct fence_listener *listener, const struct broker_call *call) {
  const bool execs = call->number == __NR_execve || call->number == __NR_execveat;
  if (listener->memory == NULL || (call->shares && !execs) || !memory_is_limited(listener->memory)) return;
  if (target_is_threadproc(listener, call->tid)) return;
  if (execs)
    target_limit_memory(listener->memory, call->tid);
  else
    target_unlimit_memory(listener->memory, call->tid);
}

/*
 * A memory of the caller's own. A forked child's is a copy of the host's, whose break stays. What has executed another
 * program gets here when that runs at the fence's own addresses; it has a break, without which static programs of older
 * C libraries do not start. It goes no further than a threadproc's, for the same reason: what malloc asks for later may
 * not be a question (docs/limits.md).
 */
static struct broker_answer break_elsewhere(const struct broker_call *call) {
  if (!target_has_execed(call)) return result(0);
  return call->arguments[0] <= process_break_start(call->tid) + BREAK_SIZE ? unchanged() : result(0);
}

/* Who stopped the host would wait for it with the next question, and nobody else could go on either. */
static bool would_stop_host(const struct broker_call *call) {
  if (call->number != __NR_ptrace) return false;
  const int request = (int)call->arguments[0];
  if (request != PTRACE_ATTACH && request != PTRACE_SEIZE) return false;
  return syscall(SYS_tgkill, getpid(), (pid_t)call->arguments[1], 0) == 0;
}

struct broker_answer broker_answer_call(struct broker_context *context, struct fence_listener *listener,
                                        struct broker_call *call) {
  struct broker_answer executable, timer;
  if (may_not_exec(listener, call)) return result(-EPERM);
  if (would_fork(call)) return result(-ENOSYS);
  if (would_stop_host(call)) return result(-EPERM);
  pass_limits_on(listener, call);
  if (proc_self_exe_answer(context, listener, call, &executable)) return executable;
  if (interval_timer_answer(context, listener, call, &timer)) return timer;
  if (asks_for_auxv(call)) return (struct broker_answer){.verdict = BROKER_DEFER_AUXV};
  if (!call->shares) /* it can harm only its own memory */
    return call->number == __NR_brk ? break_elsewhere(call) : unchanged();
  return listener->memory != NULL ? answer_of_memory(listener, call) : result(-ENOMEM);
}
