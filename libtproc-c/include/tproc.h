/*
 * tproc.h: what a program can ask about the host that runs it, if any.
 *
 * A *host* is a process, usually a JVM, that shares its address space; a *threadproc* is a program that a host has
 * loaded into that address space and runs as a process of its own. A program that links libtproc also runs directly,
 * from a shell: then it is no threadproc, and every function here says so.
 *
 * All functions may be called from any thread, at any time after libc's own start. Those up to tproc_scratch_size may
 * be called from a signal handler, too; they do not fail, do not allocate, and leave errno alone.
 */
#ifndef TPROC_H
#define TPROC_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/** The version of this header. `major.minor.patch`, as in tproc_version() of the library the program really runs with.
 */
#define TPROC_VERSION_MAJOR 0
#define TPROC_VERSION_MINOR 1
#define TPROC_VERSION_PATCH 0

/** One number for comparisons: `#if TPROC_VERSION >= TPROC_MAKE_VERSION(0, 1, 0)`. */
#define TPROC_MAKE_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define TPROC_VERSION TPROC_MAKE_VERSION(TPROC_VERSION_MAJOR, TPROC_VERSION_MINOR, TPROC_VERSION_PATCH)

#if defined(__GNUC__)
#define TPROC_EXPORT __attribute__((visibility("default")))
#else
#define TPROC_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library at run time, made as TPROC_VERSION is. */
TPROC_EXPORT int tproc_version(void);

/**
 * Whether this process is a threadproc: 1, or 0.
 *
 * A child that a threadproc has forked is none: its memory is a copy, and no other process sees what it writes there.
 * (Only the scratch page stays shared with it; see tproc_scratch.) A program that it then executes is none either.
 * Under a host that passes the scratch page alone, as the original threadprocs project does, a forked child cannot be
 * told apart, and gets 1.
 */
TPROC_EXPORT int tproc_is_threadproc(void);

/**
 * The scratch page: memory that the host and all its threadprocs share, at the same address in each of them.
 *
 * It is zeroed when the host opens, belongs to the host, and lives as long as the host does; never free or unmap it.
 * What the bytes mean is for the programs to agree on; use atomics for what more than one of them accesses at a time.
 * It is aligned to its size. It is mapped MAP_SHARED, so that it remains one page for forked children too, which
 * therefore get it as well.
 *
 * @return NULL when there is no host
 */
TPROC_EXPORT void *tproc_scratch(void);

/** Bytes in the scratch page; 0 when there is no host. */
TPROC_EXPORT size_t tproc_scratch_size(void);

/**
 * Says that the program is ready to be started, and waits for that, if its host has had it run ahead (prepareUntilReady
 * in Java, `tproc serve --prepare-ready`): after it has loaded, computed or connected what is the same for each start.
 * Returns with what the start gives: arguments and environment (`environ` is the new one), standard streams and further
 * descriptors, working directory, umask, limits, process group, session and terminal. The pid stays, and what the
 * program has set up itself: memory, threads, open files, signal handlers and blocked signals; but what the start
 * ignores is ignored, and what was written to a stream and not flushed goes to the new one. Scheduling is the calling
 * thread's, which should be the first one.
 *
 * In a program that was started in the ordinary way, by a host or not, it returns at once and changes nothing. So it is
 * called where the arguments are first needed:
 *
 *     int main(int argc, char **argv) {
 *       load_model();
 *       tproc_ready(&argc, &argv, NULL);
 *
 * Other threads must not use the environment meanwhile. Does not return when the host has no use for the program any
 * more: the process is ended. Not for signal handlers, nor between vfork and exec.
 *
 * @param argc what it points to is replaced; NULL: it is not wanted. So are the others. What they had stays readable
 * @return 1: it has waited, and has been started; 0: there was nothing to wait for
 */
TPROC_EXPORT int tproc_ready(int *argc, char ***argv, char ***envp);

