/*
 * The wire protocol between a listening host and its clients: structures, bounds, encoding and checks. Pure functions
 * on memory, shared by the host and the launcher. docs/protocol.md says who sends what, and when.
 *
 * Both ends are programs of one machine, so numbers are in its own byte order. A frame is a struct wire_header and then
 * `size` bytes of payload. Descriptors travel with a frame's bytes (SCM_RIGHTS).
 */
#ifndef TPROC_WIRE_H
#define TPROC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The first four bytes of every frame: "TROC" on a little-endian machine. */
#define WIRE_MAGIC 0x434f5254u
#define WIRE_VERSION 1u

/** Most bytes after a header. The kernel's own limit for arguments and environment together is 6 MiB. */
#define WIRE_PAYLOAD_MAX (8u << 20)

/** Most descriptors with one frame, and with one sendmsg (the kernel's SCM_MAX_FD). */
#define WIRE_DESCRIPTORS_MAX 1024u
#define WIRE_DESCRIPTORS_PER_MESSAGE 253u

/** Longest program name in a LAUNCH, with its NUL: the kernel's PATH_MAX. */
#define WIRE_PROGRAM_MAX 4096u

/** Most bytes of a command in a LISTED and of a name in a MAPPED, with their NULs. What is longer is cut. */
#define WIRE_COMMAND_MAX 4096u
#define WIRE_NAME_MAX 256u

/** Resource limits in a LAUNCH: RLIMIT_CPU (0) to RLIMIT_RTTIME (15). */
#define WIRE_LIMITS 16u

enum wire_type {
  /* from a client */
  WIRE_LAUNCH = 1,   /**< struct wire_launch, numbers, program, arguments, environment */
  WIRE_LOOK = 2,     /**< empty */
  WIRE_LIST = 3,     /**< empty */
  WIRE_MAPS = 4,     /**< struct wire_maps */
  WIRE_SIGNAL = 5,   /**< struct wire_signal */
  WIRE_WATCH = 6,    /**< empty, or struct wire_watch */
  WIRE_REGISTRY = 7, /**< empty */
  WIRE_HEAP = 8,     /**< empty */
  WIRE_ATTACH = 9,   /**< empty */
  /* from the host */
  WIRE_STARTED = 100,         /**< struct wire_started, one descriptor: a pidfd of the threadproc */
  WIRE_FAILED = 101,          /**< struct wire_failed, text without a NUL */
  WIRE_ENDED = 102,           /**< struct wire_ended */
  WIRE_STOPPED = 103,         /**< struct wire_stopped */
  WIRE_CONTINUED = 104,       /**< empty */
  WIRE_LISTED = 105,          /**< struct wire_listed, then each struct wire_threadproc with its command */
  WIRE_MAPPED = 106,          /**< struct wire_mapped, then each struct wire_mapping with its name */
  WIRE_DONE = 107,            /**< empty */
  WIRE_PROGRAM_STARTED = 108, /**< a LISTED with one entry, whose memory is not counted */
  WIRE_PROGRAM_ENDED = 109,   /**< struct wire_program_ended */
  WIRE_REGISTERED = 110,      /**< struct wire_listed, then each struct wire_registered */
  WIRE_HEAP_USED = 111,       /**< struct wire_heap, struct wire_listed, then each struct wire_heap_use */
  WIRE_ATTACHED = 112,        /**< struct wire_attached, one descriptor: the file of the shared range */
  WIRE_CRASHED = 113,         /**< struct wire_crashed, text without a NUL; before an ENDED, to those who asked */
  WIRE_PROGRAM_LEFT = 114,    /**< struct wire_program_left */
};

enum wire_sender { WIRE_FROM_CLIENT, WIRE_FROM_HOST };

struct wire_header {
  uint32_t magic;       /**< WIRE_MAGIC */
  uint16_t version;     /**< WIRE_VERSION */
  uint16_t type;        /**< enum wire_type */
  uint32_t size;        /**< bytes of payload that follow */
  uint32_t descriptors; /**< how many come with this frame */
};

/* ---- from a client */

