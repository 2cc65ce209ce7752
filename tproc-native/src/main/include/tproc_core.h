/*
 * The core's one public header: everything above it (the JNI glue, the C tests, the listening host) includes this and
 * nothing else of tproc-native.
 *
 * A *host* is a process that shares its address space. A *threadproc* is an unmodified native program that the host
 * maps into that address space and starts as a Linux process of its own: own pid, descriptors, signals, libc, exit.
 *
 * Errors: a function that can fail returns 0 (or a documented non-negative value) on success and a negative errno on
 * failure, and then fills in *error when error is not NULL. A failed call leaves nothing behind: no mapping, no
 * descriptor, no process, no thread.
 *
 * Threads: every function may be called from any thread, at the same time as any other on the same host, unless its
 * comment says otherwise. What must not overlap is the use of a handle with the call that frees it
 * (tproc_threadproc_close, tproc_host_close).
 */
#ifndef TPROC_CORE_H
#define TPROC_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes in the scratch page that all threadprocs of a host share. */
#define TPROC_SCRATCH_SIZE 4096

/** Longest message in a tproc_error, with its terminating NUL. A longer one is cut. */
#define TPROC_MESSAGE_SIZE 1024

/** What went wrong: step, subject and cause, ready to be shown to a user. */
struct tproc_error {
  int code;                         /**< positive errno; 0 when there is no error */
  char message[TPROC_MESSAGE_SIZE]; /**< "cannot host /x/y: PT_INTERP /lib/ld.so: No such file or directory (ENOENT)" */
};

/** A process's shared address space and its native state. */
struct tproc_host;

/** One hosted program: its process and its memory. */
struct tproc_threadproc;

/* ---- the machine -------------------------------------------------------------------------------------------- */

/** How a finding of tproc_check bears on hosting. */
enum tproc_verdict {
  TPROC_OK = 0,      /**< there, and used */
  TPROC_LIMITED = 1, /**< hosting works without it or with it as it is; the advice says what is lost */
  TPROC_MISSING = 2  /**< hosting is impossible without it; the advice says what to do */
};

/** One thing that hosting needs or profits from, as found on this machine. */
struct tproc_finding {
  const char *name; /**< static, stable, lower case with '-': "kernel", "clone3", "seccomp-listener", … */
  enum tproc_verdict verdict;
  char value[128];  /**< what was found: "6.1.0", "yes", "EPERM", "65530" */
  char advice[384]; /**< empty when the verdict is TPROC_OK */
};

/** More than tproc_check ever reports. */
#define TPROC_FINDINGS_MAX 32

/**
 * Probes this machine, and launches a tiny program when nothing speaks against it. Nothing outlives the call.
 *
 * @param findings room for `capacity` entries; owned by the caller
 * @return the number of findings written (at most `capacity`)
 */
size_t tproc_check(struct tproc_finding *findings, size_t capacity);

/* ---- the host ----------------------------------------------------------------------------------------------- */

/**
 * Makes the calling process a host: checks the machine, maps the scratch page, starts the native thread that clones
 * threadprocs. One process may open several hosts.
 *
 * @param host receives the host; free it with tproc_host_close
 * @return 0; -ENOSYS or -EPERM when the machine lacks something (the message says what, and what to do); -ENOMEM,
 * -EAGAIN
 */
int tproc_host_open(struct tproc_host **host, struct tproc_error *error);

/** What a host is opened with. All zero: as tproc_host_open does. */
struct tproc_host_options {
  /** Bytes of the shared heap. 0: the machine's memory, at most 64 GiB and 1/1024 of the address space. */
  uint64_t heap_size;
};

/** As tproc_host_open. */
int tproc_host_open_with(struct tproc_host **host, const struct tproc_host_options *options, struct tproc_error *error);

/**
 * Kills and collects every threadproc that still runs, releases the memory of all of them, and frees the host and every
 * handle. Blocks until all are gone. No other call on this host or its threadprocs may be under way or follow.
 */
void tproc_host_close(struct tproc_host *host);

/**
 * Whether a thread of a host or listening host that has been closed has been left to itself, since a file system does
 * not answer it: 1 or 0. Who has loaded this library must not unload it from then on.
 */
int tproc_has_left_threads(void);

/** The shared scratch page: TPROC_SCRATCH_SIZE bytes, zeroed at open, valid until tproc_host_close. Never NULL. */
void *tproc_host_scratch(const struct tproc_host *host);

/* ---- starting a threadproc ---------------------------------------------------------------------------------- */

/** No descriptor: the threadproc starts with this number of 0-2 closed. */
#define TPROC_FD_CLOSED (-1)

/** Keep the host's umask. */
#define TPROC_UMASK_INHERIT (-1)

/** Most entries of tproc_launch.descriptors. */
#define TPROC_DESCRIPTORS_MAX 1024

/** Entries of tproc_launch.limits: the kernel's RLIM_NLIMITS. */
#define TPROC_LIMIT_COUNT 16

/** No limit, in a tproc_limit: the kernel's RLIM64_INFINITY. */
#define TPROC_LIMIT_INFINITY UINT64_MAX

/** Most words of tproc_launch.cpus: as many as a kernel can be built for. */
#define TPROC_CPU_WORDS_MAX 128