/*
 * The shared heap: memory that the host, all its threadprocs and their forked children allocate from together, at the
 * same addresses, and that any of them may free, also after the end of the process that allocated it.
 *
 * A block has an *owner*: the process that has allocated it, until it is given away. What a program still owns when it
 * ends is freed once the host has closed it, and not before (a forked child's: when the child ends); what it gave away
 * stays.
 * A kill -9 at any instruction of a call leaves the heap right and keeps no other process waiting; at most the block of
 * a tproc_give that was under way is the receiver's without its knowing.
 *
 * Where there is no shared heap, allocations return NULL with errno ENOTSUP: when the program is not hosted, when the
 * host is older than the heap or could not have one, or after exec.
 *
 * These functions are no safer in a signal handler, or between vfork and exec, than malloc.
 */

/** Whom tproc_give gives a block to, for the host. */
#define TPROC_HOST 0

/**
 * Lets an ordinary process, one that is not hosted, take part in the shared heap of a listening host of the same user:
 * it is mapped at the address that it has in all others, so pointers into it are valid, and all functions below work.
 * The host's own memory and that of its programs stay out of reach, of wild writes, too. What the process has is put
 * right when it ends, like a forked child's. After the host's end the heap stays, but no process watches over it.
 *
 * @param socket path of the host's socket, at most 107 bytes
 * @return 0; EALREADY: the process takes part in a heap already, as a hosted program does; ENOTSUP: the host has none;
 * EADDRINUSE: something else is mapped there; EPERM: the host is another user's; ENOSYS: it is too old; ENOENT,
 * ECONNREFUSED, ENAMETOOLONG, ETIMEDOUT (20 s), EPROTO, ENOMEM, EMFILE …
 */
TPROC_EXPORT int tproc_attach(const char *socket);

/**
 * Allocates a block that the calling process owns: uninitialised, aligned to 16 bytes. A size of 0 is a block, too.
 *
 * @return NULL, and errno: ENOMEM (the heap is full, or the program at the limit that it was started with), ENOTSUP
 * (there is none), EAGAIN (too many threads or programs use it)
 */
TPROC_EXPORT void *tproc_alloc(size_t size);

/** As tproc_alloc, with an alignment in bytes, a power of two. @return NULL, and errno: also EINVAL, for the alignment
 */
TPROC_EXPORT void *tproc_aligned_alloc(size_t alignment, size_t size);

/**
 * Makes a block larger or smaller, in place or by moving its contents to a new one, which the caller owns and which is
 * aligned to 16 bytes.
 *
 * @param block NULL: as tproc_alloc
 * @return NULL, and errno as tproc_alloc; the old block is as before then
 */
TPROC_EXPORT void *tproc_realloc(void *block, size_t size);

/**
 * Frees a block of any owner. NULL is allowed. An address at which no allocated block begins (freed before, or
 * never one of this heap's) ends the program with a message and SIGABRT; the heap stays right.
 */
TPROC_EXPORT void tproc_free(void *block);

/** Bytes that a block has room for: as many as were asked for, or more. 0 when no allocated block begins there. */
TPROC_EXPORT size_t tproc_usable_size(const void *block);

/**
 * The process that owns a block. It may have ended, if the host has not closed it yet; the host's pid for the host's.
 *
 * @return 0 when no allocated block begins there
 */
TPROC_EXPORT int tproc_owner_of(const void *block);

/**
 * Gives a block away, to be told to the receiver afterwards, by whatever way.
 *
 * @param pid a process that has used the heap before, or has been given a block by the host; or TPROC_HOST
 * @return 0; ESRCH when there is no such process (any more), and then the block is the caller's; EINVAL when no
 * allocated block begins there; ENOTSUP, EAGAIN, ENOMEM as of tproc_alloc. errno is left alone.
 */
TPROC_EXPORT int tproc_give(void *block, int pid);

/*
 * Arenas: a graph of objects, however many, in one block of the heap. It changes hands as one: tproc_give, and a
 * message whose block it is, change one word, so a process that is killed has given all of it or nothing. It is freed
 * as one, with tproc_free, by anybody. A process that is killed while it fills one leaves nothing of it.
 *
 * How much goes into one is said when it is made; it takes memory only as it is used. One thread at a time uses an
 * arena, as a container is used.
 */
struct tproc_arena;

