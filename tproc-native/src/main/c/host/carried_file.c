/*
 * A thread with a descriptor table of its own opens the file and puts it into a socket. In there it is in nobody's
 * table until the host's threads take it out, and when nobody does, it is let go without a close(2) by the process.
 */
#include "host/carried_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor_passing.h"
#include "base/error.h"
#include "base/executor.h"
#include "tproc_core.h"

#define MODE 0666 /* less the umask: as shells and java.io create files */

struct opening {
  const char *path;
  int flags, socket;
  int failed;
};

/* A directory can be opened for reading, but not read. */
static int judge(int file) {
  struct stat status;
  if (fstat(file, &status) != 0) return -errno;
  return S_ISDIR(status.st_mode) ? -EISDIR : 0;
}

static void open_and_send(void *argument) {
  struct opening *opening = argument;
  const int file = open(opening->path, opening->flags | O_CLOEXEC | O_NOCTTY, MODE);
  opening->failed = file < 0 ? -errno : judge(file);
  if (!opening->failed) opening->failed = descriptors_send(opening->socket, &file, 1);
  if (file >= 0) close(file);
}

static int carry(struct opening *opening, struct tproc_error *error) {
  struct executor opener;
  const struct executor_options options = {"tproc-open", "a thread that opens a file", &opening->socket, 1};
  const int failed = executor_start(&opener, &options, error);
  if (failed) return failed;
  executor_call(&opener, open_and_send, opening);
  executor_stop(&opener);
  return opening->failed ? tproc_fail(error, -opening->failed, "open %s", opening->path) : 0;
}

int tproc_carry_file(const char *path, int flags, struct tproc_error *error) {
  int pair[2];
  int failed = descriptor_passing_pair(pair);
  if (failed) return tproc_fail(error, -failed, "open %s: make a pair of sockets", path);
  struct opening opening = {.path = path, .flags = flags, .socket = pair[1]};
  failed = carry(&opening, error);
  close(pair[1]);
  if (!failed) return pair[0];
  close(pair[0]);
  return failed;
}

int carried_file_take(int carrier) {
  int file = -1;
  const int failed = descriptors_receive(carrier, &file, 1);
  return failed ? failed : file;
}
