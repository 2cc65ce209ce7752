#include "server/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define WAITING_MAX 4096 /* the kernel cuts it to net.core.somaxconn */

/* Every process that can read the directory can hold its lock: the wait for it is bounded. */
#define LOCK_TRIES 500
#define LOCK_PAUSE_NANOSECONDS 10000000

/* Another user who can write to the directory could put a socket in the place of ours. */
static int check_directory(int directory, const char *name, struct tproc_error *error) {
  struct stat status;
  if (fstat(directory, &status) != 0) return tproc_fail(error, errno, "stat directory %s", name);
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return tproc_fail_because(error, EACCES,
                              "directory %s belongs to another user (uid %u); take one of your own, such as "
                              "$XDG_RUNTIME_DIR",
                              name, status.st_uid);
  if ((status.st_mode & 022) != 0)
    return tproc_fail_because(error, EACCES,
                              "directory %s may be written to by others (mode %#o); take one of your own, such as "
                              "$XDG_RUNTIME_DIR, or chmod go-w",
                              name, status.st_mode & 07777);
  return 0;
}

static int open_directory(struct server_socket *socket_file, const char *path, struct tproc_error *error) {
  char directory[PATH_MAX] = ".";
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return tproc_fail_because(error, EINVAL, "the path names no file");
  if (strlen(name) > NAME_MAX || (slash != NULL && (size_t)(slash - path) >= sizeof directory))
    return tproc_fail(error, ENAMETOOLONG, "its length is %zu", strlen(path));
  if (slash != NULL) snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  memcpy(socket_file->name, name, strlen(name) + 1);
  socket_file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (socket_file->directory < 0) return tproc_fail(error, errno, "open directory %s", directory);
  return check_directory(socket_file->directory, directory, error);
}

static int lock(const struct server_socket *socket_file, struct tproc_error *error) {
  const struct timespec pause = {0, LOCK_PAUSE_NANOSECONDS};
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (flock(socket_file->directory, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return tproc_fail(error, errno, "lock its directory");
    nanosleep(&pause, NULL);
  }
  return tproc_fail_because(error, EAGAIN, "another process keeps its directory locked (flock)");
}

static void unlock(const struct server_socket *socket_file) { flock(socket_file->directory, LOCK_UN); }

/* A path that does not fit into an address goes through /proc: the directory is open anyway. */
static int make_address(const struct server_socket *socket_file, const char *path, struct sockaddr_un *address,
                        struct tproc_error *error) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
  if ((size_t)length < sizeof address->sun_path) return 0;
  length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/thread-self/fd/%d/%s", socket_file->directory,
                    socket_file->name);
  if ((size_t)length < sizeof address->sun_path) return 0;
  return tproc_fail_because(error, ENAMETOOLONG, "the name %s is too long for a socket; %zu bytes are possible",
                            socket_file->name, sizeof address->sun_path - sizeof "/proc/thread-self/fd/1234567/");
}

/* 0 when the host of a socket that is there has ended. */
static int check_stale(const struct sockaddr_un *address, struct tproc_error *error) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return tproc_fail(error, errno, "make a socket");
  const int code = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
  close(probe);
  if (code == ECONNREFUSED) return 0;
  if (code == 0 || code == EAGAIN) /* EAGAIN: so many wait that there is no room for one more */
    return tproc_fail_because(error, EADDRINUSE, "a host listens there already");
  return tproc_fail(error, code == EPROTOTYPE ? EEXIST : code, "a socket of another kind is there already");
}

