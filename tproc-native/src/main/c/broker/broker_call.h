/* What the broker answers to one call. */
#ifndef TPROC_BROKER_CALL_H
#define TPROC_BROKER_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/fence_listener.h"
#include "broker/target.h"
#include "memory/fork_shield.h"

/** A call that the fence handed over. */
struct broker_call {
  int number;
  uint64_t arguments[6];
  pid_t tid;   /**< the calling thread's id */
  bool shares; /**< it runs in the host's memory */
  uint64_t id; /**< of the notification */
};

/** What answering needs of the host. */
struct broker_context {
  const struct address_space *space;
  struct slot_space *slots;
  struct fork_shield shield;
  struct target_check check;
};

/** What the kernel is told to do with a call. */
enum broker_verdict {
  BROKER_RETURN,       /**< it returns `result`: a value or a negative errno */
  BROKER_CONTINUE,     /**< it is made as it stands */
  BROKER_ADDFD,        /**< it returns a new descriptor of the target for the host's descriptor `result`, which is then
                               closed */
  BROKER_DEFER_FILL,   /**< once the pages of `fill` are there it returns `result`; a deferred reply */
  BROKER_DEFER_UNMAP,  /**< once `fill` of `memory` is unmapped it returns the result of that; a deferred reply */
  BROKER_DEFER_ADVISE, /**< the same with `advice` */
  BROKER_DEFER_OPEN_EXECUTABLE /**< it returns what proc_self_exe_run gives; a deferred reply */
};

struct broker_answer {
  enum broker_verdict verdict;
  int64_t result;
  bool close_on_exec;        /**< of the new descriptor */
  struct address_range fill; /**< pages that have to be there before the answer; empty: none */
  bool fill_for_writing;
  struct memory *memory; /**< whose `fill` is to be unmapped or advised */
  int advice;            /**< of madvise */
};

/** Whether the answer takes a deferred reply. */
static inline bool broker_defers(const struct broker_answer *answer) {
  return answer->verdict == BROKER_DEFER_FILL || answer->verdict == BROKER_DEFER_UNMAP ||
         answer->verdict == BROKER_DEFER_ADVISE || answer->verdict == BROKER_DEFER_OPEN_EXECUTABLE;
}

/** Never blocks on the target. The listener's lock is held; its memory may be NULL (the threadproc was closed). */
struct broker_answer broker_answer_call(struct broker_context *context, struct fence_listener *listener,
                                        const struct broker_call *call);

#endif
