#include "host_connection.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "crash_points.h"
#include "message.h"
#include "system.h"

#define CONNECT_WAIT_MICROSECONDS 100000

int host_connection_prepare(struct host_connection *connection) {
  connection->descriptor = -1;
  connection->taken = connection->received = 0;
  const long made = raw_syscall3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return (int)made;
  connection->socket = (int)made;
  /* A connect waits while the host's queue is full; this bounds each try, so that signals are looked at in between.
     Everything after it uses MSG_DONTWAIT. */
  const struct timeval wait = {.tv_usec = CONNECT_WAIT_MICROSECONDS};
  return (int)raw_syscall5(SYS_setsockopt, connection->socket, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static int connect_to(int socket, const char *path, size_t length) {
  struct sockaddr_un address;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, length + 1);
  return (int)raw_syscall3(SYS_connect, socket, &address, offsetof(struct sockaddr_un, sun_path) + length + 1);
}

/* A path that an address has no room for is reached through a descriptor of its directory. */
static int connect_far(int socket, const char *path, size_t length) {
  static char directory[4096];
  size_t slash = length;
  while (slash > 0 && path[slash - 1] != '/') slash--;
  if (length >= sizeof directory || slash == 0) return -ENAMETOOLONG;
  memcpy(directory, path, slash);
  directory[slash] = '\0';
  const int opened = sys_open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return opened;
  char near[sizeof((struct sockaddr_un *)0)->sun_path];
  number_text(opened, put_text(near, "/proc/self/fd/"));
  size_t at = strlen(near);
  near[at++] = '/';
  int result = -ENAMETOOLONG;
  if (at + (length - slash) < sizeof near) {
    memcpy(near + at, path + slash, length - slash + 1);
    result = connect_to(socket, near, at + (length - slash));
  }
  sys_close(opened);
  return result;
}

int host_connection_try(struct host_connection *connection, const char *path) {
  const size_t length = strlen(path);
  if (length == 0) return -ENOENT; /* an address without a name means something else to the kernel */
  return length < sizeof((struct sockaddr_un *)0)->sun_path ? connect_to(connection->socket, path, length)
                                                            : connect_far(connection->socket, path, length);
}

bool host_connection_is_own_user(const struct host_connection *connection) {
  struct ucred peer;
  uint32_t size = sizeof peer;
  const long result = raw_syscall5(SYS_getsockopt, connection->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return result == 0 && peer.uid == (uid_t)raw_syscall0(SYS_geteuid);
}

/* The bytes that the next sendmsg may send: one for each batch of descriptors that is not the last. */
static size_t next_bytes(const struct outgoing *outgoing, size_t batch, size_t total) {
  if (outgoing->descriptors_sent + batch < outgoing->header.descriptors) return 1;
  if (crash_point_is("half-header") && outgoing->sent == 0) return sizeof outgoing->header / 2;
  if (crash_point_is("half-request") && outgoing->sent == 0) return total / 2;
  return total - outgoing->sent;
}

static long send_some(const struct host_connection *connection, const struct outgoing *outgoing, size_t batch,
                      size_t size) {
  const size_t header_left = outgoing->sent < sizeof outgoing->header ? sizeof outgoing->header - outgoing->sent : 0;
  const size_t payload_sent = outgoing->sent + header_left - sizeof outgoing->header;
  struct iovec parts[2];
  parts[0].iov_base = (char *)(uintptr_t)&outgoing->header + outgoing->sent;
  parts[0].iov_len = header_left < size ? header_left : size;
  parts[1].iov_base = (char *)(uintptr_t)outgoing->payload + payload_sent;
  parts[1].iov_len = size - parts[0].iov_len;
  /* In two iovecs, of which the first may be empty. */
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(WIRE_DESCRIPTORS_PER_MESSAGE * sizeof(int))];
  struct msghdr sent;
  memset(&sent, 0, sizeof sent);
  sent.msg_iov = parts;
  sent.msg_iovlen = 2;
  if (batch > 0) {
    struct cmsghdr *rights = (void *)control;
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(batch * sizeof(int));
    memcpy(CMSG_DATA(rights), outgoing->descriptors + outgoing->descriptors_sent, batch * sizeof(int));
    sent.msg_control = control;
    sent.msg_controllen = CMSG_SPACE(batch * sizeof(int));
  }
  return raw_syscall3(SYS_sendmsg, connection->socket, &sent, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int outgoing_send(const struct host_connection *connection, struct outgoing *outgoing) {
  const size_t total = sizeof outgoing->header + outgoing->header.size;
  while (outgoing->sent < total) {
    size_t batch = outgoing->header.descriptors - outgoing->descriptors_sent;
    if (batch > WIRE_DESCRIPTORS_PER_MESSAGE) batch = WIRE_DESCRIPTORS_PER_MESSAGE;
    const long result = send_some(connection, outgoing, batch, next_bytes(outgoing, batch, total));
    if (result == -EINTR) continue;
    if (result < 0) return (int)result;
    outgoing->descriptors_sent += batch;
    outgoing->sent += (size_t)result;
    crash_point("half-header");
    crash_point("half-request");
  }
  return 0;
}

/* One descriptor is all that ever comes; what a wrong host sends on top is closed. */
static void take_descriptors(struct host_connection *connection, struct msghdr *message) {
  const struct cmsghdr *control = CMSG_FIRSTHDR(message);
  if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) return;
  const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; i++) {
    if (connection->descriptor >= 0) sys_close(connection->descriptor);
    memcpy(&connection->descriptor, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
  }
}

/* Bytes that came, 0 at the end, -EAGAIN when there is nothing. */
static long receive_some(struct host_connection *connection) {
  struct iovec part;
  part.iov_base = connection->bytes + connection->received;
  part.iov_len = sizeof connection->bytes - connection->received;
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const long result = raw_syscall3(SYS_recvmsg, connection->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result > 0) {
    take_descriptors(connection, &message);
    connection->received += (size_t)result;
  }
  return result;
}

/* Payload bytes that an answer of a type may have, or false: the launcher expects no such frame. */
static bool size_is_right(const struct wire_header *header) {
  switch (header->type) {
    case WIRE_STARTED:
      return header->size == sizeof(struct wire_started) && header->descriptors == 1;
    case WIRE_FAILED:
      return header->size >= sizeof(struct wire_failed) && header->size <= ANSWER_MAX - sizeof *header;
    case WIRE_ENDED:
      return header->size == sizeof(struct wire_ended);
    case WIRE_STOPPED:
      return header->size == sizeof(struct wire_stopped);
    case WIRE_CONTINUED:
      return header->size == 0;
    case WIRE_CRASHED:
      return header->size > sizeof(struct wire_crashed) &&
             header->size <= sizeof(struct wire_crashed) + WIRE_CRASH_TEXT_MAX;
    default:
      return false;
  }
}

static enum received take_answer(struct host_connection *connection, struct answer *answer) {
  struct wire_header header;
  if (connection->received < sizeof header) return RECEIVED_NOTHING;
  memcpy(&header, connection->bytes, sizeof header);
  if (header.magic != WIRE_MAGIC || header.version != WIRE_VERSION || !size_is_right(&header)) return RECEIVED_INVALID;
  if (connection->received < sizeof header + header.size) return RECEIVED_NOTHING;
  answer->type = header.type;
  answer->payload = connection->bytes + sizeof header;
  answer->size = header.size;
  connection->taken = sizeof header + header.size;
  return RECEIVED_ANSWER;
}

enum received host_connection_receive(struct host_connection *connection, struct answer *answer) {
  connection->received -= connection->taken;
  memmove(connection->bytes, connection->bytes + connection->taken, connection->received);
  connection->taken = 0;
  for (;;) {
    const enum received taken = take_answer(connection, answer);
    if (taken != RECEIVED_NOTHING) return taken;
    const long result = receive_some(connection);
    if (result == -EAGAIN) return RECEIVED_NOTHING;
    if (result <= 0 && result != -EINTR) return RECEIVED_END;
  }
}
