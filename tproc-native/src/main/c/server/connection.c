#include "server/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "server/discard.h"

/* News for a client that reads none: hundreds of stops. Then it is taken for dead. */
#define UNREAD_NEWS_MAX (64u << 10)

void connection_open(struct connections *connections, int socket, const struct launch_client *peer) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) {
    connection_refuse(socket, ENOMEM, "the host has no memory left (ENOMEM)");
    close(socket);
    return;
  }
  connection->watch = WATCH_CONNECTION;
  connection->frame.budget = &connections->budget;
  connection->socket = socket;
  connection->peer = *peer;
  connection->events = EPOLLIN;
  connection->frame_deadline = clock_milliseconds() + connections->options->request_milliseconds;
  struct epoll_event event = {.events = connection->events, .data.ptr = connection};
  if (epoll_ctl(connections->events, EPOLL_CTL_ADD, socket, &event) != 0) {
    connection_refuse(socket, errno, "the host cannot watch one connection more (epoll_ctl)");
    close(socket);
    free(connection);
    return;
  }
  LIST_PREPEND(connections->first, connection);
  connections->count++;
}

static void free_output(struct connections *connections, struct connection *connection) {
  free(connection->output);
  frame_budget_return(&connections->budget, connection->output_room);
  connection->output = NULL;
  connection->output_size = connection->output_room = 0;
}

static bool make_room(struct connections *connections, struct connection *connection, size_t size) {
  if (size <= connection->output_room) return true;
  const size_t more = size - connection->output_room;
  if (!frame_budget_take(&connections->budget, more)) return false;
  char *grown = realloc(connection->output, size);
  if (grown == NULL) {
    frame_budget_return(&connections->budget, more);
    return false;
  }
  connection->output = grown;
  connection->output_room = size;
  return true;
}

/*
 * A new process has a copy of every descriptor for a moment, and closing alone would then neither take the socket out
 * of the epoll set nor end the connection.
 */
void connection_close(struct connections *connections, struct connection *connection) {
  if (connection->state == CONNECTION_GONE) return;
  connection->state = CONNECTION_GONE;
  epoll_ctl(connections->events, EPOLL_CTL_DEL, connection->socket, NULL);
  shutdown(connection->socket, SHUT_RDWR);
  discard(connections->closers, &connection->frame, connection->socket);
  free_output(connections, connection);
  LIST_UNLINK(connections->first, connection);
  connections->count--;
  connection->next = connections->gone;
  connections->gone = connection;
}

/* Whether the host sends without being asked. How long that may stay unread is not limited, but how much. */
static bool gets_news(const struct connection *connection) {
  return connection->state == CONNECTION_RUNNING || connection->state == CONNECTION_WATCHING;
}

/* Waits for what the state calls for. */
static void update(struct connections *connections, struct connection *connection) {
  if (connection->state == CONNECTION_GONE) return;
  const bool reading = connection->state == CONNECTION_READING || gets_news(connection);
  const uint32_t wanted = (reading ? EPOLLIN : 0u) | (connection->output_size > 0 ? EPOLLOUT : 0u);
  if (wanted == connection->events) return;
  struct epoll_event event = {.events = wanted, .data.ptr = connection};
  if (epoll_ctl(connections->events, EPOLL_CTL_MOD, connection->socket, &event) != 0)
    connection_close(connections, connection);
  else
    connection->events = wanted;
}

void connection_enter(struct connections *connections, struct connection *connection, enum connection_state state) {
  if (connection->state >= CONNECTION_ENDING) return;
  connection->state = state;
  update(connections, connection);
}

/* Bytes sent, 0 when there is no room, or a negative errno. */
static ssize_t send_pieces(int socket, const struct iovec *pieces, size_t count, int descriptor) {
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof descriptor)];
  } control = {0};
  struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
  if (descriptor >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
}

static bool keep_for_later(struct connections *connections, struct connection *connection, const char *bytes,
                           size_t size) {
  if (size == 0) return true;
  if (gets_news(connection) && connection->output_size + size > UNREAD_NEWS_MAX) return false;
  if (!make_room(connections, connection, connection->output_size + size)) return false;
  memcpy(connection->output + connection->output_size, bytes, size);
  if (connection->output_size == 0)
    connection->output_deadline = clock_milliseconds() + connections->options->request_milliseconds;
  connection->output_size += size;
  return true;
}

