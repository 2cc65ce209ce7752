#include "server/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "server/discard.h"
#include "server/watch.h"

#define AT_ONCE_MAX 64
#define PAUSE_MILLISECONDS 100

static int watch_socket(struct acceptor *acceptor, struct tproc_error *error) {
  static const enum watch watch = WATCH_SOCKET;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)&watch};
  if (epoll_ctl(acceptor->events, EPOLL_CTL_ADD, acceptor->socket->listening, &event) != 0)
    return tproc_fail(error, errno, "watch the socket");
  acceptor->watching = true;
  acceptor->watch_at = 0;
  return 0;
}

/* Clients that wait at the socket go on waiting; without this, epoll would report them again and again. */
static void pause_accepting(struct acceptor *acceptor) {
  if (acceptor->watching) epoll_ctl(acceptor->events, EPOLL_CTL_DEL, acceptor->socket->listening, NULL);
  acceptor->watching = false;
  acceptor->watch_at = clock_milliseconds() + PAUSE_MILLISECONDS;
}

static void refill_spare(struct acceptor *acceptor) {
  if (acceptor->spare < 0) acceptor->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int acceptor_open(struct acceptor *acceptor, int events, const struct server_socket *socket,
                  struct connections *connections, struct tproc_error *error) {
  *acceptor = (struct acceptor){.events = events, .socket = socket, .spare = -1, .connections = connections};
  refill_spare(acceptor);
  if (acceptor->spare < 0) return tproc_fail(error, errno, "open /dev/null");
  return watch_socket(acceptor, error);
}

void acceptor_close(struct acceptor *acceptor) {
  if (acceptor->spare >= 0) close(acceptor->spare);
  acceptor->spare = -1;
}

bool acceptor_is_waiting(const struct acceptor *acceptor) { return !acceptor->watching || acceptor->spare < 0; }

void acceptor_tick(struct acceptor *acceptor, uint64_t now) {
  refill_spare(acceptor);
  if (!acceptor->watching && now >= acceptor->watch_at && watch_socket(acceptor, NULL) != 0)
    acceptor->watch_at = now + PAUSE_MILLISECONDS;
}

static int accept_one(const struct acceptor *acceptor) {
  return accept4(acceptor->socket->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Without a descriptor a client could not even be told so: the spare one is given up for that long. */
static bool refuse_for_lack_of_descriptors(struct acceptor *acceptor) {
  if (acceptor->spare < 0) return false;
  close(acceptor->spare);
  acceptor->spare = -1;
  const int socket = accept_one(acceptor);
  if (socket >= 0) {
    connection_refuse(socket, EMFILE, "the host has no descriptors left (ulimit -n) (EMFILE)");
    discard_socket(acceptor->connections->closers, socket);
  }
  refill_spare(acceptor);
  return socket >= 0;
}

/* Those, too, whose descriptors a file system does not let go of. */
static size_t count_with_closing(const struct connections *connections) {
  return connections->count + detached_workers_count_all(connections->closers);
}

static void welcome(struct connections *connections, int socket) {
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  char message[128] = "";
  int code = 0;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    code = errno;
    snprintf(message, sizeof message, "the host cannot tell who you are (SO_PEERCRED)");
  } else if (peer.uid != geteuid()) {
    code = EPERM;
    snprintf(message, sizeof message, "the host belongs to user %u, and you are user %u (EPERM)", geteuid(), peer.uid);
  } else if (count_with_closing(connections) >= connections->options->connections_max) {
    code = EAGAIN;
    snprintf(message, sizeof message, "the host has %zu connections already (EAGAIN)", count_with_closing(connections));
  }
  if (code == 0) {
    /* The pid is 0 for a client in a pid namespace that is not below the host's. */
    connection_open(connections, socket, &(struct launch_client){.pid = peer.pid > 0 ? peer.pid : -1, .uid = peer.uid});
    return;
  }
  connection_refuse(socket, code, message);
  discard_socket(connections->closers, socket);
}

void acceptor_accept(struct acceptor *acceptor) {
  for (int i = 0; i < AT_ONCE_MAX; i++) {
    const int socket = accept_one(acceptor);
    if (socket >= 0) {
      welcome(acceptor->connections, socket);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if ((errno == EMFILE || errno == ENFILE) && refuse_for_lack_of_descriptors(acceptor)) continue;
    pause_accepting(acceptor);
    return;
  }
}