/* What has the name: nothing, a socket whose host has died and which is removed, or something to be left alone. */
static int make_room(const struct server_socket *socket_file, const struct sockaddr_un *address,
                     struct tproc_error *error) {
  struct stat status;
  if (fstatat(socket_file->directory, socket_file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : tproc_fail(error, errno, "stat");
  if (!S_ISSOCK(status.st_mode)) return tproc_fail(error, EEXIST, "what is there already is not a socket");
  if (status.st_uid != geteuid())
    return tproc_fail(error, EEXIST, "another user's socket is there already (uid %u)", status.st_uid);
  const int failed = check_stale(address, error);
  if (failed) return failed;
  if (unlinkat(socket_file->directory, socket_file->name, 0) != 0)
    return tproc_fail(error, errno, "remove the socket of a host that has died");
  return 0;
}

/* No other user can connect at any moment: the mode is right before the file is there, whatever the umask is. */
static int bind_and_listen(struct server_socket *socket_file, const struct sockaddr_un *address,
                           struct tproc_error *error) {
  struct stat status;
  socket_file->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_file->listening < 0) return tproc_fail(error, errno, "make a socket");
  if (fchmod(socket_file->listening, 0600) != 0) return tproc_fail(error, errno, "restrict the socket to its owner");
  if (bind(socket_file->listening, (const struct sockaddr *)address, sizeof *address) != 0)
    return tproc_fail(error, errno, "bind");
  if (fstatat(socket_file->directory, socket_file->name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISSOCK(status.st_mode))
    return tproc_fail_because(error, EAGAIN, "the socket went away as it was made");
  socket_file->device = status.st_dev;
  socket_file->inode = status.st_ino;
  if (fchmodat(socket_file->directory, socket_file->name, 0600, 0) != 0) return tproc_fail(error, errno, "chmod 0600");
  if (listen(socket_file->listening, WAITING_MAX) != 0) return tproc_fail(error, errno, "listen");
  return 0;
}

static void remove_own(struct server_socket *socket_file) {
  struct stat status;
  if (socket_file->inode != 0 &&
      fstatat(socket_file->directory, socket_file->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_dev == socket_file->device && status.st_ino == socket_file->inode)
    unlinkat(socket_file->directory, socket_file->name, 0);
  socket_file->inode = 0;
}

static void release(struct server_socket *socket_file) {
  if (socket_file->listening >= 0) close(socket_file->listening);
  if (socket_file->directory >= 0) close(socket_file->directory);
  socket_file->listening = socket_file->directory = -1;
}

int server_socket_open(struct server_socket *socket_file, const char *path, struct tproc_error *error) {
  struct sockaddr_un address;
  memset(socket_file, 0, sizeof *socket_file);
  socket_file->listening = socket_file->directory = -1;
  int failed = open_directory(socket_file, path, error);
  if (!failed) failed = make_address(socket_file, path, &address, error);
  if (!failed) failed = lock(socket_file, error);
  if (!failed) {
    failed = make_room(socket_file, &address, error);
    if (!failed) failed = bind_and_listen(socket_file, &address, error);
    if (failed) remove_own(socket_file);
    unlock(socket_file);
  }
  if (failed) {
    release(socket_file);
    tproc_error_prefix(error, "cannot listen at %s: ", path);
  }
  return failed;
}

/* Its path; empty when it has none. */
static void read_path(struct server_socket *socket_file, int descriptor) {
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0 || address.sun_family != AF_UNIX) return;
  snprintf(socket_file->path, sizeof socket_file->path, "%.*s", (int)sizeof address.sun_path, address.sun_path);
}

static int option_of(int descriptor, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -errno;
}

static int check_listening(int descriptor, struct tproc_error *error) {
  const int domain = option_of(descriptor, SO_DOMAIN);
  if (domain < 0) return tproc_fail(error, -domain, "look at descriptor %d", descriptor);
  if (domain != AF_UNIX || option_of(descriptor, SO_TYPE) != SOCK_STREAM)
    return tproc_fail_because(error, EINVAL, "it is no Unix stream socket (ListenStream= with a path makes one)");
  if (option_of(descriptor, SO_ACCEPTCONN) != 1)
    return tproc_fail_because(error, EINVAL, "it does not listen (Accept=no makes it)");
  return 0;
}

/* Listening once more makes this process the one that clients see at the other end (SO_PEERCRED). */
static int listen_again(int descriptor, struct tproc_error *error) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0)
    return tproc_fail(error, errno, "make it non-blocking");
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return tproc_fail(error, errno, "make it close-on-exec");
  if (listen(descriptor, WAITING_MAX) != 0) return tproc_fail(error, errno, "listen");
  return 0;
}

int server_socket_adopt(struct server_socket *socket_file, int descriptor, struct tproc_error *error) {
  memset(socket_file, 0, sizeof *socket_file);
  socket_file->listening = descriptor;
  socket_file->directory = -1;
  int failed = check_listening(descriptor, error);
  read_path(socket_file, descriptor);
  if (!failed && socket_file->path[0] == '\0')
    failed = tproc_fail_because(error, EINVAL, "it has no file: nobody could be kept away from it");
  if (!failed) failed = open_directory(socket_file, socket_file->path, error);
  if (!failed) failed = listen_again(descriptor, error);
  if (!failed) return 0;
  release(socket_file);
  tproc_error_prefix(error, "cannot listen at the inherited socket%s%s: ", socket_file->path[0] != '\0' ? " " : "",
                     socket_file->path);
  return failed;
}

void server_socket_close(struct server_socket *socket_file) {
  if (socket_file->directory < 0) return;
  const bool own = socket_file->inode != 0;
  const bool locked = own && lock(socket_file, NULL) == 0; /* without it, too: the file is ours */
  remove_own(socket_file);
  if (locked) unlock(socket_file);
  release(socket_file);
}
