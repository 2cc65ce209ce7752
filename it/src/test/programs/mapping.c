/* Maps in every way; prints one "way=answer" a line: "right", or an errno. The same lines natively and hosted. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define BOTH (PROT_READ | PROT_WRITE)

static size_t page;

static void say(const char *way, int right) {
  printf("%s=%s\n", way, right ? "right" : errno != 0 ? strerrorname_np(errno) : "WRONG");
  errno = 0;
}

static int usable(char *memory, size_t size) {
  if (memory == MAP_FAILED) return 0;
  for (size_t i = 0; i < size; i += page) {
    if (memory[i] != 0) return 0;
    memory[i] = 1;
  }
  return munmap(memory, size) == 0;
}

static void anonymous(const char *way, size_t size, int flags) {
  say(way, usable(mmap(NULL, size, BOTH, ANONYMOUS | flags, -1, 0), size));
}

static void of_all_flags(void) {
  anonymous("plain", 10 * page, 0);
  anonymous("odd size", 10 * page - 5, 0);
  anonymous("nothing", 0, 0);
  anonymous("too much", SIZE_MAX / 2, 0);
  anonymous("negative", SIZE_MAX - page, 0);
  anonymous("stack", 10 * page, MAP_STACK | MAP_NORESERVE);
  anonymous("populated", 10 * page, MAP_POPULATE);
  anonymous("growing down", 10 * page, MAP_GROWSDOWN);
  const size_t size = (size_t)3 << 30;
  char *large = mmap(NULL, size, BOTH, ANONYMOUS | MAP_NORESERVE, -1, 0);
  say("large", large != MAP_FAILED && (large[size - 1] = 1) == 1 && munmap(large, size) == 0);
#ifdef MAP_32BIT
  char *low = mmap(NULL, page, BOTH, ANONYMOUS | MAP_32BIT, -1, 0);
  say("32 bit", low != MAP_FAILED && (uintptr_t)low < UINT32_MAX && usable(low, page));
#endif
  say("without type", mmap(NULL, page, BOTH, MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  say("both types of a file", mmap(NULL, page, BOTH, MAP_SHARED | MAP_PRIVATE, -1, 0) != MAP_FAILED);
  say("without a file", mmap(NULL, page, BOTH, MAP_PRIVATE, -1, 0) != MAP_FAILED);
  say("of a closed file", mmap(NULL, page, BOTH, MAP_PRIVATE, 999, 0) != MAP_FAILED);
}

static void fixed(void) {
  char *place = mmap(NULL, 8 * page, PROT_NONE, ANONYMOUS, -1, 0);
  say("hint", usable(mmap(place, page, BOTH, ANONYMOUS, -1, 0), page));
  say("fixed", mmap(place + page, page, BOTH, ANONYMOUS | MAP_FIXED, -1, 0) == place + page);
  place[page] = 1;
  say("fixed twice", mmap(place + page, page, BOTH, ANONYMOUS | MAP_FIXED, -1, 0) == place + page && place[page] == 0);
  say("fixed, odd", mmap(place + 5, page, BOTH, ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
  say("no replacement", mmap(place, page, BOTH, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED);
  say("a hole", munmap(place + 4 * page, page) == 0);
  say("no replacement of a hole",
      mmap(place + 4 * page, page, BOTH, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place + 4 * page);
  say("munmap, odd", munmap(place + 5, page) == 0);
  say("munmap of nothing", munmap(place, 0) == 0);
  say("munmap twice", munmap(place, 8 * page) == 0 && munmap(place, 8 * page) == 0);
  say("mprotect of a hole", mprotect(place, page, PROT_READ) == 0);
  say("madvise of a hole", madvise(place, page, MADV_DONTNEED) == 0);
}

static void moved(void) {
  char *from = mmap(NULL, 4 * page, BOTH, ANONYMOUS, -1, 0);
  char *wall = mmap(from + 4 * page, page, BOTH, ANONYMOUS, -1, 0);
  from[3 * page] = 7;
  char *larger = mremap(from, 4 * page, 400 * page, MREMAP_MAYMOVE);
  say("mremap, larger", larger != MAP_FAILED && larger[3 * page] == 7 && larger[399 * page] == 0);
  char *smaller = mremap(larger, 400 * page, 4 * page, 0);
  say("mremap, smaller", smaller == larger && larger[3 * page] == 7);
  char *target = mmap(NULL, 4 * page, PROT_NONE, ANONYMOUS, -1, 0);
  char *there = mremap(larger, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  say("mremap, fixed", there == target && there[3 * page] == 7);
  say("mremap of nothing", mremap(larger, 4 * page, 8 * page, MREMAP_MAYMOVE) != MAP_FAILED);
  say("mremap, odd", mremap(there + 1, page, 2 * page, MREMAP_MAYMOVE) != MAP_FAILED);
  munmap(wall, page);
  munmap(there, 4 * page);
}

static void files(const char *directory) {
  char path[4096];
  snprintf(path, sizeof path, "%s/mapped", directory);
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  say("a file", file >= 0 && ftruncate(file, (off_t)(4 * page)) == 0 && pwrite(file, "here", 4, (off_t)page) == 4);
  char *shared = mmap(NULL, 2 * page, BOTH, MAP_SHARED, file, (off_t)page);
  char *private = mmap(NULL, 2 * page, BOTH, MAP_PRIVATE, file, (off_t)page);
  say("file, shared", shared != MAP_FAILED && memcmp(shared, "here", 4) == 0);
  say("file, private", private != MAP_FAILED && memcmp(private, "here", 4) == 0);
  private[0] = 'H';
  shared[1] = 'E';
  char got[4];
  say("file, written", pread(file, got, 4, (off_t)page) == 4 && memcmp(got, "hEre", 4) == 0);
  say("file, odd offset", mmap(NULL, page, BOTH, MAP_SHARED, file, 5) != MAP_FAILED);
  const int reading = open(path, O_RDONLY | O_CLOEXEC);
  say("read-only file, private", mmap(NULL, page, BOTH, MAP_PRIVATE, reading, 0) != MAP_FAILED);
  say("read-only file, shared", mmap(NULL, page, BOTH, MAP_SHARED, reading, 0) != MAP_FAILED);
  const int writing = open(path, O_WRONLY | O_CLOEXEC);
  say("write-only file", mmap(NULL, page, PROT_READ, MAP_PRIVATE, writing, 0) != MAP_FAILED);
  unlink(path);
  say("deleted file", mmap(NULL, page, BOTH, MAP_SHARED, file, 0) != MAP_FAILED);
}

static void others(void) {
  const int memory = memfd_create("own", MFD_CLOEXEC);
  say("memfd", ftruncate(memory, (off_t)page) == 0 && mmap(NULL, page, BOTH, MAP_SHARED, memory, 0) != MAP_FAILED);
  say("/dev/zero", usable(mmap(NULL, page, BOTH, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0), page));
  say("/dev/zero, shared", usable(mmap(NULL, page, BOTH, MAP_SHARED, open("/dev/zero", O_RDWR), 0), page));
  say("/dev/null", mmap(NULL, page, BOTH, MAP_SHARED, open("/dev/null", O_RDWR), 0) != MAP_FAILED);
  int ends[2];
  say("a pipe", pipe(ends) == 0 && mmap(NULL, page, PROT_READ, MAP_SHARED, ends[0], 0) != MAP_FAILED);
  say("a directory", mmap(NULL, page, PROT_READ, MAP_PRIVATE, open("/", O_RDONLY), 0) != MAP_FAILED);
  const int segment = shmget(IPC_PRIVATE, page, IPC_CREAT | 0600);
  char *attached = shmat(segment, NULL, 0);
  say("shmat", attached != (char *)-1 && (attached[0] = 1) == 1);
  say("shmdt", shmdt(attached) == 0);
  shmctl(segment, IPC_RMID, NULL);
}

static void the_break(void) {
  char *start = sbrk(0);
  say("brk, larger", sbrk((intptr_t)(2 * page)) == start && start[page] == 0 && (start[page] = 1) == 1);
  say("brk, smaller", brk(start + 1) == 0 && sbrk(0) == start + 1);
  say("brk, again", brk(start + 2 * page) == 0 && start[page] == 0);
  say("brk, too large", brk((void *)(uintptr_t)(SIZE_MAX / 2)) == 0);
  say("brk, back", brk(start) == 0 && sbrk(0) == start);
}

int main(int argc, char *argv[]) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  setvbuf(stdout, NULL, _IONBF, 0); /* no heap between the questions */
  of_all_flags();
  fixed();
  moved();
  files(argc > 1 ? argv[1] : ".");
  others();
  the_break();
  return 0;
}
