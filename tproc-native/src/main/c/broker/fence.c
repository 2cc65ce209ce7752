#include "broker/fence.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/compat.h"
#include "base/page.h"
#include "memory/pieces.h"

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOW_HALF(field) ((unsigned)offsetof(struct seccomp_data, field))
#define HIGH_HALF(field) (LOW_HALF(field) + 4)

/* Where a jump goes. Everything else falls through to the next instruction. */
enum label {
  NEXT,
  ALLOW,
  ASK,
  CALLER,
  DECIDE,
  PROGRAM,
  FIXED,
  RANGE,
  LARGE,
  FILL,
  ADVICE,
  LENGTH,
  NAMED,
  NAMED_LENGTH,
  ADDRESS,
  BREAK,
  BREAK_LOW,
  REFUSE,
  MAP,
  REMAP,
  CONTROL,
  TRACE,
  PATH,
  PATH_SINGLE,
  PATH_SINGLE_LAST = PATH_SINGLE + FENCE_PATHS_MAX,
  PATH_FILES,
  PATH_ARGUMENTS,
  STAT_AT,
  STAT_EXTENDED,
  EMPTY_PATH,
  PATH_AT,
  PATH_AT_SINGLE,
  PATH_AT_SINGLE_LAST = PATH_AT_SINGLE + FENCE_PATHS_MAX,
  PATH_AT_FILES,
  PATH_AT_ARGUMENTS,
  FORK,
  LIMIT_OF,
  LIMIT,
  LIMITED,
  EXECUTE,
  EXECUTE_STACK,
  STOP,
  STOP_THREAD,
  LABEL_COUNT
};

/* An assembler of the smallest kind: jumps name labels, and are resolved when all is written. */
struct assembler {
  struct fence *fence;
  unsigned char when_true[FENCE_INSTRUCTIONS_MAX];
  unsigned char when_false[FENCE_INSTRUCTIONS_MAX];
  unsigned short place[LABEL_COUNT];
  bool too_far; /* a jump cannot be that long */
};

static void emit(struct assembler *to, unsigned code, unsigned operand, enum label when_true, enum label when_false) {
  const unsigned short at = to->fence->length++;
  to->fence->instructions[at] = (struct sock_filter){.code = (unsigned short)code, .k = operand};
  to->when_true[at] = (unsigned char)when_true;
  to->when_false[at] = (unsigned char)when_false;
}

static void load(struct assembler *to, unsigned offset) { emit(to, BPF_LD | BPF_W | BPF_ABS, offset, NEXT, NEXT); }

static void jump_if(struct assembler *to, unsigned condition, unsigned operand, enum label yes, enum label no) {
  emit(to, BPF_JMP | condition | BPF_K, operand, yes, no);
}

static void answer(struct assembler *to, unsigned action) { emit(to, BPF_RET | BPF_K, action, NEXT, NEXT); }

static void here(struct assembler *to, enum label label) { to->place[label] = to->fence->length; }

/* How many instructions are jumped over. */
static unsigned char distance(struct assembler *to, unsigned short at, unsigned char label) {
  const int distance = label == NEXT ? 0 : to->place[label] - at - 1;
  if (distance < 0 || distance > UCHAR_MAX) to->too_far = true;
  return (unsigned char)distance;
}

/* Backwards: ALLOW and ASK are in several places, of which a jump goes to the next. */
static void resolve(struct assembler *to) {
  for (unsigned short at = to->fence->length; at-- > 0;) {
    struct sock_filter *instruction = &to->fence->instructions[at];
    if (instruction->code == (BPF_RET | BPF_K) && instruction->k == SECCOMP_RET_ALLOW) to->place[ALLOW] = at;
    if (instruction->code == (BPF_RET | BPF_K) && instruction->k == SECCOMP_RET_USER_NOTIF) to->place[ASK] = at;
    instruction->jt = distance(to, at, to->when_true[at]);
    instruction->jf = distance(to, at, to->when_false[at]);
  }
  if (to->too_far) to->fence->length = 0; /* which the kernel refuses */
}

