/* The broker: the host's thread that answers the calls which fences hand over. */
#ifndef TPROC_BROKER_H
#define TPROC_BROKER_H

#include <pthread.h>

#include "base/executor.h"
#include "broker/broker_call.h"
#include "broker/deferred_reply.h"
#include "broker/fence_listener.h"
#include "broker/watchdog.h"
#include "tproc_core.h"

/**
 * Called when there is news: a failure or a late answer, of which broker_take_report tells, or an exec. By the broker's
 * thread or the watchdog's; must not wait.
 */
typedef void broker_news(void *context);

/** What the broker asks of its host. */
struct broker_callbacks {
  broker_news *news;
  broker_trace *trace;
  void *context; /**< of `news` */
};

struct broker {
  pthread_t thread;
  struct executor *executor; /**< whose descriptor table is the broker's */
  int events;                /**< epoll set of the listeners' descriptors and `stop` */
  int stop;                  /**< eventfd */
  pthread_mutex_t lock;      /**< guards the list; then a listener's lock */
  struct fence_listener *first;
  pthread_mutex_t report_lock; /**< guards the report alone: the watchdog's must not wait for what is late */
  struct tproc_error report;   /**< what has not been told yet */
  struct broker_callbacks callbacks;
  struct broker_context context;
  struct deferred_replies deferred;
  struct watchdog watchdog;
  bool unanswered;     /**< atomic: a deferred reply could not be sent, and its listener says so */
  uint64_t looked_at;  /**< when it was looked who has left; of the broker's thread */
  int failure;         /**< atomic: errno that ended the thread; 0 while all is well */
  size_t request_size; /**< of a notification, as this kernel writes it */
};

/** On a thread that has the executor's descriptor table, as all functions here but broker_detach. */
int broker_start(struct broker *broker, struct executor *executor, const struct address_space *space,
                 struct slot_space *slots, const struct broker_callbacks *callbacks, struct tproc_error *error);

/** Closes all listeners: calls that still wait for an answer get ENOSYS. On the executor's thread. */
void broker_stop(struct broker *broker);

/** A program's file. */
struct broker_executable {
  const char *path; /**< absolute */
  int file;
  bool stay; /**< it may not exec another */
  struct process_texts texts;
};

/**
 * Opens a threadproc's listener. Takes over `listener`, also when it fails.
 *
 * @param process pidfd of the threadproc; duplicated
 * @param executable copied and duplicated
 */
int broker_open_listener(struct broker *broker, int notify_fd, pid_t pid, int process, struct memory *memory,
                         const struct broker_executable *executable, struct fence_listener **listener,
                         struct tproc_error *error);

/** What the program is started with, if that is decided later. */
void broker_set_texts(struct fence_listener *listener, const struct process_texts *texts);

/** Looks what has come of the threadproc's own execve, also when it has ended, but before its exit is collected. */
enum tproc_exec broker_look_for_exec(struct fence_listener *listener);

/** What has been found. On any thread. */
enum tproc_exec broker_exec_of(struct fence_listener *listener);

/**
 * Whether the threadproc's SIGSTOP was for a SIGTSTP that it has sent itself (SIGTSTP) or its process group (-SIGTSTP);
 * once of each. On any thread.
 *
 * @return 0 if it was not
 */
int broker_stopped_itself(struct fence_listener *listener);

/** Tells of a failure or a late answer, once. @return 0 when there was none */
int broker_take_report(struct broker *broker, struct tproc_error *error);

/**
 * The threadproc's process has ended: its exit is about to be collected, and its pid may become another's. Waits until
 * it is not about to be traced any more (broker_trace).
 */
void broker_forget_process(struct fence_listener *listener);

/** The threadproc's memory is not touched any more. The caller's pointer to the listener is invalid from here on. */
void broker_detach(struct broker *broker, struct fence_listener *listener);

#endif