/** Bits of tproc_launch.flags. */
enum tproc_launch_flag {
  TPROC_LAUNCH_SESSION = 1 << 0,      /**< the leader of a new session and process group (setsid) */
  TPROC_LAUNCH_TERMINAL = 1 << 1,     /**< as SESSION, and stdio[0] becomes its controlling terminal (TIOCSCTTY) */
  TPROC_LAUNCH_DIRECTORY_FD = 1 << 2, /**< the working directory is directory_fd */
  TPROC_LAUNCH_NICE = 1 << 3,         /**< with the nice value given, instead of the host's */
  TPROC_LAUNCH_LIMITS = 1 << 4,       /**< with the limits given, instead of the host's */
  /** What is neither an ELF file nor begins with #! is given to /bin/sh, as execvp(3) and shells do. */
  TPROC_LAUNCH_SHELL = 1 << 5,
  /**
   * A thread of the host's traces the threadproc (PTRACE_SEIZE), so that tproc_threadproc_crash knows where a signal
   * has ended it. Then no debugger can attach, and each signal takes longer; but no call that waits for the host is
   * interrupted by one (opening a file is). Not what it forks or execs.
   * Without this flag, too, one is traced on x86_64 from when it sets a timer that repeats, so that the calls are not
   * interrupted; unless it was held (TPROC_LAUNCH_HOLD) or tracing is forbidden, and nothing is told of its crash.
   */
  TPROC_LAUNCH_CRASH_REPORT = 1 << 6,
  /**
   * The threadproc may not exec another program, with which it would leave the address space: execve fails with EPERM.
   * Its forked and vforked children may.
   */
  TPROC_LAUNCH_STAY = 1 << 7,
  /**
   * The threadproc never forks: fork, and clone without CLONE_VM, fail with ENOSYS. In return a fork() of another
   * threadproc does not copy its memory, which that one's child then does not see. Threads, vfork, posix_spawn and what
   * builds on them (system, popen) are as ever, and what it execs may fork. clone3 fails with ENOSYS, too: it would
   * hide what it asks for, and libcs do without it.
   */
  TPROC_LAUNCH_NEVER_FORKS = 1 << 8,
  TPROC_LAUNCH_SCHEDULING = 1 << 9,   /**< with the scheduling policy and priority given, instead of the host's */
  TPROC_LAUNCH_IO_PRIORITY = 1 << 10, /**< with the I/O priority given, instead of the host's */
  TPROC_LAUNCH_PERSONALITY = 1 << 11, /**< with the personality given, instead of the host's */
  /**
   * What the host has no right to give (a nice value, limit, policy, I/O priority, personality, CPUs) fails with EPERM
   * or EACCES, and CPUs of which it may use none with EINVAL. Without this the program starts with the nearest that can
   * be had, which is the host's own.
   */
  TPROC_LAUNCH_EXACT = 1 << 12,
  /** As TERMINAL, but terminal_fd becomes the controlling terminal, and is not among the threadproc's descriptors. */
  TPROC_LAUNCH_TERMINAL_FD = 1 << 13,
  /**
   * Where the fixed addresses of a program (ET_EXEC) are taken, it is started as an ordinary process, with all else as
   * for a threadproc; tproc_threadproc_exec says so. Not with STAY.
   */
  TPROC_LAUNCH_SPILL = 1 << 14,
  /**
   * It waits before its first instruction for a SIGCONT: a debugger has time to attach. Signals that are not blocked
   * act as on a program that handles none. What SPILL starts as an ordinary process does not wait.
   */
  TPROC_LAUNCH_HOLD = 1 << 15
};

/** A descriptor for the threadproc beyond 0-2. */
struct tproc_descriptor {
  int number; /**< its number there: 3 or above, below the host's hard RLIMIT_NOFILE, given once */
  int source; /**< the host's descriptor that is duplicated; may be given more than once; stays the caller's */
};

/** A resource limit, in the unit of its resource; soft <= hard. */
struct tproc_limit {
  uint64_t soft; /**< or TPROC_LIMIT_INFINITY */
  uint64_t hard; /**< or TPROC_LIMIT_INFINITY */
};

/**
 * What to start, and with what. Everything pointed to is only read, and only during the call. What is zero from flags
 * on means: as a program started by the host itself, with all signals at their defaults and unblocked.
 */
struct tproc_launch {
  const char *program;     /**< a path (has a '/'), or a name looked up in search_path as execvp does */
  const char *search_path; /**< colon-separated, as PATH; NULL: "/bin:/usr/bin" */
  const char *const *argv; /**< NULL-terminated, at least argv[0] */
  const char *const *envp; /**< NULL-terminated, may be empty; the whole environment, nothing is inherited */
  const char *directory;   /**< working directory, resolved against the host's; NULL: the host's */
  int stdio[3];     /**< descriptors of the host, duplicated onto 0, 1, 2; or TPROC_FD_CLOSED. Stay the caller's. */
  int umask;        /**< 0-0777, or TPROC_UMASK_INHERIT */
  unsigned carried; /**< bit n: stdio[n] is of tproc_carry_file, and means the file. 1 and 2 may be the same one. */