/** Makes an empty arena, a block of the caller's. @param capacity bytes, of which 1152 are its own @return as
 * tproc_alloc
 */
TPROC_EXPORT struct tproc_arena *tproc_arena_create(size_t capacity);

/**
 * Room in an arena, uninitialised.
 *
 * @param alignment a power of two; less than 16 is 16
 * @return NULL, and errno: ENOMEM: it has not that much left; EINVAL: the alignment
 */
TPROC_EXPORT void *tproc_arena_alloc(struct tproc_arena *arena, size_t size, size_t alignment);

/**
 * Makes room free for what is allocated later in the arena. What the arena cannot have handed out, or the last of its
 * size that was freed, ends the program with a message, as free does. Not every mistake is seen.
 *
 * @param object NULL: nothing is done
 * @param size as it was allocated with
 */
TPROC_EXPORT void tproc_arena_free(struct tproc_arena *arena, void *object, size_t size);

/**
 * Says where a receiver begins.
 *
 * @param root an object in the arena
 * @param type what it is, for example "acme.Words/1", at most TPROC_TYPE_MAX bytes
 * @return 0; EINVAL: it is none in the arena, or the type is too long
 */
TPROC_EXPORT int tproc_arena_set_root(struct tproc_arena *arena, const void *root, const char *type);

/**
 * Where a receiver begins.
 *
 * @param block as it has come with a message, or was found; it may be no arena. Then it is the arena's address, too
 * @param type what the root has to be; NULL: anything
 * @return 0; EPROTO: it is no arena that has a root; EPROTOTYPE: the root is something else
 */
TPROC_EXPORT int tproc_arena_root(const void *block, const char *type, void **root);

/** Bytes that are in use from the beginning of the block, its own included. */
TPROC_EXPORT size_t tproc_arena_used(const struct tproc_arena *arena);

/*
 * Locks and waiting, for threads of all programs and of the host. The objects lie in blocks of the shared heap;
 * all-zero bytes are a new one, and nothing has to be done when one is not used any more. (Elsewhere the host could not
 * tell what a program that died had to do with it: EINVAL.) All of it works as well in programs with one thread, whose
 * libc may leave out what makes pthread's locks right between processes.
 *
 * Functions return 0 or an error number, and leave errno alone. ENOTSUP: there is no shared heap. Deadlines are of
 * CLOCK_MONOTONIC; NULL: none. What is no time (before 0, nanoseconds of a second or more) has passed. A signal handler
 * that returns does not end a wait. Not for signal handlers themselves.
 */

/** A lock that is passed on when its owner dies. The owner is a thread; it is not recursive. */
struct tproc_mutex {
  uint32_t word;
  uint32_t reserved;
};

/**
 * Locks.
 *
 * @return 0; EOWNERDEAD: locked, but the last owner has died with it: put right what it guards, then
 * tproc_mutex_consistent; ENOTRECOVERABLE: not locked, its last owner has given it up without doing so; EDEADLK: the
 * caller has it already; EINVAL, ENOTSUP, EAGAIN, ENOMEM
 */
TPROC_EXPORT int tproc_mutex_lock(struct tproc_mutex *mutex);

/** As tproc_mutex_lock; ETIMEDOUT when the deadline has passed. */
TPROC_EXPORT int tproc_mutex_timedlock(struct tproc_mutex *mutex, const struct timespec *deadline);

/** As tproc_mutex_lock; EBUSY when another thread that lives has it. */
TPROC_EXPORT int tproc_mutex_trylock(struct tproc_mutex *mutex);

/** @return 0; EPERM when it is not the caller's */
TPROC_EXPORT int tproc_mutex_unlock(struct tproc_mutex *mutex);

/** What the lock guards is right again. @return 0; EINVAL when it is not the caller's, or no owner has died */
TPROC_EXPORT int tproc_mutex_consistent(struct tproc_mutex *mutex);

/**
 * An event: waiting for a condition that is somewhere else in shared memory. To wait, in a loop: prepare, look at
 * the condition, wait. After a change of the condition: signal. When a program is killed between the two, its death
 * wakes the waiters; so a wait may end without a reason.
 */
