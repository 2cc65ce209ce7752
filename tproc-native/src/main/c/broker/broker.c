#include "broker/broker.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "base/wake.h"
#include "broker/fence_listeners.h"
#include "broker/reply.h"

#define BROKER_STACK_SIZE (256u << 10)
#define LOOK_MILLISECONDS 100

static struct broker_answer answer(struct broker *broker, struct fence_listener *listener, struct broker_call *call) {
  pthread_mutex_lock(&listener->lock);
  call->shares = target_shares_memory(&broker->context.check, listener, call->tid);
  struct broker_answer result = broker_answer_call(&broker->context, listener, call);
  if (result.close_copy && result.verdict == BROKER_RETURN && deferred_close_is_late(&broker->deferred, listener))
    result.verdict = BROKER_DEFER_CLOSE;
  if (broker_defers(&result)) listener->deferred_replies++;
  pthread_mutex_unlock(&listener->lock);
  return result;
}

static int serve_call(struct broker *broker, struct fence_listener *listener, struct broker_call *call) {
  const struct broker_answer given = answer(broker, listener, call);
  if (broker_defers(&given)) {
    deferred_reply_run(&broker->deferred, listener, call, &given);
    return 0;
  }
  const int failed = reply_send(listener->notify_fd, call->id, &given);
  if (given.close_copy) deferred_close(&broker->deferred, listener, given.copy);
  return failed;
}

/* @return 0, or the negative errno of a descriptor that does not work any more */
static int serve_one(struct broker *broker, struct fence_listener *listener) {
  _Alignas(8) char room[NOTIFICATION_MAX];
  struct seccomp_notif *request = (struct seccomp_notif *)room;
  memset(room, 0, broker->request_size);
  /* ENOENT: the target was killed while it waited. */
  if (ioctl(listener->notify_fd, SECCOMP_IOCTL_NOTIF_RECV, request) != 0)
    return errno == ENOENT || errno == EINTR ? 0 : -errno;
  struct broker_call call = {.number = request->data.nr, .tid = (pid_t)request->pid, .id = request->id};
  for (int i = 0; i < 6; i++) call.arguments[i] = request->data.args[i];
  watchdog_begin(&broker->watchdog, (struct watched){call.number, call.tid, listener->pid});
  const int failed = serve_call(broker, listener, &call);
  watchdog_end(&broker->watchdog);
  return failed;
}

static void report(struct broker *broker, const struct tproc_error *error) {
  pthread_mutex_lock(&broker->report_lock);
  if (broker->report.code == 0) broker->report = *error;
  pthread_mutex_unlock(&broker->report_lock);
  broker->callbacks.news(broker->callbacks.context);
}

static void report_late(void *broker, const struct tproc_error *error) { report(broker, error); }

static void report_listener(struct broker *broker, struct fence_listener *listener, int code) {
  struct tproc_error error;
  tproc_fail(&error, code, "the host's broker could not answer threadproc %d and has ended it", listener->pid);
  epoll_ctl(broker->events, EPOLL_CTL_DEL, listener->notify_fd, NULL);
  fence_listeners_give_up(broker, listener);
  report(broker, &error);
}

/* A quarter of a second later at most: the broker's thread alone gives listeners up. */
static void report_unanswered(struct broker *broker) {
  struct fence_listener *listener;
  int failed = 0;
  if (!__atomic_exchange_n(&broker->unanswered, false, __ATOMIC_ACQ_REL)) return;
  while ((listener = fence_listeners_find_unanswered(broker, &failed)) != NULL)
    report_listener(broker, listener, -failed);
}

static void report_end(struct broker *broker, int code) {
  struct tproc_error error;
  tproc_fail(&error, code, "the host's broker has failed (epoll_wait), and all threadprocs are ended");
  __atomic_store_n(&broker->failure, code, __ATOMIC_SEQ_CST);
  pthread_mutex_lock(&broker->lock);
  for (struct fence_listener *each = broker->first; each != NULL; each = each->next)
    fence_listeners_give_up(broker, each);
  pthread_mutex_unlock(&broker->lock);
  report(broker, &error);
}

/* @return whether there is news */
static bool look(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  fence_listeners_look_for_exec(listener);
  const bool news = listener->exec != TPROC_EXEC_NONE && !listener->exec_told;
  listener->exec_told |= news;
  pthread_mutex_unlock(&listener->lock);
  return news;
}

/* Not at each question: each program is looked at, since most execs are not asked about. */
static void look_who_has_left(struct broker *broker) {
  const uint64_t now = clock_milliseconds();
  if (now - broker->looked_at < LOOK_MILLISECONDS) return;
  broker->looked_at = now;
  bool news = false;
  pthread_mutex_lock(&broker->lock);
  for (struct fence_listener *each = broker->first; each != NULL; each = each->next) news |= look(each);
  pthread_mutex_unlock(&broker->lock);
  if (news) broker->callbacks.news(broker->callbacks.context);
}

