#include "loader/executable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static const char *kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

static int check_regular(int directory, const char *path, struct stat *status, struct tproc_error *error) {
  int found = openat(directory, path, O_PATH | O_CLOEXEC);
  if (found < 0) return tproc_fail(error, errno, "open %s", path);
  int failed = 0;
  if (fstat(found, status) != 0)
    failed = tproc_fail(error, errno, "stat %s", path);
  else if (!S_ISREG(status->st_mode))
    failed = tproc_fail(error, EACCES, "%s is %s, not a regular file", path, kind_of(status->st_mode));
  close(found);
  return failed;
}

/*
 * execve says ETXTBSY for a file that somebody has open for writing. The kernel tells nobody else but who asks for a
 * lease on it, which the file's owner may. Should the file be opened for writing in the moment that there is one, the
 * signal is one that is ignored, and the opener goes on at once.
 */
static bool is_written(int file) {
  if (fcntl(file, F_SETSIG, SIGURG) != 0) return false;
  if (fcntl(file, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  fcntl(file, F_SETLEASE, F_UNLCK);
  return false;
}

int executable_file_open(int directory, const char *path, struct file_identity *identity, struct tproc_error *error) {
  struct stat before, after;
  int failed = check_regular(directory, path, &before, error);
  if (failed) return failed;
  if (faccessat(directory, path, X_OK, AT_EACCESS) != 0) return tproc_fail(error, errno, "%s is not executable", path);
  int file = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0 && errno == EACCES)
    return tproc_fail(error, EACCES, "%s may be executed but not read, and hosting has to read it", path);
  if (file < 0) return tproc_fail(error, errno, "open %s", path);
  if (fstat(file, &after) != 0) {
    failed = tproc_fail(error, errno, "stat %s", path);
  } else if (!S_ISREG(after.st_mode) || after.st_dev != before.st_dev || after.st_ino != before.st_ino) {
    failed = tproc_fail_because(error, EACCES, "%s was replaced while it was opened", path);
  } else if (is_written(file)) {
    failed = tproc_fail(error, ETXTBSY, "%s is open for writing", path);
  }
  if (failed) {
    close(file);
    return failed;
  }
  *identity = file_identity_of(&after);
  return file;
}