struct tproc_event {
  uint32_t word;
};

/** Before the condition is looked at. @return the key for tproc_event_wait; it need not be called */
TPROC_EXPORT uint32_t tproc_event_prepare(struct tproc_event *event);

/** Sleeps until the next signal after the tproc_event_prepare. @return 0, ETIMEDOUT; EINVAL, ENOTSUP, EAGAIN, ENOMEM
 */
TPROC_EXPORT int tproc_event_wait(struct tproc_event *event, uint32_t key, const struct timespec *deadline);

/** Wakes all who wait. Cheap when no thread waits. */
TPROC_EXPORT void tproc_event_signal(struct tproc_event *event);

/** A condition variable: waiting for what a mutex guards to change. */
struct tproc_cond {
  struct tproc_event changed;
};

/**
 * Unlocks the mutex, sleeps until the next broadcast, and locks it again. It may return without a reason, so look at
 * the condition in a loop.
 *
 * @return 0, ETIMEDOUT, EOWNERDEAD: the mutex is the caller's, as tproc_mutex_lock says (which takes no deadline here);
 * ENOTRECOVERABLE: it is not; EPERM: it was not; EINVAL, ENOTSUP, EAGAIN, ENOMEM
 */
TPROC_EXPORT int tproc_cond_wait(struct tproc_cond *condition, struct tproc_mutex *mutex,
                                 const struct timespec *deadline);

/**
 * Wakes all who wait. To wake one alone would not do: it might be killed before it acts, and the others sleep on.
 */
TPROC_EXPORT void tproc_cond_broadcast(struct tproc_cond *condition);

/** Most parties of a barrier. */
#define TPROC_BARRIER_MAX 64

/** What tproc_barrier_wait returns to one of the parties. */
#define TPROC_BARRIER_SERIAL (-1)

/**
 * A barrier: threads of any programs, its *parties*, wait until all have arrived, again and again. Set `parties` (1 to
 * TPROC_BARRIER_MAX) before others use it, and leave the rest zero. A thread becomes a party with its first wait; the
 * first round waits for as many as there are to be.
 *
 * A party that dies on its way breaks the round: all others are told ECANCELED, those that come later, too. The next
 * rounds go on without it, until another thread takes its place with its first wait. One that dies after its arrival
 * has arrived.
 */
struct tproc_barrier {
  uint32_t parties;
  struct tproc_event passed;
  uint32_t round;
  uint32_t passed_until;
  uint64_t places[TPROC_BARRIER_MAX];
};

/**
 * Arrives, and waits for the others.
 *
 * @return 0, or TPROC_BARRIER_SERIAL to one of them: all have arrived; ECANCELED: the round was broken, by a death or
 * a deadline; ETIMEDOUT: it was broken by this call, whose deadline has passed; EUSERS: there are as many parties
 * already; EINVAL (the number of parties, or not in the shared heap), ENOTSUP, EAGAIN, ENOMEM
 */
TPROC_EXPORT int tproc_barrier_wait(struct tproc_barrier *barrier, const struct timespec *deadline);

/** The calling thread is no party any more: no round waits for it. @return 0; ENOENT: it was none; EINVAL … */
TPROC_EXPORT int tproc_barrier_leave(struct tproc_barrier *barrier);

/** A semaphore. It has no owner: a permit that a program dies with is gone. Set `count` before others use it. */
struct tproc_semaphore {
  uint32_t count;
  struct tproc_event posted;
};

/** Takes a permit. @return 0, ETIMEDOUT; EINVAL, ENOTSUP, EAGAIN, ENOMEM */
TPROC_EXPORT int tproc_semaphore_wait(struct tproc_semaphore *semaphore, const struct timespec *deadline);

/** @return 0; EAGAIN when there is no permit */
TPROC_EXPORT int tproc_semaphore_trywait(struct tproc_semaphore *semaphore);

/** Adds a permit. @return 0; EOVERFLOW when there are 2^32 - 1 */
TPROC_EXPORT int tproc_semaphore_post(struct tproc_semaphore *semaphore);

/** Something that is to be done once by one of all programs. */
struct tproc_once {
  uint32_t done;
  struct tproc_mutex mutex;
};

