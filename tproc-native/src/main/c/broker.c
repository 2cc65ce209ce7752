#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "reply.h"

#define BROKER_STACK_SIZE (256u << 10)

/* Linux 6.6: the waker goes to sleep at once, so the answer reaches the caller on the same CPU without a detour. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ull
#endif

/*
 * Out of the epoll set first: closing alone leaves it in there while a duplicate lives, and for a moment every new
 * process of the host has duplicates of all its descriptors. The set would go on naming a gate that has been freed.
 */
static void close_listener(struct broker *broker, struct gate *gate) {
  if (gate->listener < 0) return;
  epoll_ctl(broker->events, EPOLL_CTL_DEL, gate->listener, NULL);
  close(gate->listener);
  gate->listener = -1;
}

static void close_gate(struct broker *broker, struct gate *gate) {
  pthread_mutex_lock(&broker->lock);
  if (gate->previous != NULL)
    gate->previous->next = gate->next;
  else
    broker->first = gate->next;
  if (gate->next != NULL) gate->next->previous = gate->previous;
  pthread_mutex_unlock(&broker->lock);
  close_listener(broker, gate);
  if (gate->executable_file >= 0) close(gate->executable_file);
  pthread_mutex_destroy(&gate->lock);
  free(gate);
}

/* With the gate's lock. Whoever finds it unused, and has let go of the lock, closes it. */
static bool is_unused(const struct gate *gate) { return gate->memory == NULL && gate->hung_up && gate->errands == 0; }

static void errand_is_done(void *context, struct gate *gate) {
  struct broker *broker = context;
  pthread_mutex_lock(&gate->lock);
  gate->errands--;
  if (gate->hung_up && gate->errands == 0) close_listener(broker, gate);
  const bool unused = is_unused(gate);
  pthread_mutex_unlock(&gate->lock);
  if (unused) close_gate(broker, gate);
}

static struct broker_answer answer(struct broker *broker, struct gate *gate, struct broker_call *call) {
  pthread_mutex_lock(&gate->lock);
  call->shares = requester_shares_memory(&broker->means.check, gate, call->pid);
  const struct broker_answer result = broker_answer_call(&broker->means, gate, call);
  if (result.verdict == BROKER_LATER) gate->errands++;
  pthread_mutex_unlock(&gate->lock);
  return result;
}

/* @return 0, or the errno of a descriptor that does not work any more */
static int serve_one(struct broker *broker, struct gate *gate) {
  _Alignas(8) char room[LARGEST_NOTIFICATION];
  struct seccomp_notif *request = (struct seccomp_notif *)room;
  memset(room, 0, broker->request_size);
  /* ENOENT: the caller was killed while it waited. */
  if (ioctl(gate->listener, SECCOMP_IOCTL_NOTIF_RECV, request) != 0)
    return errno == ENOENT || errno == EINTR ? 0 : errno;
  struct broker_call call = {.number = request->data.nr, .pid = (pid_t)request->pid, .id = request->id};
  for (int i = 0; i < 6; i++) call.arguments[i] = request->data.args[i];
  const struct broker_answer given = answer(broker, gate, &call);
  if (given.verdict != BROKER_LATER) return reply_send(gate->listener, call.id, &given);
  errand_run(&broker->errands, &broker->means, gate, &call, &given, errand_is_done, broker);
  return 0;
}

/* EPOLLHUP: nobody is left behind this fence. */
static void hang_up(struct broker *broker, struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  if (gate->errands == 0)
    close_listener(broker, gate);
  else /* the errand will close it */
    epoll_ctl(broker->events, EPOLL_CTL_DEL, gate->listener, NULL);
  gate->hung_up = true;
  const bool unused = is_unused(gate);
  pthread_mutex_unlock(&gate->lock);
  if (unused) close_gate(broker, gate);
}

/* Without threadprocs nobody forks, and the next launch raises the shield. */
static int timeout(struct broker *broker) {
  pthread_mutex_lock(&broker->lock);
  const int milliseconds = broker->first != NULL ? FORK_SHIELD_MILLISECONDS : -1;
  pthread_mutex_unlock(&broker->lock);
  return milliseconds;
}

static void *serve(void *argument) {
  struct broker *broker = argument;
  prctl(PR_SET_NAME, "tproc-broker");
  for (;;) {
    struct epoll_event event;
    const int ready = epoll_wait(broker->events, &event, 1, timeout(broker));
    if (ready < 0 && errno == EINTR) continue;
    int failed = ready < 0 ? errno : 0;
    struct gate *gate = event.data.ptr;
    if (ready > 0 && gate == NULL) return NULL;
    if (ready > 0 && (event.events & EPOLLIN) != 0)
      failed = serve_one(broker, gate);
    else if (ready > 0)
      hang_up(broker, gate);
    if (failed) {
      atomic_store(&broker->failure, failed);
      return NULL;
    }
    /* Behind the answer: a call that nobody has heard of yet can be interrupted by a signal. */
    fork_shield_raise(&broker->means.shield, broker->means.space, broker->means.slots);
  }
}