#define WIRE_LAUNCH_TERMINAL 1u    /**< descriptor 0 becomes the controlling terminal of the program's session */
#define WIRE_LAUNCH_OUTLIVE 2u     /**< the program goes on when its client's connection ends */
#define WIRE_LAUNCH_NEVER_FORKS 4u /**< its fork() fails, and those of others do not copy its memory */
/** As TERMINAL, of a descriptor more after the working directory's, which the program does not get itself. */
#define WIRE_LAUNCH_TERMINAL_APART 8u
#define WIRE_LAUNCH_SPILL 16u        /**< an ordinary process where its fixed addresses are taken */
#define WIRE_LAUNCH_HOLD 32u         /**< it waits before its first instruction for a SIGCONT */
#define WIRE_LAUNCH_CRASH_REPORT 64u /**< it is traced; the client hears where it has crashed */
#define WIRE_LAUNCH_STAY 128u        /**< it may not execute another program, with which it would leave */

struct wire_limit {
  uint64_t soft, hard; /**< ~0: none */
};

#define WIRE_STATE_SCHEDULING 1u  /**< policy and priority are given */
#define WIRE_STATE_IO_PRIORITY 2u /**< io_priority is given */
#define WIRE_STATE_PERSONALITY 4u /**< personality is given */

/** Most words of CPUs: as many as a kernel can be built for. */
#define WIRE_CPU_WORDS_MAX 128u

/** More of the client's state, and then cpu_words uint64_t: bit n%64 of word n/64 is CPU n, where the program may run.
 */
struct wire_launch_state {
  uint32_t given;       /**< WIRE_STATE_… */
  uint32_t policy;      /**< SCHED_…, maybe with SCHED_RESET_ON_FORK */
  int32_t priority;     /**< 1 to 99 with SCHED_FIFO and SCHED_RR, else 0 */
  uint32_t io_priority; /**< as ioprio_get(2) says it */
  uint32_t personality; /**< as personality(2) says it */
  uint32_t cpu_words;   /**< 0: the host's own */
};

/**
 * Followed by state_size bytes of a struct wire_launch_state, descriptor_count int32_t, the program's name, the
 * arguments and the environment, each string with its NUL, without gaps. Descriptors: first the working directory, then
 * a terminal that is apart, then one for each of the numbers.
 */
struct wire_launch {
  uint32_t flags;             /**< WIRE_LAUNCH_… */
  uint32_t umask;             /**< 0-0777 */
  int32_t nice;               /**< -20 to 19 */
  uint32_t descriptor_count;  /**< numbers, ascending: where in the program each passed descriptor goes */
  uint32_t argument_count;    /**< at least 1 */
  uint32_t environment_count; /**< may be 0 */
  uint32_t program_size;      /**< bytes of the program's name with its NUL, at least 2: a path, or a name for PATH */
  uint32_t
      state_size; /**< bytes of a struct wire_launch_state and its CPUs; 0: the host's own, as of older launchers */
  uint64_t arguments_size; /**< bytes, with the NULs */
  uint64_t environment_size;
  uint64_t ignored_signals; /**< bit n-1: signal n starts ignored */
  uint64_t blocked_signals; /**< bit n-1: signal n starts blocked */
  struct wire_limit limits[WIRE_LIMITS];
};

struct wire_maps {
  int32_t pid;
};

#define WIRE_WATCH_CRASHES 1u /**< CRASHED */
#define WIRE_WATCH_LEAVING 2u /**< PROGRAM_LEFT */

struct wire_watch {
  uint32_t wanted; /**< WIRE_WATCH_…: what the client wants to hear besides; older ones hear nothing of it */
};

struct wire_signal {
  int32_t pid;
  int32_t signal; /**< 1-64 */
};

/* ---- from the host */

struct wire_started {
  int32_t pid;
};

/** Exit codes that a launcher should end with. */
#define WIRE_EXIT_NOT_FOUND 127
#define WIRE_EXIT_NOT_HOSTABLE 126
#define WIRE_EXIT_NO_HOST 125

struct wire_failed {
  int32_t code;      /**< positive errno */
  int32_t exit_code; /**< WIRE_EXIT_… */
};

struct wire_ended {
  uint32_t kind;  /**< enum tproc_exit_kind: 1 exited, 2 killed by a signal, 3 killed and dumped core */
  int32_t status; /**< exit code or signal */
};

struct wire_stopped {
  int32_t signal; /**< -SIGTSTP: one that it has sent to its process group */
};

/** A list that does not fit into a frame is cut: count < total. */
struct wire_listed {
  uint32_t total; /**< threadprocs of the host */
  uint32_t count; /**< of which so many follow */
};

enum wire_state { WIRE_STATE_RUNNING = 1, WIRE_STATE_STOPPED = 2, WIRE_STATE_ENDED = 3, WIRE_STATE_LEFT = 4 };

