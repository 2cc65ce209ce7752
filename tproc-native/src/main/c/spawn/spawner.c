#include "spawn/spawner.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/descriptor_passing.h"
#include "base/error.h"
#include "base/thread.h"

static void note_tid(void *argument) { *(pid_t *)argument = (pid_t)syscall(SYS_gettid); }

int spawner_start(struct spawner *spawner, struct tproc_error *error) {
  int pair[2];
  memset(spawner, 0, sizeof *spawner);
  int failed = descriptor_passing_pair(pair);
  if (failed) return tproc_fail(error, -failed, "a pair of sockets for the host's thread");
  failed = executor_start(
      &spawner->executor,
      &(struct executor_options){.name = "tproc-host", .what = "the host's thread", .kept = &pair[1], .kept_count = 1},
      error);
  close(pair[1]);
  if (failed) {
    close(pair[0]);
    return failed;
  }
  pthread_mutex_init(&spawner->lock, NULL);
  spawner->link = pair[0];
  spawner->own_link = pair[1];
  executor_call(&spawner->executor, note_tid, &spawner->tid);
  return 0;
}

void spawner_stop(struct spawner *spawner) {
  executor_stop(&spawner->executor);
  close(spawner->link);
  pthread_mutex_destroy(&spawner->lock);
}

/* What one call is about, on the caller's stack. */
struct order {
  struct spawner *spawner;
  struct spawning *spawning;
  const struct clone_request *request;
  int left;
  int result;
};

int spawning_open(struct spawning *spawning, const int *descriptors, size_t count) {
  int pair[2];
  int failed = descriptor_passing_pair(pair);
  if (failed) return failed;
  *spawning = (struct spawning){.socket = pair[0], .new_socket = pair[1], .own_socket = -1, .own_pidfd = -1};
  failed = descriptors_send(pair[0], descriptors, count);
  if (failed) {
    close(pair[0]);
    close(pair[1]);
  }
  return failed;
}

/* In the spawner's table. A process that was cloned and cannot be told of must not live. */
static void end_process(const struct spawning *spawning) {
  siginfo_t info;
  syscall(SYS_pidfd_send_signal, spawning->own_pidfd, SIGKILL, NULL, 0);
  while (waitid((idtype_t)P_PIDFD, (id_t)spawning->own_pidfd, &info, WEXITED | __WALL) != 0 && errno == EINTR) continue;
}

static void end_unknown(void *argument) { end_process(((struct order *)argument)->spawning); }

/* The pidfd is sent at once, so that there is nothing left to fail while the process runs. */
static void receive_and_clone(void *argument) {
  struct order *order = argument;
  struct spawning *spawning = order->spawning;
  order->result = descriptors_receive(order->spawner->own_link, &spawning->own_socket, 1);
  if (order->result < 0) {
    spawning->own_socket = -1;
    return;
  }
  order->result = clone_process(order->request, &spawning->own_pidfd);
  if (order->result < 0) {
    spawning->own_pidfd = -1;
    return;
  }
  const int failed = descriptors_send(spawning->own_socket, &spawning->own_pidfd, 1);
  if (!failed) return;
  end_process(spawning);
  order->result = failed;
}

pid_t spawning_clone(struct spawner *spawner, struct spawning *spawning, const struct clone_request *request,
                     int *pidfd) {
  struct order order = {.spawner = spawner, .spawning = spawning, .request = request};
  pthread_mutex_lock(&spawner->lock);
  order.result = descriptors_send(spawner->link, &spawning->new_socket, 1);
  if (order.result == 0) executor_call(&spawner->executor, receive_and_clone, &order);
  pthread_mutex_unlock(&spawner->lock);
  close(spawning->new_socket);
  spawning->new_socket = -1;
  if (order.result < 0) return order.result;
  const int failed = descriptors_receive(spawning->socket, pidfd, 1);
  if (failed) executor_call(&spawner->executor, end_unknown, &order);
  return failed ? failed : order.result;
}

static void send_back_and_close(void *argument) {
  struct order *order = argument;
  const struct spawning *spawning = order->spawning;
  if (order->left >= 0) {
    order->result = descriptors_send(spawning->own_socket, &order->left, 1);
    close(order->left);
  }
  if (spawning->own_pidfd >= 0) close(spawning->own_pidfd);
  if (spawning->own_socket >= 0) close(spawning->own_socket);
}

int spawning_close(struct spawner *spawner, struct spawning *spawning, int left, int *copy) {
  struct order order = {.spawning = spawning, .left = left};
  *copy = -1;
  executor_call(&spawner->executor, send_back_and_close, &order);
  if (left >= 0 && order.result == 0) order.result = descriptors_receive(spawning->socket, copy, 1);
  if (spawning->new_socket >= 0) close(spawning->new_socket);
  close(spawning->socket);
  return order.result;
}
