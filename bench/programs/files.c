/*
 * open and stat. The fence lets a path pass that was put together at run time, and looks at one that stands in the
 * program as a constant (it might be "/proc/self/exe"): hence each with both. And what is read and written, at which
 * the fence does not look at all.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stopwatch.h"

static char built[32];

static const char *dynamic_path(void) {
  snprintf(built, sizeof built, "/%s/%s", "etc", "passwd");
  char *copy = strdup(built);
  require(copy != NULL, "strdup");
  return copy;
}

static void open_path(const char *path, long count) {
  for (long i = 0; i < count; i++) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    require(file >= 0, path);
    close(file);
  }
}

static void stat_path(const char *path, long count) {
  for (long i = 0; i < count; i++) {
    struct stat about;
    require(stat(path, &about) == 0, path);
  }
}

static void open_literal(long count) { open_path("/etc/passwd", count); }
static void open_dynamic(long count) { open_path(dynamic_path(), count); }
static void stat_literal(long count) { stat_path("/etc/passwd", count); }
static void stat_dynamic(long count) { stat_path(dynamic_path(), count); }

/* A file that nobody else has. */
static int new_file(size_t size) {
  char name[] = "/tmp/tproc-bench-XXXXXX";
  const int file = mkostemp(name, O_CLOEXEC);
  require(file >= 0, "mkostemp");
  require(unlink(name) == 0, "unlink");
  require(ftruncate(file, (off_t)size) == 0, "ftruncate");
  return file;
}

static char data[1 << 20];

static void write_and_read(size_t size, long count) {
  const int file = new_file(size);
  for (long i = 0; i < count; i++) {
    require(pwrite(file, data, size, 0) == (ssize_t)size, "pwrite");
    require(pread(file, data, size, 0) == (ssize_t)size, "pread");
  }
  close(file);
}

static void io_small(long count) { write_and_read(4096, count); }
static void io_large(long count) { write_and_read(sizeof data, count); }

static const struct operation operations[] = {{"open-literal", open_literal},
                                              {"open-dynamic", open_dynamic},
                                              {"stat-literal", stat_literal},
                                              {"stat-dynamic", stat_dynamic},
                                              {"io-4k", io_small},
                                              {"io-1m", io_large}};

STOPWATCH_MAIN(operations)