  unsigned flags; /**< of enum tproc_launch_flag */
  /**
   * With TPROC_LAUNCH_DIRECTORY_FD (directory is NULL then): a descriptor of the working directory, which may be opened
   * with O_PATH and may have been deleted. Relative programs and relative entries of search_path start from it. Stays
   * the caller's.
   */
  int directory_fd;
  int terminal_fd; /**< with TPROC_LAUNCH_TERMINAL_FD: a descriptor of a terminal. Stays the caller's. */
  /** Further descriptors. Any permutation works: a number may also be the source of another entry, or of stdio. */
  const struct tproc_descriptor *descriptors;
  size_t descriptor_count;  /**< entries of descriptors, at most TPROC_DESCRIPTORS_MAX */
  uint64_t ignored_signals; /**< bit n-1: signal n starts ignored; not SIGKILL, not SIGSTOP */
  uint64_t blocked_signals; /**< bit n-1: signal n starts blocked; not SIGKILL, not SIGSTOP */
  /** With TPROC_LAUNCH_NICE: -20 to 19. See TPROC_LAUNCH_EXACT for one that the host has no right to give. */
  int nice;
  /** With TPROC_LAUNCH_SCHEDULING: SCHED_OTHER, _FIFO, _RR, _BATCH or _IDLE, maybe with SCHED_RESET_ON_FORK. */
  int policy;
  int priority;    /**< with SCHED_FIFO and SCHED_RR 1 to 99, else 0 */
  int io_priority; /**< with TPROC_LAUNCH_IO_PRIORITY: as ioprio_set(2) takes it; 0: none of its own */
  /**
   * With TPROC_LAUNCH_PERSONALITY: as personality(2) takes it. What acts when a program is executed (ADDR_NO_RANDOMIZE,
   * MMAP_PAGE_ZERO) moves nothing in the shared address space: the program sees it, and what it executes gets it.
   * READ_IMPLIES_EXEC is left out, as execve does.
   */
  unsigned personality;
  const uint64_t *cpus; /**< bit n%64 of word n/64: it may run on CPU n */
  size_t cpu_words;     /**< 0: on the host's; at most TPROC_CPU_WORDS_MAX */
  /**
   * With TPROC_LAUNCH_LIMITS: TPROC_LIMIT_COUNT entries, the index is RLIMIT_*. A hard limit that the host has no right
   * to give becomes the host's own, and a soft limit above that the same (see TPROC_LAUNCH_EXACT). The limit
   * RLIMIT_STACK also decides the size of the stack, and how long arguments and environment may be. RLIMIT_AS and
   * RLIMIT_DATA are kept by the host, since the kernel would count its memory and that of all threadprocs.
   * RLIMIT_NOFILE does not bear on descriptors.
   */
  const struct tproc_limit *limits;
  /**
   * Bytes of the shared heap that the threadproc and its forked children may own together, as blocks have room for
   * them; 0: no limit. Beyond it their allocations fail with ENOMEM, those of others do not. See docs/sharing.md.
   */
  uint64_t heap_limit;
};

/**
 * Opens a file for tproc_launch.stdio, which is then never in the caller's descriptor table: closing it there would
 * drop every POSIX record lock that the process has on it (fcntl(2)). May wait as open(2) does, but keeps no other
 * waiting. From any thread.
 *
 * @param flags of open(2): O_RDONLY, O_WRONLY, O_CREAT (mode 0666 less the umask), O_TRUNC, O_APPEND
 * @return a descriptor that holds the file for one launch, close-on-exec, the caller's to close, before the launch or
 *     after it; or a negative errno: those of open(2), EISDIR for a directory, of the limits on threads and descriptors
 */
int tproc_carry_file(const char *path, int flags, struct tproc_error *error);

/**
 * Starts a program. On return it is a process about to run its first instruction. The creating thread may end at once:
 * the threadproc does not depend on it, only on the host's process.
 *
 * The exit of the new threadproc is not collected before tproc_threadproc_watch, so that the caller can record its pid
 * while it certainly still names it.
 *
 * @param threadproc receives the handle; free it with tproc_threadproc_close
 * @return 0, or a negative errno as execve would give (ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP, ENOMEM, …), and for what
 * the launch asks for besides: -EBADF (a descriptor is not open, or its number out of range), -ENOTTY, -ENOTDIR,
 * -EINVAL; -EPERM when a terminal belongs to another session already, or it may not be traced for a crash report
 */
int tproc_host_launch(struct tproc_host *host, const struct tproc_launch *launch, struct tproc_threadproc **threadproc,
                      struct tproc_error *error);

/* ---- programs that are prepared ------------------------------------------------------------------------------ */

/** How many prepared programs a host has at most. */
#define TPROC_PREPARED_MAX 256

/** How far a prepared program has come. */
enum tproc_prepared_depth {
  TPROC_PREPARED_MAPPED = 1, /**< it is a process, and its file is mapped */
  TPROC_PREPARED_LINKED = 2, /**< and its dynamic linker has mapped and relocated all libraries */
  TPROC_PREPARED_READY = 3   /**< it has run until its call of tproc_ready, where it waits */
};

/** Programs of one kind, as tproc_host_prepare was told of them, and what became of them until now. */
struct tproc_prepared {
  char program[256];               /**< as it was given, cut; with the arguments of tproc_host_prepare_ready */
  enum tproc_prepared_depth depth; /**< of those that were made last; 0: none was */
  unsigned wanted, ready;          /**< how many are to wait, and wait */
  uint64_t mapped, resident;       /**< bytes of memory of all that wait, as in tproc_status */
  uint64_t started;                /**< launches that got one */
  uint64_t missed;                 /**< launches of the program that found none, or none with the same properties */
  uint64_t changed;                /**< thrown away at a launch: a file or what the host hands down has changed, … */
  uint64_t ended, expired;         /**< that have ended, or were too old */
  uint64_t failed;                 /**< attempts to make one */
  char problem[256];               /**< why the last attempt failed; empty: it did not */
};

/** Launches of a host. */
struct tproc_prepared_totals {
  uint64_t started;  /**< that got a prepared program */
  uint64_t ordinary; /**< that could have got one, and were started in the ordinary way */
};

/**
 * Starts programs ahead, as far as they go without what only a launch knows, and keeps so many of them waiting. A
 * launch that finds the same file, unchanged, with the same variables for the dynamic linker, gets one: it is then as
 * any other, only sooner. Returns when they wait.
 *
 * Arguments, descriptors and state of the launch are not looked at. Of a program for fixed addresses one can wait.
 *
 * @param count 0: none of that kind any more; at most TPROC_PREPARED_MAX of all kinds
 * @param age_max nanoseconds, after which one that waits is replaced; 0: never
 * @return 0, or a negative errno as tproc_host_launch gives them; -EAGAIN: a file of the program has changed just now;
 * -ENOTSUP: it is none that can be prepared; -ECANCELED: another call has meanwhile asked for none any more, or closes
 * the host
 */
int tproc_host_prepare(struct tproc_host *host, const struct tproc_launch *launch, unsigned count, uint64_t age_max,
                       struct tproc_error *error);

