#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "tproc_core.h"

/* A path, or "@" and an abstract name. */
static int make_address(const char *name, struct sockaddr_un *address, socklen_t *size, struct tproc_error *error) {
  const size_t length = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || length < 2)
    return tproc_fail_because(error, EINVAL, "it is neither a path nor an abstract name");
  if (length >= sizeof address->sun_path) return tproc_fail(error, ENAMETOOLONG, "its length is %zu", length);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, name, length + 1);
  if (name[0] == '@') address->sun_path[0] = '\0';
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return 0;
}

/* A manager that does not read keeps nobody waiting. */
static int send_to(const struct sockaddr_un *address, socklen_t size, const char *state, struct tproc_error *error) {
  const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (made < 0) return tproc_fail(error, errno, "make a socket");
  ssize_t sent;
  do {
    sent = sendto(made, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)address, size);
  } while (sent < 0 && errno == EINTR);
  const int failed = sent < 0 ? tproc_fail(error, errno, "send") : 0;
  close(made);
  return failed;
}

int tproc_notify_service(const char *state, struct tproc_error *error) {
  struct sockaddr_un address;
  socklen_t size = 0;
  const char *name = getenv("NOTIFY_SOCKET");
  if (name == NULL || name[0] == '\0') return 0;
  int failed = make_address(name, &address, &size, error);
  if (!failed) failed = send_to(&address, size, state, error);
  if (failed) tproc_error_prefix(error, "cannot tell the service manager at NOTIFY_SOCKET=%s: ", name);
  return failed ? failed : 1;
}
