#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "server/server.h"

#define AT_ONCE_MAX 64
#define PAUSE_MILLISECONDS 100

int server_watch_socket(struct tproc_server *server, struct tproc_error *error) {
  static const enum watch watch = WATCH_SOCKET;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)&watch};
  if (epoll_ctl(server->events, EPOLL_CTL_ADD, server->socket.listening, &event) != 0)
    return tproc_fail(error, errno, "watch the socket");
  server->accepting = true;
  server->accept_at = 0;
  return 0;
}

/* Whoever waits at the socket goes on waiting; without this, epoll would report him again and again. */
static void pause_accepting(struct tproc_server *server) {
  if (server->accepting) epoll_ctl(server->events, EPOLL_CTL_DEL, server->socket.listening, NULL);
  server->accepting = false;
  server->accept_at = clock_milliseconds() + PAUSE_MILLISECONDS;
}

static void refill_spare(struct tproc_server *server) {
  if (server->spare < 0) server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void server_accept_tick(struct tproc_server *server, uint64_t now) {
  refill_spare(server);
  if (!server->accepting && now >= server->accept_at && server_watch_socket(server, NULL) != 0)
    server->accept_at = now + PAUSE_MILLISECONDS;
}

static int accept_one(const struct tproc_server *server) {
  return accept4(server->socket.listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Without a descriptor a client could not even be told so: the spare one is given up for that long. */
static bool refuse_for_lack_of_descriptors(struct tproc_server *server) {
  if (server->spare < 0) return false;
  close(server->spare);
  server->spare = -1;
  const int socket = accept_one(server);
  if (socket >= 0) {
    connection_refuse(socket, EMFILE, "the host has no descriptors left (ulimit -n) (EMFILE)");
    close(socket);
  }
  refill_spare(server);
  return socket >= 0;
}

static void welcome(struct tproc_server *server, int socket) {
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
  } else if (server->connection_count >= server->options.most_connections) {
    code = EAGAIN;
    snprintf(message, sizeof message, "the host has %zu connections already (EAGAIN)", server->connection_count);
  }
  if (code == 0) {
    /* The pid is 0 for a client in a pid namespace that is not below the host's. */
    connection_open(server, socket, &(struct launch_client){.pid = peer.pid > 0 ? peer.pid : -1, .uid = peer.uid});
    return;
  }
  connection_refuse(socket, code, message);
  close(socket);
}

void server_accept(struct tproc_server *server) {
  for (int i = 0; i < AT_ONCE_MAX; i++) {
    const int socket = accept_one(server);
    if (socket >= 0) {
      welcome(server, socket);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if ((errno == EMFILE || errno == ENFILE) && refuse_for_lack_of_descriptors(server)) continue;
    pause_accepting(server);
    return;
  }
}