/**
 * The same of programs that cooperate: each runs, with the launch's arguments, environment and directory, until it
 * calls tproc_ready (tproc.h), and waits there. Meanwhile it reads from /dev/null, and what it writes goes to standard
 * error of the process that calls this. A launch gets one when it names the same program in the same way, has the same
 * arguments to begin with, and, if one of these names a file relative to the directory, the same directory.
 *
 * @param patience nanoseconds that each has to call tproc_ready
 * @return as tproc_host_prepare; -ESRCH: it has ended; -ETIMEDOUT: it has not called tproc_ready in time
 */
int tproc_host_prepare_ready(struct tproc_host *host, const struct tproc_launch *launch, unsigned count,
                             uint64_t age_max, uint64_t patience, struct tproc_error *error);

/**
 * What a host has prepared.
 *
 * @param totals may be NULL
 * @return how many kinds there are; the first `capacity` of them are written
 */
size_t tproc_host_prepared(struct tproc_host *host, struct tproc_prepared *entries, size_t capacity,
                           struct tproc_prepared_totals *totals);

/** The process id, in the host's pid namespace. */
pid_t tproc_threadproc_pid(const struct tproc_threadproc *threadproc);

/**
 * What the kernel would say of the program as it was started: the absolute path of its own file, and then what stands
 * before the arguments that were given after the first: the first itself, or for a script its interpreter, that one's
 * argument and the script. Each has its NUL.
 *
 * @param words is the threadproc's
 * @return its size in bytes
 */
size_t tproc_threadproc_executed(const struct tproc_threadproc *threadproc, const char **words);

/**
 * Hands the threadproc's exit to tproc_host_next_exit. Call it exactly once for each launch.
 *
 * @param context returned with the exit; never dereferenced
 */
int tproc_threadproc_watch(struct tproc_threadproc *threadproc, void *context, struct tproc_error *error);

/** Sends a signal through the pidfd: never to a recycled pid. Returns -ESRCH once the exit has been collected. */
int tproc_threadproc_signal(struct tproc_threadproc *threadproc, int signal, struct tproc_error *error);

/**
 * Releases the memory and the handle of a threadproc whose exit tproc_host_next_exit has returned.
 *
 * @return 0, or -EBUSY (and nothing is freed) when its exit has not been collected yet
 */
int tproc_threadproc_close(struct tproc_threadproc *threadproc, struct tproc_error *error);

/* ---- memory ------------------------------------------------------------------------------------------------- */

/** One mapping of a threadproc. */
struct tproc_mapping {
  uint64_t address;                               /**< first byte */
  uint64_t size;                                  /**< bytes */
  uint8_t readable, writable, executable, shared; /**< 0 or 1 */
  char name[256]; /**< file path, "[heap]", "[stack]", or "" for other anonymous memory; a longer path is cut */
};

/**
 * Lists what a threadproc has mapped right now: its slot's mappings and those it made outside. Also after its exit,
 * until it is closed.
 *
 * @param entries room for `capacity` entries; owned by the caller
 * @return how many mappings there are; only the first `capacity` were written
 */
size_t tproc_threadproc_memory(struct tproc_threadproc *threadproc, struct tproc_mapping *entries, size_t capacity);

/**
 * The threadproc that an address belongs to, mapped or not; NULL: it is the host's own, or free.
 *
 * @return a handle to be compared with; it may be closed by another thread at any time
 */
const struct tproc_threadproc *tproc_host_owner_of(struct tproc_host *host, const void *address);

/**
 * Lets forked children of threadprocs see a range of the host's memory. Without it they see none of the host's private
 * memory (the Java heap above all), so that a fork() neither copies nor stalls the host; threadprocs themselves always
 * see everything. Meant for buffers that forking programs hand on. Of a small mapping, such as an arena of malloc's,
 * the whole is shown. It stays so until the host is closed, also when the memory has been freed and is used anew. Any
 * number of ranges can be named; that one is shown already is found in a time that grows with their logarithm.
 *
 * @return 0, -EINVAL (no range of addresses), -ENOMEM
 */
int tproc_host_keep_in_forks(struct tproc_host *host, const void *address, size_t length, struct tproc_error *error);

/* ---- the shared heap ---------------------------------------------------------------------------------------- */

/*
 * Memory that the host, its threadprocs and their forked children allocate from together, and that any of them may free
 * (tproc.h of libtproc is the threadprocs' side). A block has an owner, whose end is its end: the host, or a process. A
 * threadproc's blocks can be read until it is closed.
 *
 * Where the machine refuses such memory (memfd_create, ulimit -v) a host opens without a heap, and these calls say
 * -ENOTSUP and why.
 */

/**
 * Allocates a block, uninitialised, that the host owns.
 *
 * @param alignment a power of two, in bytes; 16 and less is 16
 * @return 0; -EINVAL (the alignment), -ENOMEM (the heap is full), -EAGAIN (too many threads use it), -ENOTSUP
 */
int tproc_host_alloc(struct tproc_host *host, size_t size, size_t alignment, void **block, struct tproc_error *error);

/** Frees a block of any owner. @return 0; -EINVAL when no allocated block begins there; -ENOTSUP */
int tproc_host_free(struct tproc_host *host, void *block, struct tproc_error *error);

/**
 * Makes a block a process's: a threadproc's, a forked child's, or the host's own.
 *
 * @return 0; -EINVAL when no allocated block begins there; -ESRCH when the process has ended, or is none of this
 * host's; -EAGAIN; -ENOTSUP
 */
int tproc_host_give(struct tproc_host *host, void *block, pid_t pid, struct tproc_error *error);

/** Bytes that a block has room for; 0 when no allocated block begins there. */
size_t tproc_host_usable_size(struct tproc_host *host, const void *block);

/** The process that owns a block, which may have ended; 0 when no allocated block begins there. */
pid_t tproc_host_block_owner(struct tproc_host *host, const void *block);

/*
 * Arenas: graphs of objects in one block, which is given, sent and freed as one. A block is looked at by each of these
 * calls: -EPROTO when it is no arena. One thread at a time uses an arena.
 */