/**
 * Calls a function unless that has been done, and waits for the thread that is doing it. When that one dies in it, the
 * next caller does it, from the start.
 *
 * @return 0, or what tproc_mutex_lock says
 */
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a struct and a function of one name, as in C */
#endif
TPROC_EXPORT int tproc_once(struct tproc_once *once, void (*function)(void *), void *argument);
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic pop
#endif

/**
 * tproc_once in two steps, for languages in which what is done may throw.
 *
 * @return 0: the calling thread is to do it, and says with tproc_once_end when it is over; EALREADY: it has been done;
 * or what tproc_mutex_lock says
 */
TPROC_EXPORT int tproc_once_begin(struct tproc_once *once);

/** @param done 0: it could not be done, and the next caller does it. @return 0; EPERM: the caller is not doing it */
TPROC_EXPORT int tproc_once_end(struct tproc_once *once, int done);

/*
 * The registry: what is shared, by name, for all programs of a host and for the host itself. Reading takes no lock, and
 * publishing neither: a kill -9 at any instruction leaves an entry that is there or is not, and keeps no other waiting.
 *
 * Functions return 0 or an error number, and leave errno alone; ENOTSUP, EAGAIN, ENOMEM as of tproc_alloc.
 */

/** Bytes of a name, at least 1, and of a type, without the NUL. They may be any but NUL. */
#define TPROC_NAME_MAX 95
#define TPROC_TYPE_MAX 47

/** tproc_entry.flags, from the publisher: the entry is kept when the process has ended, to say so (EOWNERDEAD). */
#define TPROC_ENTRY_KEPT 1u

/** tproc_entry.state */
#define TPROC_ENTRY_LIVE 0
#define TPROC_ENTRY_ENDED 1

/** A publication. Its address means the same to all; what lies there, and how long, is for the programs to agree on. */
struct tproc_entry {
  char name[TPROC_NAME_MAX + 1];
  char type[TPROC_TYPE_MAX + 1]; /**< what lies there, for example "acme.Ring/1"; may be empty */
  void *address;
  size_t size;      /**< bytes */
  uint32_t version; /**< the publisher's own */
  uint32_t flags;   /**< TPROC_ENTRY_KEPT */
  uint64_t id;      /**< names this publication, and never another. What follows as well is only read, not published */
  int pid;          /**< whose it is, and with whose end it ends */
  int state;        /**< TPROC_ENTRY_… */
  int status;       /**< of TPROC_ENTRY_ENDED: the process's exit status, or 256 + the signal that killed it */
};

/**
 * Publishes an entry until it is withdrawn or the process ends, and sets its id, pid and state. Those who await the
 * name are woken. A kept entry of a process that has ended makes room.
 *
 * @return 0; EEXIST: a living process has the name; EINVAL: name or type is too long, or the name empty; ENOSPC: there
 * are 4096 entries
 */
TPROC_EXPORT int tproc_publish(struct tproc_entry *entry);

/**
 * Finds an entry.
 *
 * @param type what it has to be; NULL: anything
 * @param entry receives it; also with EPROTOTYPE and EOWNERDEAD
 * @return 0; ENOENT; EPROTOTYPE: its type is another; EOWNERDEAD: its process has ended, and it is kept to say so;
 * EINVAL: no process can publish such a name, or type
 */
TPROC_EXPORT int tproc_lookup(const char *name, const char *type, struct tproc_entry *entry);

/** As tproc_lookup, but sleeps until a living one is there. @param deadline of CLOCK_MONOTONIC; NULL: none. @return
 * also ETIMEDOUT, and not ENOENT or EOWNERDEAD */
TPROC_EXPORT int tproc_await(const char *name, const char *type, const struct timespec *deadline,
                             struct tproc_entry *entry);

/**
 * Sleeps until a publication (of the entry, only the id counts) is no more: withdrawn, or its process ended. When it is
 * kept, state and status say how.
 *
 * @return 0, ETIMEDOUT
 */
TPROC_EXPORT int tproc_watch(struct tproc_entry *entry, const struct timespec *deadline);

