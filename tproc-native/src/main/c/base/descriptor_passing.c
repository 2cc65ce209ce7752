#include "base/descriptor_passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
  struct cmsghdr aligned;
  char room[CMSG_SPACE(DESCRIPTORS_PER_PACKET * sizeof(int))];
};

int descriptor_passing_pair(int pair[2]) {
  return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : -errno;
}

static int send_packet(int socket, const int *descriptors, size_t count) {
  union control control;
  char byte = 0;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.room,
                           .msg_controllen = CMSG_SPACE(count * sizeof *descriptors)};
  memset(&control, 0, sizeof control);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(count * sizeof *descriptors);
  memcpy(CMSG_DATA(head), descriptors, count * sizeof *descriptors);
  return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int descriptors_send(int socket, const int *descriptors, size_t count) {
  for (size_t sent = 0; sent < count; sent += DESCRIPTORS_PER_PACKET) {
    const size_t rest = count - sent;
    const int failed =
        send_packet(socket, descriptors + sent, rest < DESCRIPTORS_PER_PACKET ? rest : DESCRIPTORS_PER_PACKET);
    if (failed) return failed;
  }
  return 0;
}

/* @return how many, or a negative errno */
static int receive_packet(int socket, int *descriptors, size_t wanted) {
  union control control;
  char byte;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  ssize_t result;
  do { /* ECONNRESET, once: the other end was closed before it had received all */
    result = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (result < 0 && errno == ECONNRESET);
  if (result < 0) return -errno;
  const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head == NULL) return -EMFILE; /* not even one had room */
  const size_t got = (head->cmsg_len - CMSG_LEN(0)) / sizeof *descriptors;
  if (got <= wanted) memcpy(descriptors, CMSG_DATA(head), got * sizeof *descriptors);
  return got <= wanted ? (int)got : -EPROTO;
}

int descriptors_receive(int socket, int *descriptors, size_t count) {
  size_t got = 0;
  int failed = 0;
  while (got < count && !failed) {
    const size_t rest = count - got;
    const size_t wanted = rest < DESCRIPTORS_PER_PACKET ? rest : DESCRIPTORS_PER_PACKET;
    const int received = receive_packet(socket, descriptors + got, wanted);
    if (received > 0) got += (size_t)received;
    if (received < 0)
      failed = received;
    else if ((size_t)received < wanted)
      failed = -EMFILE;
  }
  if (failed) descriptors_drop(socket);
  while (failed && got > 0) close(descriptors[--got]);
  return failed;
}

void descriptors_drop(int socket) {
  char byte;
  while (recv(socket, &byte, 1, MSG_DONTWAIT) > 0) continue;
}