struct fenced_call {
  unsigned number;
  enum label decided_at;
};

/* The calls that the fence looks at, and where it decides on each. All others are allowed. */
static const struct fenced_call fenced_calls[] = {
    {__NR_brk, BREAK},
    {__NR_shmat, ASK},
    {__NR_remap_file_pages, ASK},
    {__NR_process_madvise, ASK},
    {__NR_mlockall, ASK},
    {__NR_munlockall, ASK},
    {__NR_mseal, ASK},
    {__NR_io_setup, ASK},
    {__NR_io_destroy, ASK},
    {__NR_pkey_alloc, ASK},
    {__NR_pkey_free, ASK},
    {__NR_map_shadow_stack, ASK},
#ifdef __NR_modify_ldt
    {__NR_modify_ldt, ASK},
#endif
    {__NR_readlinkat, ASK},
    {__NR_execve, EXECUTE},
    {__NR_execveat, ASK},
#ifdef __NR_readlink
    {__NR_readlink, ASK},
#endif
    /* The first arguments are an address and a length. */
    {__NR_munmap, LARGE},
    {__NR_mprotect, RANGE},
    {__NR_madvise, ADVICE},
    {__NR_pkey_mprotect, RANGE},
    {__NR_mbind, RANGE},
    {__NR_set_mempolicy_home_node, RANGE},
    {__NR_mlock, FILL},
    {__NR_mlock2, FILL},
    {__NR_munlock, LARGE},
    {__NR_msync, RANGE},
    {__NR_shmdt, ADDRESS},
    {__NR_mmap, MAP},
    {__NR_mremap, REMAP},
    {__NR_prctl, CONTROL},
    {__NR_ptrace, TRACE},
    {__NR_kill, STOP},
    {__NR_tkill, STOP},
    {__NR_tgkill, STOP_THREAD},
    {__NR_prlimit64, LIMIT_OF},
    {__NR_getrlimit, LIMIT},
    {__NR_setrlimit, LIMIT},
/* The first argument is a path. */
#ifdef __NR_open
    {__NR_open, PATH},
    {__NR_stat, PATH},
#endif
    /* The second argument is a path. */
    {__NR_openat, PATH_AT},
    {__NR_openat2, PATH_AT},
    {__NR_name_to_handle_at, PATH_AT},
    {__NR_newfstatat, STAT_AT},
    {__NR_statx, STAT_EXTENDED},
#if defined(__x86_64__) /* where who asks can be traced in time for its first signal, and keeps its calls by that */
    {__NR_setitimer, ASK},
    {__NR_timer_settime, ASK},
#endif
};

/* Of a program that never forks, too. The first argument are the flags, which clone3 has in memory. */
static const struct fenced_call forking_calls[] = {
    {__NR_clone, FORK},
    {__NR_clone3, ASK},
#ifdef __NR_fork
    {__NR_fork, ASK},
#endif
};

/* Controls that act on the whole address space, or on what ties a threadproc to its host. */
static const unsigned asked_controls[] = {PR_SET_DUMPABLE,    PR_GET_DUMPABLE,     PR_SET_MM,
                                          PR_SET_THP_DISABLE, PR_SET_MDWE,         PR_SET_PDEATHSIG,
                                          PR_GET_PDEATHSIG,   PR_SET_MEMORY_MERGE, PR_GET_AUXV};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Jumps to `common`, or with NEXT to where the table says. */
static void sort_by_table(struct assembler *to, const struct fenced_call *calls, size_t count, enum label common) {
  for (size_t i = 0; i < count; i++)
    jump_if(to, BPF_JEQ, calls[i].number, common != NEXT ? common : calls[i].decided_at, NEXT);
}