/** Takes a publication of the calling process back, or a kept one of any. Of the entry, only the id counts.
 * @return 0; ESTALE: it is no more; EPERM: it belongs to another process, which lives */
TPROC_EXPORT int tproc_withdraw(const struct tproc_entry *entry);

/**
 * Lists the entries: each that is there all the time is found once.
 *
 * @param place where the list is; 0 begins it
 * @return 0; ENOENT at its end
 */
TPROC_EXPORT int tproc_list(uint32_t *place, struct tproc_entry *entry);

/*
 * Channels: bounded queues between programs, and between programs and the host. A message has up to 48 bytes, and may
 * have a block of the shared heap with it, whose ownership moves with the message: the sender's, in the channel
 * no process's, the receiver's. First in, first out. A channel is there as long as an end of it is open; with the last
 * one go the messages in it, and their blocks are freed.
 *
 * A kill -9 at any instruction keeps no other waiting. A message is sent or not: one with a block is sent as soon as
 * the block is not the sender's any more. What the dead one was about to receive is received by another (then it may
 * come after later ones), unless its block was the dead one's already; such a block goes as all of its blocks do.
 *
 * An end belongs to a process, and all of its threads may use it at a time (but see TPROC_ONE_SENDER). A forked child
 * opens its own: EBADF. Functions return 0 or an error number, and leave errno alone; ENOTSUP, EAGAIN (of too many
 * threads), ENOMEM as of tproc_alloc. Deadlines are of CLOCK_MONOTONIC; NULL: none. Not for signal handlers.
 */

/** Roles, of which an end has one or both. */
#define TPROC_SENDER 1u
#define TPROC_RECEIVER 2u

/**
 * A channel is for one sending (receiving) process, of which one thread at a time does it: quicker. A second process is
 * refused (EBUSY), a second thread is the program's error.
 */
#define TPROC_ONE_SENDER 4u
#define TPROC_ONE_RECEIVER 8u

/** Most bytes in a message. */
#define TPROC_MESSAGE_MAX 48

/** The type of a channel in the registry. */
#define TPROC_CHANNEL_TYPE "tproc.Channel/1"

/** An open end. Do not copy it; its fields are for reading. */
struct tproc_channel {
  void *queue;    /**< NULL: not open */
  uint64_t id;    /**< of the channel, for tproc_channel_open_id in any program; never another's */
  uint32_t owner; /**< the rest is the library's own */
  uint32_t peer;
  uint32_t roles;
  uint32_t spins;
};

struct tproc_message {
  void *block;     /**< owned by the sender, and afterwards by the receiver; NULL: none */
  uint32_t length; /**< of data, in bytes */
  uint32_t reserved;
  unsigned char data[TPROC_MESSAGE_MAX];
};

/**
 * Makes a channel, and opens an end of it.
 *
 * @param cells most messages in it: a power of two, up to 1048576; 64 bytes each
 * @param flags TPROC_SENDER, TPROC_RECEIVER or both; TPROC_ONE_SENDER, TPROC_ONE_RECEIVER
 * @return 0; EINVAL; ENOMEM; ENOSPC: there are 10240 channels
 */
TPROC_EXPORT int tproc_channel_create(struct tproc_channel *channel, uint32_t cells, unsigned flags);

/**
 * Publishes a channel under a name, as tproc_publish does, for tproc_channel_open. The name stays when the end is
 * closed, for others may be open: tproc_lookup and tproc_withdraw take it back. @return as tproc_publish; EBADF
 */
TPROC_EXPORT int tproc_channel_publish(const struct tproc_channel *channel, const char *name);

/**
 * Opens an end of a published channel; sleeps until the name is there.
 *
 * @param roles TPROC_SENDER, TPROC_RECEIVER or both
 * @return 0; ETIMEDOUT; EPROTOTYPE: the name is of something else; EINVAL; ESTALE: the channel is no more; EUSERS: 64
 * ends are open; EBUSY: it is for one of this role
 */
TPROC_EXPORT int tproc_channel_open(struct tproc_channel *channel, const char *name, unsigned roles,
                                    const struct timespec *deadline);

