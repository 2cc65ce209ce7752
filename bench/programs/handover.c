/*
 * Sums what it is given, as 64-bit words, and answers with the sum: "channel NAME BACK" is told address and size
 * through a channel, "stream" gets size and bytes on standard input, "socket PATH" through a Unix socket, "file PATH"
 * the size on standard input and the bytes in a file that it has mapped. As a library, only sum_words.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <tproc.h>
#include <unistd.h>

#include "stopwatch.h"

#define PART (256 << 10)

long sum_words(const uint64_t *words, long size);

__attribute__((visibility("default"))) long sum_words(const uint64_t *words, long size) {
  uint64_t sum = 0;
  for (long i = 0; i < size / 8; i++) sum += words[i];
  return (long)sum;
}

/* @return whether there was as much before the end */
static int read_all(int from, void *into, size_t size) {
  for (size_t have = 0; have < size;) {
    const ssize_t more = read(from, (char *)into + have, size - have);
    require(more >= 0, "read");
    if (more == 0) return 0;
    have += (size_t)more;
  }
  return 1;
}

static void answer(int to, long sum) { require(write(to, &sum, sizeof sum) == sizeof sum, "write"); }

static int stream(int from, int to) {
  static uint64_t part[PART / 8];
  long size;
  while (read_all(from, &size, sizeof size)) {
    long sum = 0;
    for (long left = size, next; left > 0; left -= next) {
      next = left < PART ? left : PART;
      require(read_all(from, part, (size_t)next), "the bytes");
      sum += sum_words(part, next);
    }
    answer(to, sum);
  }
  return 0;
}

static int over_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  require(connect(connection, (struct sockaddr *)&address, sizeof address) == 0, path);
  return stream(connection, connection);
}

static int in_file(const char *path) {
  long size;
  struct stat status;
  const int file = open(path, O_RDONLY);
  require(file >= 0 && fstat(file, &status) == 0, path);
  const uint64_t *words = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
  require(words != MAP_FAILED, "mmap");
  while (read_all(STDIN_FILENO, &size, sizeof size)) answer(STDOUT_FILENO, sum_words(words, size));
  return 0;
}

static void succeed(int code, const char *what) {
  errno = code;
  require(code == 0, what);
}

static int by_channel(const char *name, const char *back) {
  struct tproc_channel in, out;
  struct tproc_message message;
  long given[2];
  succeed(tproc_channel_open(&in, name, TPROC_RECEIVER, NULL), "open");
  succeed(tproc_channel_open(&out, back, TPROC_SENDER, NULL), "open");
  while (tproc_channel_receive(&in, &message, NULL) == 0) {
    memcpy(given, message.data, sizeof given);
    given[0] = sum_words((const uint64_t *)given[0], given[1]); /* NOLINT(performance-no-int-to-ptr) */
    memcpy(message.data, given, sizeof given[0]);
    succeed(tproc_channel_send(&out, &message, NULL), "send");
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "channel") == 0) return by_channel(argv[2], argv[3]);
  if (argc == 2 && strcmp(argv[1], "stream") == 0) return stream(STDIN_FILENO, STDOUT_FILENO);
  if (argc == 3 && strcmp(argv[1], "socket") == 0) return over_socket(argv[2]);
  if (argc == 3 && strcmp(argv[1], "file") == 0) return in_file(argv[2]);
  fprintf(stderr, "usage: %s channel NAME BACK | stream | socket PATH | file PATH\n", argv[0]);
  return 2;
}