#define WIRE_COMMAND_CUT 1u /**< the command is longer than what is here */

/** Followed by command_size bytes: the arguments from argv[0] on, each with its NUL; then zeroes up to `size`. */
struct wire_threadproc {
  uint32_t size; /**< bytes from the start of this entry to the next; a multiple of 8 */
  int32_t pid;
  int32_t launcher; /**< pid of the client that asked for it; 0: the host itself; -1: a client without a pid here */
  uint32_t uid;     /**< of the client that asked */
  uint32_t state;   /**< enum wire_state */
  uint32_t flags;   /**< WIRE_COMMAND_CUT */
  uint32_t argument_count; /**< of the whole command */
  uint32_t command_size;
  uint64_t started_at; /**< nanoseconds since 1970 (CLOCK_REALTIME) */
  uint64_t uptime;     /**< nanoseconds from its start to now or to its end */
  uint64_t mapped;     /**< bytes of address space, in its slot and outside */
  uint64_t resident;   /**< bytes of these that are in memory */
};

/** For a client that watches. */
struct wire_program_ended {
  int32_t pid;
  uint32_t kind;     /**< as in a wire_ended; 0: it cannot be known */
  int32_t status;    /**< exit code or signal */
  uint32_t reserved; /**< 0 */
  uint64_t ended_at; /**< nanoseconds since 1970 (CLOCK_REALTIME) */
  uint64_t uptime;   /**< nanoseconds from its start to its end */
};

/** Most bytes of text in a CRASHED. */
#define WIRE_CRASH_TEXT_MAX 4096u

/** Followed by the text: a line of where it was, and one of its registers. */
struct wire_crashed {
  int32_t pid;
  uint32_t reserved;   /**< 0 */
  uint64_t crashed_at; /**< nanoseconds since 1970 (CLOCK_REALTIME): its end */
};

/** What has come of a program's own execve. */
enum wire_left { WIRE_LEFT = 1, WIRE_LEAVE_REFUSED = 2, WIRE_LEFT_AT_START = 3 };

/** For a client that watches, at most once for each program. */
struct wire_program_left {
  int32_t pid;
  uint32_t how;     /**< enum wire_left */
  uint64_t seen_at; /**< nanoseconds since 1970 (CLOCK_REALTIME): when the host saw it */
};

struct wire_mapped {
  uint32_t total;
  uint32_t count;
};

#define WIRE_READABLE 1u
#define WIRE_WRITABLE 2u
#define WIRE_EXECUTABLE 4u
#define WIRE_SHARED 8u

/** Followed by name_size bytes, the name with its NUL; then zeroes up to `size`. */
struct wire_mapping {
  uint32_t size;       /**< bytes from the start of this entry to the next; a multiple of 8 */
  uint32_t protection; /**< WIRE_READABLE … */
  uint32_t name_size;  /**< at least 1 */
  uint32_t reserved;   /**< 0 */
  uint64_t address;
  uint64_t length; /**< bytes */
};

#define WIRE_NAME_SIZE 96u
#define WIRE_TYPE_SIZE 48u

/** A publication: struct tproc_registered of tproc_core.h. */
struct wire_registered {
  uint32_t size;     /**< bytes from the start of this entry to the next; a multiple of 8 */
  uint32_t reserved; /**< 0 */
  uint64_t id;       /**< of this publication, and never of another */
  uint64_t address;
  uint64_t length;  /**< bytes */
  uint32_t version; /**< the publisher's own */
  int32_t pid;
  uint32_t kept;             /**< 1: it stays, as one that has ended, when its process ends */
  uint32_t ended;            /**< 1: its process has ended */
  int32_t status;            /**< of one that has ended: the process's exit status, or 256 + the signal */
  char name[WIRE_NAME_SIZE]; /**< with a NUL */
  char type[WIRE_TYPE_SIZE]; /**< with a NUL */
  uint32_t reserved_end;     /**< 0 */
};

struct wire_heap {
  uint64_t size;     /**< bytes that blocks may take up */
  uint64_t taken;    /**< bytes of these in slices that are not free */
  uint64_t resident; /**< bytes in memory, the heap's tables included */
};

/** Whose blocks are counted. */
enum wire_heap_owner { WIRE_HEAP_HOST = 1, WIRE_HEAP_CHANNELS = 2, WIRE_HEAP_PROCESS = 3 };