/** The same of a channel whose id was told otherwise. Never waits. */
TPROC_EXPORT int tproc_channel_open_id(struct tproc_channel *channel, uint64_t id, unsigned roles);

/**
 * Closes an end; no thread may be using it. With the last receiver sending ends, with the last sender receiving, once
 * the channel is empty (EPIPE); the process's end closes as well.
 *
 * @return 0; EBADF: it is not open
 */
TPROC_EXPORT int tproc_channel_close(struct tproc_channel *channel);

/**
 * Sends a message, and sleeps until there is room.
 *
 * @return 0; EPIPE: there is no receiver any more (when there has been none yet, it waits); ETIMEDOUT; EINVAL: too
 * long, or no allocated block begins there, or it is in a channel already; EBADF. Unless 0, the block is the sender's
 */
TPROC_EXPORT int tproc_channel_send(struct tproc_channel *channel, const struct tproc_message *message,
                                    const struct timespec *deadline);

/** As tproc_channel_send; EAGAIN when there is no room. */
TPROC_EXPORT int tproc_channel_trysend(struct tproc_channel *channel, const struct tproc_message *message);

/**
 * Receives a message, and sleeps until there is one.
 *
 * @return 0; EPIPE: nothing is there, and no sender any more (when there has been none yet, it waits); ETIMEDOUT;
 * EBADF; EBADMSG: the message's block has been freed by a program that did not own it, and the message is gone
 */
TPROC_EXPORT int tproc_channel_receive(struct tproc_channel *channel, struct tproc_message *message,
                                       const struct timespec *deadline);

/** As tproc_channel_receive; EAGAIN when there is none. */
TPROC_EXPORT int tproc_channel_tryreceive(struct tproc_channel *channel, struct tproc_message *message);

/**
 * Sends as many of several as there is room for, and sleeps until that is at least one. The receivers are woken once.
 *
 * @param sent receives how many; with EINVAL messages[*sent] is the one that is refused
 * @return as tproc_channel_send
 */
TPROC_EXPORT int tproc_channel_send_batch(struct tproc_channel *channel, const struct tproc_message *messages,
                                          size_t count, size_t *sent, const struct timespec *deadline);

/**
 * Receives as many as there are, up to `count`, and sleeps until that is at least one.
 *
 * @param received receives how many, also with EBADMSG, which is of the one after these
 * @return as tproc_channel_receive
 */
TPROC_EXPORT int tproc_channel_receive_batch(struct tproc_channel *channel, struct tproc_message *messages,
                                             size_t count, size_t *received, const struct timespec *deadline);

/** How many ends are open in each role. @return 0; EBADF */
TPROC_EXPORT int tproc_channel_peers(const struct tproc_channel *channel, unsigned *senders, unsigned *receivers);

/** Most channels of a tproc_channel_select. */
#define TPROC_SELECT_MAX 127

/** One of several that are waited for. */
struct tproc_channel_select {
  struct tproc_channel *channel;
  uint32_t role; /**< TPROC_RECEIVER: until there is a message; TPROC_SENDER: until there is room */
  int ready;     /**< receives 1, or 0; 1 also when it would say EPIPE */
};

/**
 * Sleeps until one of several channels is ready. Another may be quicker: tproc_channel_trysend or _tryreceive decide.
 *
 * @param count 1 to TPROC_SELECT_MAX
 * @return 0, ETIMEDOUT; EINVAL, EBADF
 */
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a struct and a function of one name, as in C */
#endif
TPROC_EXPORT int tproc_channel_select(struct tproc_channel_select *channels, size_t count,
                                      const struct timespec *deadline);
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic pop
#endif

/*
 * Workers: programs that serve the requests of a pool, which the host has (io.tproc.worker in Java). The pool starts a
 * worker with the environment variable TPROC_WORKER, which names its two channels; a program that is to be a worker
 * calls tproc_serve, and that is all. The variable is of no use to what the program starts itself.
 *
 * A request's own bytes are copied; its buffers lie where Java has them. Functions return 0 or an error number, and
 * leave errno alone; ENOTSUP, EAGAIN (of too many threads), ENOMEM as of tproc_alloc. Not for signal handlers, and not
 * for forked children.
 */