/* Without threadprocs there is no fork, and the next launch raises the shield. */
static int timeout(struct broker *broker, bool more) {
  if (more) return 0;
  pthread_mutex_lock(&broker->lock);
  const int milliseconds = broker->first != NULL ? FORK_SHIELD_MILLISECONDS : -1;
  pthread_mutex_unlock(&broker->lock);
  return milliseconds;
}

static void *serve(void *argument) {
  struct broker *broker = argument;
  thread_runs_briefly(); /* programs wait for it, and a call that it has not received yet can be interrupted */
  for (bool more = false;;) {
    struct epoll_event event;
    const int ready = epoll_wait(broker->events, &event, 1, timeout(broker, more));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) {
      report_end(broker, errno);
      return NULL;
    }
    struct fence_listener *listener = ready > 0 ? event.data.ptr : NULL;
    if (ready > 0 && listener == NULL) return NULL;
    if (listener != NULL && (event.events & EPOLLIN) != 0) {
      const int failed = serve_one(broker, listener);
      if (failed) report_listener(broker, listener, -failed);
    } else if (listener != NULL) {
      fence_listeners_hang_up(broker, listener);
    }
    report_unanswered(broker);
    /* After the answer: a call that the broker has not received yet can be interrupted by a signal. */
    watchdog_begin(&broker->watchdog, (struct watched){.number = -1});
    more = fork_shield_raise_some(&broker->context.shield);
    look_who_has_left(broker);
    watchdog_end(&broker->watchdog);
  }
}

static int ask_sizes(struct broker *broker, struct tproc_error *error) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
    return tproc_fail(error, errno, "seccomp SECCOMP_GET_NOTIF_SIZES");
  broker->request_size = sizes.seccomp_notif;
  if (broker->request_size > NOTIFICATION_MAX || sizes.seccomp_notif_resp > NOTIFICATION_MAX)
    return tproc_fail(error, EOVERFLOW, "seccomp notifications of %zu bytes", broker->request_size);
  return 0;
}

static int open_events(struct broker *broker, struct tproc_error *error) {
  broker->events = epoll_create1(EPOLL_CLOEXEC);
  if (broker->events < 0) return tproc_fail(error, errno, "broker: epoll_create1");
  broker->stop = eventfd(0, EFD_CLOEXEC);
  if (broker->stop < 0) return tproc_fail(error, errno, "broker: eventfd");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(broker->events, EPOLL_CTL_ADD, broker->stop, &event) != 0)
    return tproc_fail(error, errno, "broker: epoll_ctl");
  return 0;
}

static int open_deferred(struct broker *broker, struct tproc_error *error) {
  const int failed = deferred_replies_open(&broker->deferred, &broker->context, fence_listeners_reply_is_sent, broker);
  return failed ? tproc_fail(error, -failed, "start the thread of deferred replies (limit on threads)") : 0;
}

static int start_threads(struct broker *broker, struct tproc_error *error) {
  int failed = watchdog_open(&broker->watchdog, report_late, broker, error);
  if (failed) return failed;
  failed = thread_start(&broker->thread, BROKER_STACK_SIZE, "tproc-broker", serve, broker);
  if (!failed) return 0;
  watchdog_close(&broker->watchdog);
  return tproc_fail(error, -failed, "start the broker's thread");
}

static void release(struct broker *broker) {
  deferred_replies_close(&broker->deferred);
  fence_listeners_close_all(broker);
  target_check_close(&broker->context.check);
  if (broker->stop >= 0) close(broker->stop);
  if (broker->events >= 0) close(broker->events);
  fork_shield_destroy(&broker->context.shield);
  pthread_mutex_destroy(&broker->report_lock);
  pthread_mutex_destroy(&broker->lock);
}

int broker_start(struct broker *broker, struct executor *executor, const struct address_space *space,
                 struct slot_space *slots, const struct broker_callbacks *callbacks, struct tproc_error *error) {
  memset(broker, 0, sizeof *broker);
  broker->executor = executor;
  broker->callbacks = *callbacks;
  broker->events = broker->stop = broker->context.check.own_memory = broker->context.check.own_pages = -1;
  broker->context.space = space;
  broker->context.slots = slots;
  broker->context.trace = callbacks->trace;
  pthread_mutex_init(&broker->lock, NULL);
  pthread_mutex_init(&broker->report_lock, NULL);
  fork_shield_init(&broker->context.shield, space, slots);
  int failed = ask_sizes(broker, error);
  if (!failed) failed = target_check_open(&broker->context.check, error);
  if (!failed) failed = open_events(broker, error);
  if (!failed) failed = open_deferred(broker, error);
  if (!failed) failed = start_threads(broker, error);
  if (failed) release(broker);
  return failed;
}

void broker_stop(struct broker *broker) {
  wake_ring(broker->stop);
  pthread_join(broker->thread, NULL);
  watchdog_close(&broker->watchdog);
  release(broker);
}

int broker_take_report(struct broker *broker, struct tproc_error *error) {
  pthread_mutex_lock(&broker->report_lock);
  const int code = broker->report.code;
  if (code != 0 && error != NULL) *error = broker->report;
  broker->report.code = 0;
  pthread_mutex_unlock(&broker->report_lock);
  return code == 0 ? 0 : -code;
}
