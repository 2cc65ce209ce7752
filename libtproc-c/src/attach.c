/*
 * An ordinary process asks a listening host for the file of its shared range (docs/protocol.md), and maps it where it
 * lies in all others.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "thread.h"
#include "tproc.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define MAGIC 0x434f5254u
#define VERSION 1
#define ATTACH 9
#define FAILED 101
#define ATTACHED 112

/* A host that is stopped does not answer. */
#define PATIENCE_SECONDS 20

struct header {
  uint32_t magic;
  uint16_t version, type;
  uint32_t size, descriptors;
};

/* After the header. Of a FAILED the errno is all that matters here. */
union payload {
  struct {
    uint64_t address, size;
  } attached;
  int32_t code;
};

struct answer {
  struct header header;
  union payload payload;
};

static int connect_to(const char *path, int *socket_out) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
  memcpy(address.sun_path, path, strlen(path) + 1);
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return errno;
  if (setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      connect(file, (const struct sockaddr *)&address, sizeof address) != 0) {
    const int code = errno;
    close(file);
    return code;
  }
  *socket_out = file;
  return 0;
}

/* What another user has made must not be trusted with pointers. */
static int check_peer(int socket) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return errno;
  return peer.uid == geteuid() ? 0 : EPERM;
}

static int ask(int socket) {
  const struct header question = {.magic = MAGIC, .version = VERSION, .type = ATTACH};
  ssize_t sent;
  do {
    sent = send(socket, &question, sizeof question, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)sizeof question ? 0 : sent < 0 && errno != EAGAIN ? errno : ETIMEDOUT;
}

static void take_descriptor(struct msghdr *message, int *file) {
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
      control->cmsg_len != CMSG_LEN(sizeof(int)) || *file >= 0)
    return;
  memcpy(file, CMSG_DATA(control), sizeof *file);
}

/* The start of the answer is enough: of a FAILED a text follows. */
static int receive(int socket, struct answer *answer, int *file) {
  size_t got = 0;
  while (got < sizeof *answer) {
    union {
      char bytes[CMSG_SPACE(sizeof(int))];
      struct cmsghdr alignment;
    } control;
    struct iovec rest = {(char *)answer + got, sizeof *answer - got};
    struct msghdr message = {
        .msg_iov = &rest, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    const ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    take_descriptor(&message, file);
    got += (size_t)size;
    if (size == 0 || (got >= sizeof answer->header + sizeof answer->payload.code && answer->header.type == FAILED))
      break;
  }
  if (got < sizeof answer->header || answer->header.magic != MAGIC) return EPROTO;
  if (answer->header.type == FAILED && got >= sizeof answer->header + sizeof answer->payload.code)
    return answer->payload.code == EPROTO ? ENOSYS : answer->payload.code; /* an older host does not know the frame */
  return answer->header.type == ATTACHED && got == sizeof *answer && *file >= 0 ? 0 : EPROTO;
}

static int map(const struct answer *answer, int file) {
  void *wanted = (void *)(uintptr_t)answer->payload.attached.address;
  const uint64_t size = answer->payload.attached.size;
  void *mapped = mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, file, 0);
  if (mapped == MAP_FAILED) return errno == EEXIST ? EADDRINUSE : errno;
  int failed = mapped == wanted ? tproc_open_at(mapped, size) : EADDRINUSE;
  if (failed)
    munmap(mapped, size);
  else
    madvise(mapped, size, MADV_DONTDUMP); /* a core dump would read every page, and by that make it */
  return failed;
}

static int attach(int socket) {
  struct answer answer = {0};
  int file = -1;
  int failed = check_peer(socket);
  if (!failed) failed = ask(socket);
  if (!failed) failed = receive(socket, &answer, &file);
  if (!failed) failed = map(&answer, file);
  if (file >= 0) close(file);
  return failed;
}

int tproc_attach(const char *path) {
  int socket = -1;
  const int saved = errno;
  int failed = tproc_open() == 0 ? EALREADY : connect_to(path, &socket);
  if (!failed) {
    failed = attach(socket);
    close(socket);
  }
  errno = saved;
  return failed;
}