/** Memory of Java's (a direct ByteBuffer, a MemorySegment) that a request brings along. */
struct tproc_buffer {
  void *address;
  size_t size; /**< bytes */
};

/**
 * A request, and what will be its response. All of it may be used until the request is finished: that is, in
 * tproc_serve's handler. Only `block` may be written to, directly; do not copy the struct.
 */
struct tproc_request {
  const void *data; /**< the request's own bytes, aligned to 8 */
  size_t size;      /**< of data, in bytes */
  const struct tproc_buffer *buffers;
  size_t buffer_count;
  /** A block of the shared heap that came with it, and is the worker's now; NULL: none. It is freed when the request is
   * finished; set this to NULL to keep it. */
  void *block;
  uint64_t id;                   /**< of this request, in its pool */
  struct tproc_message received; /**< the rest is the library's own */
  struct tproc_message response;
  void *part;
};

/** A code for what is no error number: an exception of the program's language. */
#define TPROC_EXCEPTION (-1)

/**
 * Serves the requests of the pool that has started this program, until the pool closes.
 *
 * Several threads may serve at a time, up to 63; the pool must allow as many requests in flight.
 *
 * @param handler is called for each request, and sets the response with tproc_respond and tproc_respond_block. Returns
 * 0, or a code of its own: then the request has failed with that code, in Java too, and the response's bytes are the
 * message (in UTF-8)
 * @param context for the handler
 * @return 0: the pool is closing, or has, and the program should end; ENOENT: no pool has started this program;
 * EPROTONOSUPPORT: a pool of another version has; ESTALE: the pool is gone; EUSERS: too many threads serve
 */
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a struct and a function of one name, as in C */
#endif
TPROC_EXPORT int tproc_serve(int (*handler)(struct tproc_request *request, void *context), void *context);
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic pop
#endif

/** Most bytes of a response: Java has them in an array. A block has no such limit. */
#define TPROC_RESPONSE_MAX ((size_t)1 << 30)

/**
 * Sets the response's bytes, instead of those set before. They are copied.
 *
 * @return 0; ENOMEM; EOVERFLOW: more than TPROC_RESPONSE_MAX
 */
TPROC_EXPORT int tproc_respond(struct tproc_request *request, const void *data, size_t size);

/**
 * Sets the block of the shared heap that goes with the response, instead of one set before, which is freed. It is
 * Java's once the request is finished; until then the request's. A request that fails frees it.
 *
 * @param block the caller's; may be the request's own; NULL: none
 * @return 0; EINVAL: no allocated block begins there
 */
TPROC_EXPORT int tproc_respond_block(struct tproc_request *request, void *block);

/** What tproc_serve does, step by step: for programs that have a loop of their own. One thread at a time uses it. */
struct tproc_worker {
  struct tproc_channel requests;  /**< may be waited for with tproc_channel_select */
  struct tproc_channel responses; /**< the library's own */
};

/** Tells the pool that this program serves. To be closed by the caller. @return as tproc_serve */
TPROC_EXPORT int tproc_worker_open(struct tproc_worker *worker);

/**
 * Takes a request, and sleeps until there is one. Several may be taken before the first is finished.
 *
 * @return 0, and then it has to be finished; EPIPE: the pool is closing; ETIMEDOUT; EBADF: it is not open
 */
TPROC_EXPORT int tproc_worker_receive(struct tproc_worker *worker, struct tproc_request *request,
                                      const struct timespec *deadline);

/**
 * Sends the response to a request, in any order. From here on nothing of the request may be used.
 *
 * @param code 0, or what it has failed with
 * @return 0; EPIPE: the pool is gone; EBADF: it is not open. In any case the request is finished
 */
TPROC_EXPORT int tproc_worker_finish(struct tproc_worker *worker, struct tproc_request *request, int code);

/** Stops serving; requests that were taken and not finished are lost. @return 0; EBADF: it is not open */
TPROC_EXPORT int tproc_worker_close(struct tproc_worker *worker);

#ifdef __cplusplus
}
#endif

#endif