/** Makes an empty arena, a block of the host's. @return as tproc_host_alloc */
int tproc_host_arena_create(struct tproc_host *host, size_t capacity, void **arena, struct tproc_error *error);

/** Room in an arena, uninitialised. @return 0; -ENOMEM; -EINVAL (the alignment); -EPROTO; -ENOTSUP */
int tproc_host_arena_alloc(struct tproc_host *host, void *arena, size_t size, size_t alignment, void **object,
                           struct tproc_error *error);

/** Makes room free again. @return 0; -EINVAL: it cannot have handed out such room; -EPROTO; -ENOTSUP */
int tproc_host_arena_free(struct tproc_host *host, void *arena, void *object, size_t size, struct tproc_error *error);

/** Says where a receiver begins. @return 0; -EINVAL: not in the arena, or too long a type; -EPROTO; -ENOTSUP */
int tproc_host_arena_set_root(struct tproc_host *host, void *arena, void *root, const char *type,
                              struct tproc_error *error);

/**
 * Where a receiver begins.
 *
 * @param type NULL: any
 * @return 0; -EPROTO: no arena, or one without a root; -EPROTOTYPE: the root is of another type; -ENOTSUP
 */
int tproc_host_arena_root(struct tproc_host *host, void *block, const char *type, void **root,
                          struct tproc_error *error);

/** Bytes in use, from the block's beginning. @return 0; -EPROTO; -ENOTSUP */
int tproc_host_arena_used(struct tproc_host *host, void *arena, size_t *used, struct tproc_error *error);

/** The heap's range of addresses, in which every block lies. @return 0; -ENOTSUP */
int tproc_host_heap(struct tproc_host *host, void **base, size_t *size, struct tproc_error *error);

/* ---- the registry ------------------------------------------------------------------------------------------- */

/** Bytes of a name and of a type in the registry, with the NUL. */
#define TPROC_REGISTERED_NAME_SIZE 96
#define TPROC_REGISTERED_TYPE_SIZE 48

/** What is published by name; tproc.h of libtproc is the threadprocs' side. */
struct tproc_registered {
  uint64_t id;      /**< of this publication, and never of another; not 0 */
  uint64_t address; /**< of what is published */
  uint64_t size;    /**< bytes */
  uint32_t version; /**< the publisher's own */
  pid_t pid;        /**< whose it is: the host's own, or a process's */
  int kept;         /**< 1: it stays, as one that has ended, when its process ends */
  int ended;        /**< 1: its process has ended */
  int status;       /**< of one that has ended: the process's exit status, or 256 + the signal */
  char name[TPROC_REGISTERED_NAME_SIZE];
  char type[TPROC_REGISTERED_TYPE_SIZE]; /**< may be empty */
};

/**
 * Publishes what name, type, address, size and version say, as the host's, until it is withdrawn. Never waits.
 *
 * @param what receives id and pid
 * @return 0; -EEXIST (a living process has the name), -EINVAL (the name is empty, or one is too long), -ENOSPC,
 * -ENOTSUP
 */
int tproc_host_publish(struct tproc_host *host, struct tproc_registered *what, struct tproc_error *error);

/** Finds a name: a living publication, or else one that has ended. @return 0; -ENOENT, -ENOTSUP */
int tproc_host_lookup(struct tproc_host *host, const char *name, struct tproc_registered *found,
                      struct tproc_error *error);

/** Reads a publication again. @return 0; -ESTALE when it is no more; -ENOTSUP */
int tproc_host_registered(struct tproc_host *host, uint64_t id, struct tproc_registered *found,
                          struct tproc_error *error);

/** Takes a publication back, of any process. @return 0; -ESTALE when it is no more; -ENOTSUP */
int tproc_host_withdraw(struct tproc_host *host, uint64_t id, struct tproc_error *error);

/**
 * Lists the registry.
 *
 * @param entries room for `capacity` entries; owned by the caller
 * @return how many there are; only the first `capacity` were written. 0 without a shared heap
 */
size_t tproc_host_registry(struct tproc_host *host, struct tproc_registered *entries, size_t capacity);

/** The event of the registry, which is signalled at each change, for tproc_host_event_prepare. @return 0; -ENOTSUP */
int tproc_host_registry_event(struct tproc_host *host, uint32_t **event, struct tproc_error *error);

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/*
 * One thread of the host waits for all others: at words of the shared heap, which programs change and wake as tproc.h
 * of libtproc says. A waiter prepares, looks at its condition, and hands the word and its value to that thread.
 */

/** Most words that one thread waits at. */
#define TPROC_WAITS_MAX 127

/** A word that is waited at, as long as it has a value. */
struct tproc_wait {
  uint64_t word;  /**< address, aligned to 4, in memory that stays */
  uint64_t since; /**< what tproc_host_wait_begin returned before the waiter announced itself and took the value */
  uint32_t value; /**< as long as it has this one, there is nothing to look at */
  uint32_t moved; /**< receives 1: look at the condition again; else 0 */
};

/** Announces a wait for an event in the shared heap. @return the value that its word keeps until the next signal */
uint32_t tproc_host_event_prepare(uint32_t *event);

/** Signals an event: wakes all who wait for it. */
void tproc_host_event_signal(uint32_t *event);

/*
 * The locks of tproc.h, for the host as a whole, which is one owner: which of its threads has a lock, it has to know
 * itself. Nothing here waits. Objects lie in the shared heap; -EINVAL: this one does not.
 */

/**
 * Tries to lock a struct tproc_mutex.
 *
 * @param slept 1: the caller has slept since it wants the lock
 * @return 0; -EOWNERDEAD: locked, and the last owner has died with it; -EBUSY (also when another thread of
 * the host has it), -ENOTRECOVERABLE, -EINVAL, -ENOTSUP, -EAGAIN (too many threads use the heap). *error says nothing
 * of -EOWNERDEAD and -EBUSY
 */
int tproc_host_mutex_try(struct tproc_host *host, void *mutex, int slept, struct tproc_error *error);