/* A call that is in no table is allowed. */
static void sort_by_number(struct assembler *to, bool never_forks, enum label common) {
  sort_by_table(to, fenced_calls, COUNT(fenced_calls), common);
  if (never_forks) sort_by_table(to, forking_calls, COUNT(forking_calls), common);
  answer(to, SECCOMP_RET_ALLOW);
}

/* A range either consists of whole 4 GiB, and the upper half of an address tells, or it lies within one. */
static void check_inside(struct assembler *to, unsigned low_half, struct address_range range, enum label yes,
                         enum label no) {
  load(to, low_half + 4);
  if ((unsigned)range.low == 0 && (unsigned)range.high == 0) {
    jump_if(to, BPF_JGE, (unsigned)(range.low >> 32), NEXT, no);
    jump_if(to, BPF_JGE, (unsigned)(range.high >> 32), no, yes);
  } else {
    jump_if(to, BPF_JEQ, (unsigned)(range.low >> 32), NEXT, no);
    load(to, low_half);
    jump_if(to, BPF_JGE, (unsigned)range.low, NEXT, no);
    jump_if(to, BPF_JGT, (unsigned)(range.high - 1), no, yes);
  }
}

/* What lies in several of 4 GiB counts as all of them: an image for fixed addresses, or a large one. */
static struct address_range checkable(struct address_range range) {
  const uint64_t whole = 1ull << 32;
  if (range_size(range) == 0 || range.low >> 32 == (range.high - 1) >> 32) return range;
  return (struct address_range){align_down(range.low, whole), align_up(range.high, whole)};
}

/* Rule 2. */
static void check_caller(struct assembler *to, const struct slot *slot, struct address_range program) {
  const bool apart = !range_covers(slot->whole, program);
  check_inside(to, LOW_HALF(instruction_pointer), slot->whole, DECIDE, apart ? PROGRAM : ALLOW);
  here(to, PROGRAM);
  if (apart) check_inside(to, LOW_HALF(instruction_pointer), program, DECIDE, ALLOW);
}

/* Rule 3: what starts in the usable part and is no longer than the empty rest of the slot ends in the slot. */
static void check_range(struct assembler *to, const struct slot *slot, unsigned address, enum label length) {
  const uint64_t rest = slot->whole.high - slot->usable.high;
  const unsigned size = address + (unsigned)sizeof(uint64_t);
  check_inside(to, address, slot->usable, length, ASK);
  here(to, length);
  load(to, size + 4);
  jump_if(to, BPF_JEQ, 0, NEXT, ASK);
  load(to, size);
  jump_if(to, BPF_JGT, rest > UINT32_MAX ? UINT32_MAX : (unsigned)rest, ASK, ALLOW);
}

/* Rule 8. */
static void check_break(struct assembler *to, uint64_t max) {
  load(to, HIGH_HALF(args[0]));
  jump_if(to, BPF_JGT, (unsigned)(max >> 32), REFUSE, NEXT);
  jump_if(to, BPF_JEQ, (unsigned)(max >> 32), BREAK_LOW, ASK);
  here(to, BREAK_LOW);
  load(to, LOW_HALF(args[0]));
  jump_if(to, BPF_JGT, (unsigned)max, REFUSE, ASK);
  here(to, REFUSE);
  answer(to, SECCOMP_RET_ERRNO | 0);
}

/* Of rule 3, too: what would keep all others waiting is done in pieces. */
static void check_size(struct assembler *to, uint64_t at_once) {
  load(to, HIGH_HALF(args[1]));
  jump_if(to, BPF_JEQ, 0, NEXT, ASK);
  load(to, LOW_HALF(args[1]));
  jump_if(to, BPF_JGT, (unsigned)at_once, ASK, RANGE);
}

static void check_advice(struct assembler *to) {
  load(to, LOW_HALF(args[2]));
  jump_if(to, BPF_JEQ, MADV_POPULATE_READ, FILL, NEXT);
  jump_if(to, BPF_JEQ, MADV_POPULATE_WRITE, FILL, LARGE);
}