static int ask_sizes(struct broker *broker, struct tproc_error *error) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
    return tproc_fail(error, errno, "seccomp SECCOMP_GET_NOTIF_SIZES");
  broker->request_size = sizes.seccomp_notif;
  if (broker->request_size > LARGEST_NOTIFICATION || sizes.seccomp_notif_resp > LARGEST_NOTIFICATION)
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

static int create_thread(struct broker *broker, struct tproc_error *error) {
  pthread_attr_t attributes;
  sigset_t all, before;
  int code = pthread_attr_init(&attributes);
  if (code == 0) {
    pthread_attr_setstacksize(&attributes, BROKER_STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&broker->thread, &attributes, serve, broker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
  }
  return code == 0 ? 0 : tproc_fail(error, code, "start the broker's thread");
}

static void release(struct broker *broker) {
  errand_desk_close(&broker->errands);
  while (broker->first != NULL) close_gate(broker, broker->first);
  requester_check_close(&broker->means.check);
  if (broker->stop >= 0) close(broker->stop);
  if (broker->events >= 0) close(broker->events);
  fork_shield_lower(&broker->means.shield, broker->means.space, broker->means.slots);
  fork_shield_destroy(&broker->means.shield);
  pthread_mutex_destroy(&broker->lock);
}

int broker_start(struct broker *broker, const struct address_space *space, struct slot_space *slots,
                 struct tproc_error *error) {
  memset(broker, 0, sizeof *broker);
  broker->events = broker->stop = broker->means.check.own_memory = -1;
  broker->means.space = space;
  broker->means.slots = slots;
  pthread_mutex_init(&broker->lock, NULL);
  errand_desk_open(&broker->errands);
  fork_shield_init(&broker->means.shield);
  int failed = ask_sizes(broker, error);
  if (!failed) failed = requester_check_open(&broker->means.check, error);
  if (!failed) failed = open_events(broker, error);
  if (!failed) failed = create_thread(broker, error);
  if (failed) release(broker);
  return failed;
}

void broker_stop(struct broker *broker) {
  const uint64_t one = 1;
  ssize_t written = write(broker->stop, &one, sizeof one);
  (void)written; /* an eventfd that was never written to takes it */
  pthread_join(broker->thread, NULL);
  release(broker);
}

int broker_open_gate(struct broker *broker, int listener, pid_t pid, int process, struct memory *memory,
                     const struct broker_executable *executable, struct gate **result, struct tproc_error *error) {
  const int failure = atomic_load(&broker->failure);
  struct gate *gate = failure != 0 ? NULL : calloc(1, sizeof *gate);
  const int file = gate == NULL ? -1 : fcntl(executable->file, F_DUPFD_CLOEXEC, 0);
  if (gate == NULL || file < 0) {
    const int code = gate == NULL ? ENOMEM : errno;
    close(listener);
    free(gate);
    return failure != 0 ? tproc_fail(error, failure, "the host's broker has failed and answers no calls any more")
                        : tproc_fail(error, code, "open a gate to the broker");
  }
  gate->listener = listener;
  gate->executable_file = file;
  gate->pid = pid;
  gate->memory = memory;
  gate->heap = memory->heap;
  gate->process = process;
  snprintf(gate->executable, sizeof gate->executable, "%s", executable->path);
  pthread_mutex_init(&gate->lock, NULL);
  pthread_mutex_lock(&broker->lock);
  gate->next = broker->first;
  if (broker->first != NULL) broker->first->previous = gate;
  broker->first = gate;
  pthread_mutex_unlock(&broker->lock);

  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); /* only makes it faster */
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = gate};
  if (epoll_ctl(broker->events, EPOLL_CTL_ADD, listener, &event) != 0) {
    const int code = errno;
    close_gate(broker, gate);
    return tproc_fail(error, code, "open a gate to the broker");
  }
  *result = gate;
  return 0;
}

void broker_forget_process(struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->process = -1;
  pthread_mutex_unlock(&gate->lock);
}

void broker_detach(struct broker *broker, struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->memory = NULL;
  const bool unused = is_unused(gate);
  pthread_mutex_unlock(&gate->lock);
  if (unused) close_gate(broker, gate);
}