/**
 * Announces that a thread sleeps for a lock. A thread that is woken and does not want it any more wakes
 * another (FUTEX_WAKE): of all sleepers one is woken.
 *
 * @return 1: sleep as long as its word is *value; 0: try again
 */
int tproc_host_mutex_announce(struct tproc_host *host, void *mutex, uint32_t *value);

/** @return 0; -EPERM when it is not the host's; -EINVAL */
int tproc_host_mutex_unlock(struct tproc_host *host, void *mutex, struct tproc_error *error);

/** What the lock guards is right again. @return 0; -EINVAL: it is not the host's, or no owner has died with it */
int tproc_host_mutex_consistent(struct tproc_host *host, void *mutex, struct tproc_error *error);

/**
 * Takes a place at a struct tproc_barrier, for one of the host's threads.
 *
 * @return its number; -EUSERS: all are taken; -EINVAL (the number of parties, too), -ENOTSUP, -EAGAIN
 */
int tproc_host_barrier_join(struct tproc_host *host, void *barrier, struct tproc_error *error);

/** Arrives. @param round receives which @return 0; -ECANCELED: the round that was due was broken; not told in *error */
int tproc_host_barrier_arrive(struct tproc_host *host, void *barrier, int place, uint32_t *round,
                              struct tproc_error *error);

/** What tproc_host_barrier_look says. */
enum tproc_barrier_state {
  TPROC_BARRIER_PASSED = 0,
  TPROC_BARRIER_LAST = 1,    /**< by this call: the others have been woken */
  TPROC_BARRIER_BROKEN = 2,  /**< a party has died on its way, or has given up */
  TPROC_BARRIER_GAVE_UP = 3, /**< it was broken by this call */
  TPROC_BARRIER_WAITS = 4
};

/**
 * Looks how it is with a round that the caller has arrived at.
 *
 * @param give_up 1: breaks it unless it has ended
 * @return enum tproc_barrier_state, or a negative errno
 */
int tproc_host_barrier_look(struct tproc_host *host, void *barrier, uint32_t round, int give_up,
                            struct tproc_error *error);

/** Gives a place up. @return 0; -EINVAL, -ENOTSUP */
int tproc_host_barrier_leave(struct tproc_host *host, void *barrier, int place, struct tproc_error *error);

/** Takes a permit of a struct tproc_semaphore. @return 0; -EAGAIN: there is none (not told in *error); -EINVAL … */
int tproc_host_semaphore_try(struct tproc_host *host, void *semaphore, struct tproc_error *error);

/** Adds a permit. @return 0; -EOVERFLOW, -EINVAL, -ENOTSUP */
int tproc_host_semaphore_post(struct tproc_host *host, void *semaphore, struct tproc_error *error);

/** Whether an object of so many bytes, aligned to 4, lies in the shared range. */
int tproc_host_is_shared(const struct tproc_host *host, const void *object, size_t size);

/** Before a wait is announced, and before words are collected for tproc_host_wait. */
uint64_t tproc_host_wait_begin(struct tproc_host *host);

/**
 * Sleeps until a word has another value than it is waited for, or a process of the host has ended since the waiter
 * began (it may have been about to change the word, or to wake a thread), or tproc_host_wait_ring has been called since
 * `begun`. Also returns without a reason.
 *
 * @param begun what tproc_host_wait_begin returned before the words were collected
 * @param count at most TPROC_WAITS_MAX
 */
void tproc_host_wait(struct tproc_host *host, uint64_t begun, struct tproc_wait *waits, size_t count);

/** Makes tproc_host_wait return, to be called again with other words. */
void tproc_host_wait_ring(struct tproc_host *host);

/* ---- channels ----------------------------------------------------------------------------------------------- */

/*
 * Channels of tproc.h, for the host, whose threads are one process. Nothing here waits. An end is used by one thread at
 * a time for sending, and by one for receiving. Blocks that are sent with a message are the channel's from then on, and
 * blocks that are received are the host's.
 */

#define TPROC_CHANNEL_SENDER 1u
#define TPROC_CHANNEL_RECEIVER 2u
/** One process has this role, and one thread of it at a time. */
#define TPROC_CHANNEL_ONE_SENDER 4u
#define TPROC_CHANNEL_ONE_RECEIVER 8u

/** An open end, owned by the caller. It need not be closed before the host is. */
struct tproc_channel_handle {
  uint64_t queue; /**< 0: not open */
  uint64_t id;    /**< of the channel, and never of another */
  uint32_t private_words[4];
};

/** A message. */
struct tproc_channel_message {
  uint64_t block;  /**< address of what goes with it; 0: none */
  uint32_t length; /**< bytes of data */
  uint32_t reserved;
  unsigned char data[48];
};

/**
 * Makes a channel, and opens an end.
 *
 * @param cells most messages in it: a power of two, up to 1 << 20
 * @param flags TPROC_CHANNEL_…
 * @return 0; -EINVAL, -ENOMEM, -ENOSPC (there are 1024), -ENOTSUP, -EAGAIN
 */
int tproc_host_channel_create(struct tproc_host *host, uint32_t cells, uint32_t flags,
                              struct tproc_channel_handle *channel, struct tproc_error *error);

/** Opens an end of a channel. @return 0; -ESTALE: it is no more; -EUSERS, -EBUSY, -ENOTSUP, -EAGAIN */
int tproc_host_channel_open(struct tproc_host *host, uint64_t id, uint32_t roles, struct tproc_channel_handle *channel,
                            struct tproc_error *error);

/** The id of the channel that a publication is about. @return 0: it is about none */
uint64_t tproc_host_channel_of(struct tproc_host *host, const struct tproc_registered *publication);

/** Publishes a channel under a name that ends in NUL. @return as tproc_host_publish; -EBADF */
int tproc_host_channel_publish(struct tproc_host *host, const struct tproc_channel_handle *channel, const char *name,
                               struct tproc_error *error);