void connection_send(struct connections *connections, struct connection *connection, enum wire_type type,
                     const void *payload, size_t size, int descriptor) {
  if (connection->state == CONNECTION_GONE) return;
  const struct wire_header header = wire_header_for(type, size, descriptor >= 0 ? 1 : 0);
  const struct iovec pieces[2] = {{(void *)&header, sizeof header}, {(void *)payload, size}};
  const bool free_way = connection->output_size == 0;
  const ssize_t result = free_way ? send_pieces(connection->socket, pieces, 2, descriptor) : 0;
  const size_t sent = result > 0 ? (size_t)result : 0;
  const size_t in_header = sent < sizeof header ? sent : sizeof header;
  const size_t in_payload = sent - in_header;
  /* A descriptor is not kept for later: it is closed when its program ends. */
  if (result < 0 || (descriptor >= 0 && sent == 0) ||
      !keep_for_later(connections, connection, (const char *)&header + in_header, sizeof header - in_header) ||
      !keep_for_later(connections, connection, (const char *)payload + in_payload, size - in_payload))
    connection_close(connections, connection);
  else
    update(connections, connection);
}

static void flush(struct connections *connections, struct connection *connection) {
  const struct iovec piece = {connection->output, connection->output_size};
  const ssize_t sent = send_pieces(connection->socket, &piece, 1, -1);
  if (sent < 0) {
    connection_close(connections, connection);
    return;
  }
  if (sent == 0) return;
  connection->output_size -= (size_t)sent;
  if (connection->output_size == 0) free_output(connections, connection);
  if (connection->output_size > 0) memmove(connection->output, connection->output + sent, connection->output_size);
  connection->output_deadline = clock_milliseconds() + connections->options->request_milliseconds;
  if (connection->output_size == 0 && connection->state == CONNECTION_ENDING)
    connection_close(connections, connection);
  else
    update(connections, connection);
}

void connection_end(struct connections *connections, struct connection *connection) {
  if (connection->state == CONNECTION_GONE) return;
  connection->state = CONNECTION_ENDING;
  connection->frame_deadline = 0;
  if (connection->output_size == 0)
    connection_close(connections, connection);
  else
    update(connections, connection);
}

/* Both parts of the payload; the message is the rest of it. */
struct failure {
  struct wire_failed fixed;
  char message[TPROC_MESSAGE_SIZE];
};

static size_t make_failure(struct failure *failure, int code, int exit_code, const char *message) {
  const size_t length = strnlen(message, sizeof failure->message);
  failure->fixed = (struct wire_failed){.code = code, .exit_code = exit_code};
  memcpy(failure->message, message, length);
  return sizeof failure->fixed + length;
}

void connection_fail(struct connections *connections, struct connection *connection, const struct tproc_error *error,
                     int exit_code) {
  struct failure failure;
  const size_t size = make_failure(&failure, error->code, exit_code, error->message);
  connection_send(connections, connection, WIRE_FAILED, &failure, size, -1);
  connection_end(connections, connection);
}

void connection_refuse(int socket, int code, const char *message) {
  struct failure failure;
  const size_t size = make_failure(&failure, code, WIRE_EXIT_NO_HOST, message);
  const struct wire_header header = wire_header_for(WIRE_FAILED, size, 0);
  const struct iovec pieces[2] = {{(void *)&header, sizeof header}, {&failure, size}};
  send_pieces(socket, pieces, 2, -1);
  shutdown(socket, SHUT_RDWR);
}

/* Whether the frame is whole. */
static bool receive(struct connections *connections, struct connection *connection) {
  struct tproc_error error = {0};
  switch (frame_receive(&connection->frame, connection->socket, WIRE_FROM_CLIENT, &error)) {
    case FRAME_MORE:
      if (connection->frame_deadline == 0 && frame_has_begun(&connection->frame))
        connection->frame_deadline = clock_milliseconds() + connections->options->request_milliseconds;
      break;
    case FRAME_WHOLE:
      connection->frame_deadline = 0;
      return true;
    case FRAME_END: /* it may have shut down one direction only, and wait for the answer */
      if (gets_news(connection))
        connection_close(connections, connection);
      else
        connection_end(connections, connection);
      break;
    case FRAME_WRONG:
      connection_fail(connections, connection, &error, WIRE_EXIT_NO_HOST);
      break;
  }
  return false;
}

bool connection_event(struct connections *connections, struct connection *connection, uint32_t events) {
  if (connection->state != CONNECTION_GONE && (events & EPOLLOUT) != 0) flush(connections, connection);
  if (connection->state == CONNECTION_GONE) return false;
  if ((connection->events & EPOLLIN) != 0) return receive(connections, connection);
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) connection_close(connections, connection);
  return false;
}

void connection_tick(struct connections *connections, struct connection *connection, uint64_t now) {
  if (connection->frame_deadline != 0 && now >= connection->frame_deadline) {
    struct tproc_error error;
    tproc_fail(&error, ETIMEDOUT, "no whole request within %u ms", connections->options->request_milliseconds);
    connection_fail(connections, connection, &error, WIRE_EXIT_NO_HOST);
  } else if (connection->output_size > 0 && !gets_news(connection) && now >= connection->output_deadline) {
    connection_close(connections, connection);
  }
}

void connections_free_gone(struct connections *connections) {
  while (connections->gone != NULL) {
    struct connection *connection = connections->gone;
    connections->gone = connection->next;
    free(connection);
  }
}
