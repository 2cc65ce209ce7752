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

#include "base/error.h"

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

void gates_errand_is_done(void *context, struct gate *gate) {
  struct broker *broker = context;
  pthread_mutex_lock(&gate->lock);
  gate->errands--;
  if (gate->hung_up && gate->errands == 0) close_listener(broker, gate);
  const bool unused = is_unused(gate);
  pthread_mutex_unlock(&gate->lock);
  if (unused) close_gate(broker, gate);
}

void gates_hang_up(struct broker *broker, struct gate *gate) {
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

void gates_give_up(struct broker *broker, struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  if (gate->process >= 0) syscall(SYS_pidfd_send_signal, gate->process, SIGKILL, NULL, 0);
  if (gate->errands == 0) close_listener(broker, gate);
  gate->hung_up = true;
  pthread_mutex_unlock(&gate->lock);
}

void gates_close_all(struct broker *broker) {
  while (broker->first != NULL) close_gate(broker, broker->first);
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
  int code = epoll_ctl(broker->events, EPOLL_CTL_ADD, listener, &event) == 0 ? 0 : errno;
  if (code == 0) code = atomic_load(&broker->failure); /* the thread may have ended meanwhile */
  if (code != 0) {
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