static void check_remap(struct assembler *to) {
  load(to, LOW_HALF(args[3]));
  jump_if(to, BPF_JSET, ~(unsigned)MREMAP_MAYMOVE, ASK, NEXT);
  load(to, HIGH_HALF(args[2]));
  jump_if(to, BPF_JEQ, 0, NEXT, ASK);
  load(to, LOW_HALF(args[1]));
  emit(to, BPF_MISC | BPF_TAX, 0, NEXT, NEXT);
  load(to, LOW_HALF(args[2]));
  emit(to, BPF_JMP | BPF_JGT | BPF_X, 0, ASK, LARGE); /* new size greater than old? */
}

static void check_path_in(struct assembler *to, struct address_range range, unsigned argument, enum label otherwise) {
  if (range_size(range) > 0) check_inside(to, argument, range, ASK, otherwise);
}

/* Rule 4. The labels are those between the comparisons; one for each of the single paths, from `single` on. */
static void check_path(struct assembler *to, const struct fence_content *content, unsigned argument, unsigned single,
                       enum label files, enum label arguments) {
  check_path_in(to, checkable(content->constants), argument, (enum label)single);
  for (unsigned i = 0; i < content->path_count; i++) {
    here(to, (enum label)(single + i));
    check_path_in(to, checkable(content->paths[i]), argument, (enum label)(single + i + 1));
  }
  here(to, (enum label)(single + (unsigned)content->path_count));
  here(to, files);
  check_path_in(to, content->files, argument, arguments);
  here(to, arguments);
  check_path_in(to, content->arguments, argument, ALLOW);
  answer(to, SECCOMP_RET_ALLOW);
}

/* Rule 5. */
static void check_execute(struct assembler *to, const struct fence_content *content) {
  const struct address_range texts = content->executed_texts, stack = content->executed_stack;
  if (range_size(texts) > 0) check_inside(to, LOW_HALF(args[0]), texts, ALLOW, EXECUTE_STACK);
  here(to, EXECUTE_STACK);
  if (range_size(stack) > 0) check_inside(to, LOW_HALF(args[0]), stack, ALLOW, ASK);
  answer(to, SECCOMP_RET_USER_NOTIF);
}

static bool opens(long number) {
#ifdef __NR_open
  if (number == __NR_open) return true;
#endif
  return number == __NR_openat || number == __NR_openat2;
}

bool fence_is_uninterrupted(long number) {
  for (size_t i = 0; i < COUNT(fenced_calls); i++)
    if ((long)fenced_calls[i].number == number) return !opens(number);
  return false;
}

void fence_build_open(struct fence *fence) {
  memset(fence, 0, sizeof *fence);
  fence->instructions[0] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
  fence->length = 1;
}

