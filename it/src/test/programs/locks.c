/*
 * "locks map FILE" maps a file, reads it through the mapping, unmaps and closes it. "locks test FILE" says whether
 * another process has a POSIX record lock on it: "locked" or "free".
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map(int file) {
  const char *mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) return 1;
  const int first = mapped[0];
  return munmap((void *)mapped, 4096) == 0 && close(file) == 0 && first == 0 ? 0 : 1;
}

static int test(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(file, F_GETLK, &lock) != 0) return 1;
  puts(lock.l_type == F_UNLCK ? "free" : "locked");
  return 0;
}

int main(int argc, char *argv[]) {
  if (argc < 3) return 70;
  const int file = open(argv[2], O_RDWR | O_CLOEXEC);
  if (file < 0) return 1;
  return strcmp(argv[1], "map") == 0 ? map(file) : test(file);
}