struct wire_heap_use {
  uint32_t size;   /**< bytes from the start of this entry to the next; a multiple of 8 */
  int32_t pid;     /**< of the process; of what lies in channels, the host's */
  uint32_t owner;  /**< enum wire_heap_owner */
  uint32_t ended;  /**< 1: its process has ended, and its blocks can still be read */
  uint64_t blocks; /**< that are allocated */
  uint64_t bytes;  /**< that these have room for */
  uint64_t limit;  /**< bytes that the processes of its launch may own together; 0: any number */
};

struct wire_attached {
  uint64_t address; /**< where the whole of the file is to be mapped, shared */
  uint64_t size;    /**< bytes */
};

/* ---- checks and encoding: a problem is said in words, for the message of a FAILED */

#define WIRE_PROBLEM_SIZE 128

struct wire_header wire_header_for(enum wire_type type, size_t size, size_t descriptors);

/**
 * Whether a header is one that `sender` may send: magic, version, type, and a size and number of descriptors that this
 * type can have.
 */
bool wire_header_check(const struct wire_header *header, enum wire_sender sender, char problem[WIRE_PROBLEM_SIZE]);

/** What a LAUNCH says; the pointers go into the payload. */
struct wire_launch_view {
  struct wire_launch fixed;
  struct wire_launch_state state; /**< zeroes without one */
  const uint64_t *cpus;           /**< state.cpu_words of them */
  const int32_t *numbers;         /**< fixed.descriptor_count of them */
  const char *program;            /**< NUL-terminated */
  const char *arguments;          /**< fixed.argument_count strings, one after the other */
  const char *environment;        /**< fixed.environment_count strings */
};

/** How many descriptors come with a LAUNCH with these flags and so many numbers. */
size_t wire_launch_descriptors(uint32_t flags, size_t numbers);

/**
 * Checks and takes apart the payload of a LAUNCH.
 *
 * @param payload aligned to 8 bytes at least
 * @param descriptors how many came with the frame
 */
bool wire_launch_read(const void *payload, size_t size, size_t descriptors, struct wire_launch_view *view,
                      char problem[WIRE_PROBLEM_SIZE]);

/** Takes apart the payload of a WATCH; an older client's is empty, and it wants nothing besides. */
bool wire_watch_read(const void *payload, size_t size, struct wire_watch *watch, char problem[WIRE_PROBLEM_SIZE]);

/** Fills in pointers to the `count` strings of a checked block, and a NULL after them (count + 1 entries). */
void wire_strings(const char *block, size_t count, const char **pointers);

/** What a client puts into a LAUNCH. */
struct wire_launch_content {
  const struct wire_launch_state *state; /**< NULL: the host's */
  const uint64_t *cpus;                  /**< state->cpu_words of them */
  struct wire_launch settings;           /**< flags, umask, nice, signals, limits; the counts and sizes are filled in */
  const int32_t *numbers;                /**< descriptor_count of them, ascending */
  size_t descriptor_count;
  const char *program;
  const char *const *argv; /**< NULL-terminated */
  const char *const *envp; /**< NULL-terminated */
};

/** Bytes of the payload of a LAUNCH, which may be more than WIRE_PAYLOAD_MAX: the client's E2BIG. */
size_t wire_launch_size(const struct wire_launch_content *content);

/** Writes the payload of a LAUNCH: wire_launch_size bytes, at most WIRE_PAYLOAD_MAX. */
void wire_launch_write(const struct wire_launch_content *content, void *payload);

/**
 * The entry of a LISTED at `offset` of its payload; the first is at sizeof(struct wire_listed).
 *
 * @param offset moved to the next entry
 * @param command the arguments one after the other, entry->command_size bytes that end in NUL (none when 0)
 * @return false at the end of the payload, or when the rest is not an entry
 */
bool wire_listed_next(const void *payload, size_t size, size_t *offset, struct wire_threadproc *entry,
                      const char **command);

/** Bytes that an entry takes up. */
size_t wire_threadproc_size(size_t command_size);

/** Writes an entry (entry->size is filled in) to wire_threadproc_size bytes at `to`. */
void wire_threadproc_write(const struct wire_threadproc *entry, const char *command, void *to);

/** The same for a MAPPED, whose first entry is at sizeof(struct wire_mapped). */
bool wire_mapped_next(const void *payload, size_t size, size_t *offset, struct wire_mapping *entry, const char **name);
size_t wire_mapping_size(size_t name_size);
void wire_mapping_write(const struct wire_mapping *entry, const char *name, void *to);

#endif
