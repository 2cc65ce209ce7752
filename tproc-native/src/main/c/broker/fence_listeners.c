#include "broker/fence_listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/list.h"
#include "base/process_state.h"

/*
 * Out of the epoll set first: closing alone leaves it in there while a duplicate lives, and for a moment every new
 * process of the host has duplicates of all its descriptors. The set would go on naming a listener that has been freed.
 */
static void close_notify_fd(struct broker *broker, struct fence_listener *listener) {
  if (listener->notify_fd < 0) return;
  epoll_ctl(broker->events, EPOLL_CTL_DEL, listener->notify_fd, NULL);
  close(listener->notify_fd);
  listener->notify_fd = -1;
}

static void remove_listener(struct broker *broker, struct fence_listener *listener) {
  pthread_mutex_lock(&broker->lock);
  LIST_UNLINK(broker->first, listener);
  pthread_mutex_unlock(&broker->lock);
  close_notify_fd(broker, listener);
  close(listener->executable_file);
  close(listener->process);
  pthread_cond_destroy(&listener->tracing_has_begun);
  pthread_mutex_destroy(&listener->lock);
  free(listener);
}

/* With the listener's lock. The thread that finds it unused lets go of the lock, and then closes it. */
static bool is_unused(const struct fence_listener *listener) {
  return listener->memory == NULL && listener->hung_up && listener->deferred_replies == 0;
}

void fence_listeners_reply_is_sent(void *context, struct fence_listener *listener, int failed) {
  struct broker *broker = context;
  pthread_mutex_lock(&listener->lock);
  if (failed) {
    listener->unanswered = failed;
    __atomic_store_n(&broker->unanswered, true, __ATOMIC_RELEASE);
  }
  listener->deferred_replies--;
  if (listener->hung_up && listener->deferred_replies == 0) close_notify_fd(broker, listener);
  const bool unused = is_unused(listener);
  pthread_mutex_unlock(&listener->lock);
  if (unused) remove_listener(broker, listener);
}

void fence_listeners_hang_up(struct broker *broker, struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  if (listener->deferred_replies == 0)
    close_notify_fd(broker, listener);
  else /* the reply will close it */
    epoll_ctl(broker->events, EPOLL_CTL_DEL, listener->notify_fd, NULL);
  listener->hung_up = true;
  const bool unused = is_unused(listener);
  pthread_mutex_unlock(&listener->lock);
  if (unused) remove_listener(broker, listener);
}

void fence_listeners_give_up(struct broker *broker, struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  if (!listener->process_gone) syscall(SYS_pidfd_send_signal, listener->process, SIGKILL, NULL, 0);
  if (listener->deferred_replies == 0) close_notify_fd(broker, listener);
  listener->hung_up = true;
  pthread_mutex_unlock(&listener->lock);
}

struct fence_listener *fence_listeners_find_unanswered(struct broker *broker, int *failed) {
  struct fence_listener *found = NULL;
  pthread_mutex_lock(&broker->lock);
  for (struct fence_listener *each = broker->first; each != NULL && found == NULL; each = each->next) {
    pthread_mutex_lock(&each->lock);
    if (each->unanswered != 0 && !each->hung_up) {
      *failed = each->unanswered;
      found = each;
    }
    pthread_mutex_unlock(&each->lock);
  }
  pthread_mutex_unlock(&broker->lock);
  return found;
}

void fence_listeners_close_all(struct broker *broker) {
  while (broker->first != NULL) remove_listener(broker, broker->first);
}

/* Anew, by the link: a descriptor that can do nothing and whose closing means nothing to the file system. */
static int open_path(int file) {
  char link[64];
  snprintf(link, sizeof link, "/proc/thread-self/fd/%d", file);
  return open(link, O_PATH | O_CLOEXEC);
}

/* @return NULL and an errno */
static struct fence_listener *new_listener(const struct broker_executable *executable, int process, int *code) {
  struct fence_listener *listener = calloc(1, sizeof *listener);
  if (listener == NULL) {
    *code = ENOMEM;
    return NULL;
  }
  listener->executable_file = open_path(executable->file);
  listener->process = listener->executable_file >= 0 ? fcntl(process, F_DUPFD_CLOEXEC, 0) : -1;
  if (listener->process >= 0) return listener;
  *code = errno;
  if (listener->executable_file >= 0) close(listener->executable_file);
  free(listener);
  return NULL;
}

