#include "launching.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "crash_points.h"
#include "message.h"
#include "system.h"

#define NO_HOST ((struct outcome){.exit_code = WIRE_EXIT_NO_HOST})

/* While this user has too many descriptors on their way, other launchers' requests are about to be taken. */
#define DESCRIPTORS_WAIT_MILLISECONDS 10
#define DESCRIPTORS_TRIES 3000

static enum launched give_up(const char *socket, const struct patience *patience, struct outcome *outcome) {
  message("the host at ", socket, " does not answer", NULL);
  *outcome = (struct outcome){.signal = patience_signal(patience)};
  return NOT_LAUNCHED;
}

static enum launched fail(const char *before, const char *socket, const char *after, struct outcome *outcome) {
  message(before, socket, after, NULL);
  *outcome = NO_HOST;
  return NOT_LAUNCHED;
}

/* Why nobody listens, in the words of the command tproc; NULL: it is something else that has failed. */
static const char *absence(const char *socket, long code) {
  if (code == -ENOENT) return "there is no such file";
  if (code != -ECONNREFUSED) return NULL;
  struct stat status;
  if (raw_syscall4(SYS_newfstatat, AT_FDCWD, socket, &status, 0) < 0) return NULL;
  return S_ISSOCK(status.st_mode) ? "it is gone, and has left the socket behind" : "this is not a socket";
}

static enum launched cannot_connect(const char *socket, long code, struct outcome *outcome) {
  const char *why = absence(socket, code);
  message(why != NULL ? "no host listens at " : "cannot connect to the host at ", socket, ": ",
          why != NULL ? why : errno_text(code), NULL);
  *outcome = NO_HOST;
  return NOT_LAUNCHED;
}

enum launched launching_connect(struct host_connection *connection, const char *socket, struct patience *patience,
                                struct outcome *outcome) {
  int result = host_connection_prepare(connection);
  if (result < 0) return cannot_connect(socket, result, outcome);
  while ((result = host_connection_try(connection, socket)) == -EAGAIN || result == -EINTR)
    if (patience_poll(patience, -1, 0, 0) == -ECANCELED) return give_up(socket, patience, outcome);
  if (result < 0) return cannot_connect(socket, result, outcome);
  if (!host_connection_is_own_user(connection))
    return fail("the host at ", socket, " is another user's: it is not given this program and its files", outcome);
  return LAUNCHED;
}

/* Sends the whole request, or as much as the host wants before it answers or closes. */
static enum launched send_request(const struct host_connection *connection, const char *socket,
                                  struct outgoing *request, struct patience *patience, struct outcome *outcome) {
  for (int tries = 0;;) {
    const int result = outgoing_send(connection, request);
    if (result == 0) return LAUNCHED;
    int events;
    if (result == -EAGAIN) {
      events = patience_poll(patience, connection->socket, POLLIN | POLLOUT, -1);
      if (events > 0 && (events & POLLIN) != 0) return LAUNCHED;
    } else if (result == -ETOOMANYREFS && tries++ < DESCRIPTORS_TRIES) {
      events = patience_poll(patience, -1, 0, DESCRIPTORS_WAIT_MILLISECONDS);
    } else if (result == -EPIPE || result == -ECONNRESET) {
      return LAUNCHED; /* it may have said why */
    } else {
      message("cannot send the request to the host at ", socket, ": ", errno_text(result), NULL);
      *outcome = NO_HOST;
      return NOT_LAUNCHED;
    }
    if (events == -ECANCELED) return give_up(socket, patience, outcome);
  }
}

struct outcome launching_failed(const struct answer *answer) {
  struct wire_failed failed;
  memcpy(&failed, answer->payload, sizeof failed);
  const bool known = failed.exit_code >= WIRE_EXIT_NO_HOST && failed.exit_code <= WIRE_EXIT_NOT_FOUND;
  message_text(answer->payload + sizeof failed, answer->size - sizeof failed);
  return (struct outcome){.exit_code = known ? failed.exit_code : WIRE_EXIT_NO_HOST};
}

enum launched launching_ask(struct host_connection *connection, const char *socket, struct outgoing *request,
                            struct patience *patience, int *pidfd, struct outcome *outcome) {
  if (send_request(connection, socket, request, patience, outcome) != LAUNCHED) return NOT_LAUNCHED;
  crash_point("requested");
  for (;;) {
    struct answer answer;
    switch (host_connection_receive(connection, &answer)) {
      case RECEIVED_NOTHING:
        if (patience_poll(patience, connection->socket, POLLIN, -1) == -ECANCELED)
          return give_up(socket, patience, outcome);
        break;
      case RECEIVED_END:
        return fail("the host at ", socket, " has ended, or closed the connection without an answer", outcome);
      case RECEIVED_INVALID:
        return fail("what listens at ", socket, " does not answer as a host of this version does", outcome);
      case RECEIVED_ANSWER:
        if (answer.type == WIRE_FAILED) {
          *outcome = launching_failed(&answer);
          return NOT_LAUNCHED;
        }
        if (answer.type == WIRE_STARTED && connection->descriptor >= 0) {
          *pidfd = connection->descriptor;
          connection->descriptor = -1;
          return LAUNCHED;
        }
        return fail("what listens at ", socket, " does not answer as a host of this version does", outcome);
    }
  }
}