/** Closes an end. @return 0; -EBADF: it is not open */
int tproc_host_channel_close(struct tproc_host *host, struct tproc_channel_handle *channel, struct tproc_error *error);

/**
 * Sends as many of several as there is room for.
 *
 * @return how many; 0: there is no room (wait for the event of TPROC_CHANNEL_SENDER); -EPIPE: there is no receiver any
 * more; -EINVAL: the first is too long, or its block none that may be sent; -EBADF, -ENOTSUP
 */
int tproc_host_channel_send(struct tproc_host *host, struct tproc_channel_handle *channel,
                            const struct tproc_channel_message *messages, uint32_t count, struct tproc_error *error);

/**
 * Receives up to `count` messages.
 *
 * @return how many; 0: there are none (wait for the event of TPROC_CHANNEL_RECEIVER); -EPIPE: and no sender any more;
 * -EBADMSG: the first was lost with its block, which a program has freed that did not own it; -EBADF, -ENOTSUP
 */
int tproc_host_channel_receive(struct tproc_host *host, struct tproc_channel_handle *channel,
                               struct tproc_channel_message *messages, uint32_t count, struct tproc_error *error);

/** Whether one with this role would find room, a message, or that there is no peer any more. @return 0, 1; -EBADF,
 * -ENOTSUP, -EAGAIN */
int tproc_host_channel_ready(struct tproc_host *host, const struct tproc_channel_handle *channel, uint32_t role,
                             struct tproc_error *error);

/** The event that one with this role waits for, for tproc_host_event_prepare; stays as long as the host. */
uint32_t *tproc_host_channel_event(struct tproc_host *host, uint64_t id, uint32_t role);

/** How many ends of an open channel there are with this role. */
uint32_t tproc_host_channel_peers(struct tproc_host *host, uint64_t id, uint32_t role);

/* ---- listing ------------------------------------------------------------------------------------------------ */

/** Most bytes of a command in a tproc_status, with its NULs. A longer one is cut. */
#define TPROC_COMMAND_SIZE 4096

enum tproc_state {
  TPROC_RUNNING = 1,
  TPROC_STOPPED = 2, /**< by a signal (SIGSTOP, SIGTSTP …) or a debugger */
  TPROC_ENDED = 3,   /**< its memory is still there: it has not been closed */
  TPROC_LEFT = 4     /**< it runs or is stopped, but has executed another program: an ordinary process since */
};

/** One threadproc, as tproc_host_list finds it. */
struct tproc_status {
  pid_t pid;
  pid_t launcher; /**< the client of a listening host that asked for it; 0: the host itself; -1: a client without a pid
                     here */
  uid_t uid;      /**< of the client that asked */
  enum tproc_state state;
  uint64_t started_at;   /**< nanoseconds since 1970 (CLOCK_REALTIME) */
  uint64_t uptime;       /**< nanoseconds from its start to now, or to its end */
  uint64_t mapped;       /**< bytes of memory that it may access, in its slot and outside */
  uint64_t resident;     /**< bytes of these that are in memory */
  const char *command;   /**< its arguments from argv[0] on, each with its NUL, one after the other */
  size_t command_size;   /**< bytes of command, at most TPROC_COMMAND_SIZE */
  size_t argument_count; /**< of the whole command */
  int command_cut;       /**< 1: the command is longer than what is here */
};

/**
 * Called for each threadproc. What it points to is valid during the call only, in which no threadproc may be closed.
 *
 * @return 1 to go on, 0 to end
 */
typedef int tproc_status_visitor(const struct tproc_status *status, void *context);

/**
 * Lists the threadprocs of a host that have not been closed, the youngest first, the clients' and the host's. Reads
 * /proc/self/pagemap, so it takes time for those with much memory.
 */
void tproc_host_list(struct tproc_host *host, tproc_status_visitor *visit, void *context);

/** A listing in one piece: the payload of a LISTED, MAPPED, REGISTERED or HEAP_USED, as docs/protocol.md has them. */
struct tproc_listing {
  char *payload; /**< free it with free() */
  size_t size;   /**< bytes */
};

/**
 * What tproc_host_list finds, encoded.
 *
 * @param size_max most bytes, at least 8; of entries that do not fit only the number is there
 * @param listing receives it on success
 * @return 0 or -ENOMEM
 */
int tproc_host_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                       struct tproc_error *error);

/** What tproc_threadproc_memory finds, encoded. As tproc_host_listing. */
int tproc_threadproc_listing(struct tproc_threadproc *threadproc, size_t size_max, struct tproc_listing *listing,
                             struct tproc_error *error);

/** What tproc_host_registry finds, encoded. As tproc_host_listing; -ENOTSUP without a shared heap. */
int tproc_host_registry_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                                struct tproc_error *error);

/**
 * Who has how much of the shared heap, encoded: one entry for each process with blocks, one for what lies in channels,
 * and the host's. Counted while all others go on, block by block, so it takes time for a large heap of small blocks.
 *
 * @param size_max at least 32
 * @return as tproc_host_listing; -ENOTSUP without a shared heap
 */
int tproc_host_heap_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                            struct tproc_error *error);

/* ---- exits -------------------------------------------------------------------------------------------------- */

/**
 * The status of one whose exit the kernel has thrown away: it had exec'd another program, and the process ignores
 * SIGCHLD. (tproc_host_open stops that; it may have begun again.)
 */
#define TPROC_STATUS_LOST 255

/** How a threadproc ended. */
enum tproc_exit_kind {
  TPROC_EXITED = 1,     /**< called exit; status is its code, 0-255 */
  TPROC_SIGNALLED = 2,  /**< killed; status is the signal */
  TPROC_CORE_DUMPED = 3 /**< killed, and the kernel wrote a core dump; status is the signal */
};

/** The end of one threadproc. */
struct tproc_exit {
  struct tproc_threadproc *threadproc; /**< still valid, until tproc_threadproc_close */
  void *context;                       /**< as given to tproc_threadproc_watch */
  enum tproc_exit_kind kind;
  int status;
};