void fence_build(struct fence *fence, const struct fence_content *content) {
  const struct slot *slot = content->slot;
  struct assembler to;
  memset(&to, 0, sizeof to);
  memset(fence, 0, sizeof *fence);
  to.fence = fence;

  load(&to, LOW_HALF(arch));
  jump_if(&to, BPF_JEQ, OWN_ARCHITECTURE, NEXT, ALLOW);
  load(&to, LOW_HALF(nr));
  sort_by_number(&to, content->never_forks, CALLER); /* rule 1 */
  here(&to, CALLER);
  check_caller(&to, slot, checkable(content->program));

  here(&to, DECIDE);
  load(&to, LOW_HALF(nr));
  sort_by_number(&to, content->never_forks, NEXT);

  here(&to, EXECUTE); /* first, as its number is among the first, and an ASK that these reach */
  check_execute(&to, content);

  here(&to, MAP);
  load(&to, LOW_HALF(args[3]));
  jump_if(&to, BPF_JSET, MAP_FIXED | MAP_FIXED_NOREPLACE, FIXED, ASK);
  here(&to, FIXED);
  jump_if(&to, BPF_JSET, MAP_LOCKED, RANGE, NEXT); /* which of several errors it has, the kernel alone knows */
  jump_if(&to, BPF_JSET, MAP_POPULATE, FILL, LARGE);

  here(&to, REMAP);
  check_remap(&to);

  here(&to, ADVICE);
  check_advice(&to);
  here(&to, FILL);
  check_size(&to, POPULATED_AT_ONCE);
  here(&to, LARGE);
  check_size(&to, UNMAPPED_AT_ONCE);

  here(&to, RANGE);
  check_range(&to, slot, LOW_HALF(args[0]), LENGTH);

  here(&to, ADDRESS);
  check_inside(&to, LOW_HALF(args[0]), slot->usable, ALLOW, ASK);

  here(&to, BREAK);
  check_break(&to, content->heap.high);

  here(&to, FORK); /* rule 6 */
  load(&to, LOW_HALF(args[0]));
  jump_if(&to, BPF_JSET, CLONE_VM, ALLOW, ASK);

  here(&to, LIMIT_OF);
  load(&to, LOW_HALF(args[1]));
  jump_if(&to, BPF_JEQ, RLIMIT_AS, ASK, LIMITED);
  here(&to, LIMIT);
  load(&to, LOW_HALF(args[0]));
  jump_if(&to, BPF_JEQ, RLIMIT_AS, ASK, LIMITED);
  here(&to, LIMITED);
  jump_if(&to, BPF_JEQ, RLIMIT_DATA, ASK, ALLOW);

  here(&to, STOP_THREAD); /* rule 11 */
  load(&to, LOW_HALF(args[2]));
  jump_if(&to, BPF_JEQ, SIGTSTP, ASK, ALLOW);
  here(&to, STOP);
  load(&to, LOW_HALF(args[1]));
  jump_if(&to, BPF_JEQ, SIGTSTP, ASK, ALLOW);

  here(&to, CONTROL);
  load(&to, LOW_HALF(args[0]));
  for (size_t i = 0; i < COUNT(asked_controls); i++) jump_if(&to, BPF_JEQ, asked_controls[i], ASK, NEXT);
  jump_if(&to, BPF_JEQ, PR_SET_VMA, NAMED, ALLOW);
  here(&to, NAMED);
  check_range(&to, slot, LOW_HALF(args[2]), NAMED_LENGTH);

  here(&to, TRACE); /* rule 10 */
  load(&to, LOW_HALF(args[0]));
  jump_if(&to, BPF_JEQ, PTRACE_ATTACH, ASK, NEXT);
  jump_if(&to, BPF_JEQ, PTRACE_SEIZE, ASK, ALLOW);

  here(&to, PATH);
  check_path(&to, content, LOW_HALF(args[0]), PATH_SINGLE, PATH_FILES, PATH_ARGUMENTS);
  here(&to, STAT_AT);
  load(&to, LOW_HALF(args[3]));
  jump_if(&to, BPF_JSET, AT_EMPTY_PATH, EMPTY_PATH, PATH_AT);
  here(&to, STAT_EXTENDED);
  load(&to, LOW_HALF(args[2]));
  jump_if(&to, BPF_JSET, AT_EMPTY_PATH, EMPTY_PATH, PATH_AT);
  here(&to, EMPTY_PATH); /* of an open file: fstat */
  load(&to, LOW_HALF(args[0]));
  jump_if(&to, BPF_JGT, INT_MAX, PATH_AT, ALLOW);
  here(&to, PATH_AT);
  check_path(&to, content, LOW_HALF(args[1]), PATH_AT_SINGLE, PATH_AT_FILES, PATH_AT_ARGUMENTS);

  answer(&to, SECCOMP_RET_USER_NOTIF);
  answer(&to, SECCOMP_RET_ALLOW);
  resolve(&to);
}
