/* What the broker answers to one call. */
#ifndef TPROC_BROKER_CALL_H
#define TPROC_BROKER_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/exe_path.h"
#include "broker/fence_listener.h"
#include "broker/target.h"
#include "memory/fork_shield.h"

/** A call that the fence handed over. */
struct broker_call {
  int number;
  uint64_t arguments[6];
  pid_t tid;             /**< the calling thread's id */
  bool shares;           /**< it runs in the host's memory */
  uint64_t id;           /**< of the notification */
  bool names_executable; /**< its path is known to be that of its own executable */
  enum own_file view;    /**< its path is known to be that of this file, which is to be read */
  uint64_t awaits;       /**< the call for which a text is overwritten that has to be back first; 0: none */
};

/**
 * Called by a deferred reply when a threadproc is about to set a timer that sends signals again and again: where it can
 * be traced, it is from then on. May take long. Neither its exit is collected meanwhile nor the host closed.
 */
typedef void broker_trace(void *threadproc);

/** What answering needs of the host. */
struct broker_context {
  const struct address_space *space;
  struct slot_space *slots;
  struct fork_shield shield;
  struct target_check check;
  broker_trace *trace;
};

/** What the kernel is told to do with a call. */
enum broker_verdict {
  BROKER_RETURN,   /**< it returns `result`: a value or a negative errno */
  BROKER_CONTINUE, /**< it is made as it stands */
  BROKER_ADDFD,    /**< it returns a new descriptor of the target for the host's descriptor `result`, which is then
                           closed */
  /* Deferred replies: */
  BROKER_DEFER_FILL,     /**< once the pages of `fill` are there, or cannot be had, it returns `result` */
  BROKER_DEFER_POPULATE, /**< the same, but it returns 0 or why they cannot be had */
  BROKER_DEFER_LOCK,     /**< the same as mlock fills, and then it is made as it stands */
  BROKER_DEFER_UNMAP,    /**< once `fill` of `memory` is unmapped it returns the result of that */
  BROKER_DEFER_ADVISE,   /**< the same with `advice` */
  BROKER_DEFER_UNLOCK,   /**< once `fill` of `memory` is unlocked it is made as it stands */
  BROKER_DEFER_SHRINK,   /**< mremap at `result`: once `fill` of `memory` is unmapped broker_answer_again answers what
                              there is before that */
  BROKER_DEFER_REPLACE,  /**< once the pages of `fill` of `memory` are gone it is answered by broker_answer_again */
  BROKER_DEFER_CLOSE,    /**< once `copy` is closed it returns `result` */
  BROKER_DEFER_STORE,    /**< once `stored` is at `stored_at` it returns 0 */
  BROKER_DEFER_LIMIT,    /**< setrlimit and the like: it reads and writes the caller's memory */
  BROKER_DEFER_AIO,      /**< io_setup: it reads and writes the caller's memory */
  BROKER_DEFER_TRACE,    /**< once the caller is traced, if its timer repeats, it is made as it stands */
  BROKER_DEFER_AUXV,     /**< it returns what proc_view_get_auxv gives */
  BROKER_DEFER_MAP,      /**< its file is opened anew, and it returns what broker_answer_map gives */
  BROKER_DEFER_PATH,     /**< it returns what proc_self_exe_run gives */
  BROKER_DEFER_EXECUTE   /**< a text is overwritten, and it is made; of proc_self_exe_run only */
};

struct broker_answer {
  enum broker_verdict verdict;
  int64_t result;
  bool close_on_exec;        /**< of the new descriptor */
  struct address_range fill; /**< pages that have to be there before the answer; empty: none */
  int fill_advice;           /**< MADV_POPULATE_READ or MADV_POPULATE_WRITE */
  struct memory *memory;     /**< whose `fill` is to be unmapped or advised */
  int advice;                /**< of madvise */
  bool close_copy;           /**< there is a `copy` */
  int copy;                  /**< of the caller's descriptor, to be closed where nobody waits */
  int stored;                /**< for the caller's memory, ... */
  uint64_t stored_at;        /**< ... there */
};

/** Whether the answer takes a deferred reply. */
static inline bool broker_defers(const struct broker_answer *answer) { return answer->verdict >= BROKER_DEFER_FILL; }

/**
 * Never blocks on the target or a file system. The listener's lock is held; its memory may be NULL (the threadproc was
 * closed). Notes in *call what the second half of the answer needs to know.
 */
struct broker_answer broker_answer_call(struct broker_context *context, struct fence_listener *listener,
                                        struct broker_call *call);

/** To mmap or mremap, where what is in the way need not be done in pieces any more. The same locks, and memory. */
struct broker_answer broker_answer_again(struct fence_listener *listener, const struct broker_call *call);

/** To mmap of a file that the host has open, which becomes the answer's `copy`. The same locks, and memory. */
struct broker_answer broker_answer_map(struct fence_listener *listener, const struct broker_call *call, int file);

#endif