/**
 * Waits for the next exit of a watched threadproc, collects it (no zombie is left) and describes it. Each exit is
 * returned exactly once; one thread usually calls this in a loop.
 *
 * @param timeout_milliseconds -1 waits without end, 0 polls
 * @return how many: 1 with *exit filled in, 0 on timeout, after tproc_host_wake, or when tproc_threadproc_exec has
 * news; or a negative errno, also to tell of the host's own broker: once of a failure; and -ETIMEDOUT once when an
 * answer of it is late, and once more when it goes on. Waiting goes on with the next call
 */
int tproc_host_next_exit(struct tproc_host *host, int timeout_milliseconds, struct tproc_exit *exit,
                         struct tproc_error *error);

/** Makes one waiting (or the next) tproc_host_next_exit return 0. */
void tproc_host_wake(struct tproc_host *host);

/* ---- leaving ------------------------------------------------------------------------------------------------ */

/** What has come of a threadproc's own execve. */
enum tproc_exec {
  TPROC_EXEC_NONE = 0,    /**< it has not asked, or the kernel has refused */
  TPROC_EXEC_LEFT = 1,    /**< it has executed another program, and is an ordinary process since */
  TPROC_EXEC_REFUSED = 2, /**< TPROC_LAUNCH_STAY: it was not let */
  TPROC_EXEC_SPILLED = 3  /**< TPROC_LAUNCH_SPILL: it was started as an ordinary process */
};

/**
 * Known at most a quarter of a second later; tproc_host_next_exit then returns 0 once, as after tproc_host_wake.
 */
enum tproc_exec tproc_threadproc_exec(struct tproc_threadproc *threadproc);

/* ---- crashes ------------------------------------------------------------------------------------------------ */

/** More than any machine's tproc_crash has. */
#define TPROC_REGISTERS_MAX 40

/** A general register. */
struct tproc_register {
  char name[8]; /**< as the machine's manual has it: "rip", "x0", … */
  uint64_t value;
};

/** Where a threadproc was when a signal of its own making ended it. */
struct tproc_crash {
  pid_t tid;       /**< the thread */
  int signal;      /**< SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP or SIGSYS */
  int code;        /**< si_code (sigaction(2)) */
  pid_t sender;    /**< its own pid when it has sent it itself (abort); 0: the kernel */
  int has_address; /**< 1: address is what could not be accessed */
  uint64_t address;
  uint64_t program_counter, stack_pointer;
  size_t register_count;
  struct tproc_register registers[TPROC_REGISTERS_MAX];

  /* Looked up when it is asked for: what others have mapped or returned meanwhile shows as it is then. */
  int overflows;   /**< 1: the address is near the stack pointer, and no stack: one has overflowed */
  uint64_t offset; /**< of the instruction in its file's memory, counted from the file's first mapping */
  char file[256];  /**< that the instruction is in; "": in none. A longer path is cut */
  char owner[288]; /**< whose the address is, in words; "" without one */
};

/**
 * Where a threadproc was when it crashed: one launched with TPROC_LAUNCH_CRASH_REPORT, whose exit has been collected.
 *
 * @return 1 with *crash filled in; 0 when it has not crashed, another process has sent it the signal, it was not
 * traced, or had exec'd another program
 */
int tproc_threadproc_crash(struct tproc_threadproc *threadproc, struct tproc_crash *crash);

/* ---- listening ---------------------------------------------------------------------------------------------- */

/** A host that listens on a Unix socket for launchers; docs/protocol.md is what they speak. */
struct tproc_server;

/**
 * Listens on a Unix socket, and starts, watches and closes the threadprocs that its clients ask for: their exits do not
 * come through tproc_host_next_exit. One host may listen on several sockets.
 *
 * A socket whose host has ended is replaced. A path of more than about 100 bytes works as long as its last
 * part is shorter than that.
 *
 * @param path in a directory that belongs to the user, or root, and that no other user may write to
 * @param server receives the handle; free it with tproc_server_close
 * @return 0; -EACCES (the directory), -EADDRINUSE (a host listens there), -EEXIST (not a socket, or another user's),
 * -ENAMETOOLONG, -EMFILE, -EAGAIN …
 */
int tproc_server_open(struct tproc_host *host, const char *path, struct tproc_server **server,
                      struct tproc_error *error);

/** Room for the path in the address of a socket, with a NUL. */
#define TPROC_SOCKET_PATH_SIZE 109

/**
 * As tproc_server_open, at a socket that this process was started with and at which its starter listens already
 * (systemd's socket activation). Its file stays at the end.
 *
 * @param descriptor of the process; it is copied, and stays the caller's
 * @return 0; -EBADF, -ENOTSOCK, -EINVAL (it is no Unix stream socket, has no file, or does not listen), -EACCES (its
 * directory), -EMFILE, -EAGAIN …
 */
int tproc_server_open_inherited(struct tproc_host *host, int descriptor, struct tproc_server **server,
                                struct tproc_error *error);

/** The path of an inherited socket; empty for others. Valid as long as the server. */
const char *tproc_server_path(const struct tproc_server *server);

/**
 * Tells the service manager something (sd_notify(3)): a datagram to the socket that the environment variable
 * NOTIFY_SOCKET names.
 *
 * @param state lines such as "READY=1"
 * @return 1 when it has been sent, 0 when there is no service manager, or a negative errno
 */
int tproc_notify_service(const char *state, struct tproc_error *error);

/**
 * Ends listening: removes the socket if it is still its own, kills every threadproc that its clients have started,
 * tells the clients, and waits until all is gone. A launch that hangs in a file system is waited for as long as it
 * hangs; all else has happened by then. Call it before tproc_host_close.
 */
void tproc_server_close(struct tproc_server *server);

#ifdef __cplusplus
}
#endif

#endif