int broker_open_listener(struct broker *broker, int notify_fd, pid_t pid, int process, struct memory *memory,
                         const struct broker_executable *executable, struct fence_listener **result,
                         struct tproc_error *error) {
  const int failure = __atomic_load_n(&broker->failure, __ATOMIC_SEQ_CST);
  int refused = 0;
  struct fence_listener *listener = failure != 0 ? NULL : new_listener(executable, process, &refused);
  if (listener == NULL) {
    close(notify_fd);
    return failure != 0 ? tproc_fail(error, failure, "the host's broker has failed and answers no calls any more")
                        : tproc_fail(error, refused, "open a listener to the broker");
  }
  listener->notify_fd = notify_fd;
  listener->pid = pid;
  listener->memory = memory;
  listener->stay = executable->stay;
  listener->texts = executable->texts;
  snprintf(listener->executable, sizeof listener->executable, "%s", executable->path);
  pthread_mutex_init(&listener->lock, NULL);
  pthread_cond_init(&listener->tracing_has_begun, NULL);
  pthread_mutex_lock(&broker->lock);
  LIST_PREPEND(broker->first, listener);
  pthread_mutex_unlock(&broker->lock);

  ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); /* only makes it faster */
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
  int code = epoll_ctl(broker->events, EPOLL_CTL_ADD, notify_fd, &event) == 0 ? 0 : errno;
  if (code == 0) code = __atomic_load_n(&broker->failure, __ATOMIC_SEQ_CST); /* the thread may have ended meanwhile */
  if (code != 0) {
    remove_listener(broker, listener);
    return tproc_fail(error, code, "open a listener to the broker");
  }
  *result = listener;
  return 0;
}

void broker_set_texts(struct fence_listener *listener, const struct process_texts *texts) {
  pthread_mutex_lock(&listener->lock);
  listener->texts = *texts;
  pthread_mutex_unlock(&listener->lock);
}

/* What it has become has a memory of its own, which its limits are for. */
static void leave(struct fence_listener *listener) {
  listener->exec = TPROC_EXEC_LEFT;
  if (listener->memory != NULL && memory_is_limited(listener->memory))
    target_limit_memory(listener->memory, listener->pid);
}

void fence_listeners_look_for_exec(struct fence_listener *listener) {
  if (listener->exec != TPROC_EXEC_NONE || listener->process_gone) return;
  if (process_has_execed(listener->process)) leave(listener);
}

enum tproc_exec broker_look_for_exec(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  fence_listeners_look_for_exec(listener);
  const enum tproc_exec exec = listener->exec;
  pthread_mutex_unlock(&listener->lock);
  return exec;
}

enum tproc_exec broker_exec_of(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  const enum tproc_exec exec = listener->exec;
  pthread_mutex_unlock(&listener->lock);
  return exec;
}

int broker_stopped_itself(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  const int stopped = listener->stopped_itself;
  listener->stopped_itself = 0;
  pthread_mutex_unlock(&listener->lock);
  return stopped;
}

/* Nobody can be kept waiting by a process that has ended: what traces it finds that. */
void broker_forget_process(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  listener->process_gone = true;
  while (listener->tracing_begins) pthread_cond_wait(&listener->tracing_has_begun, &listener->lock);
  pthread_mutex_unlock(&listener->lock);
}

struct detaching {
  struct broker *broker;
  struct fence_listener *listener;
};

static void detach(void *argument) {
  const struct detaching *detaching = argument;
  struct fence_listener *listener = detaching->listener;
  pthread_mutex_lock(&listener->lock);
  listener->memory = NULL;
  const bool unused = is_unused(listener);
  pthread_mutex_unlock(&listener->lock);
  if (unused) remove_listener(detaching->broker, listener);
}

void broker_detach(struct broker *broker, struct fence_listener *listener) {
  struct detaching detaching = {broker, listener};
  executor_call(broker->executor, detach, &detaching);
}
