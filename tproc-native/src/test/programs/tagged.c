/*
 * Memory calls with a tag in the address's top byte, which aarch64 ignores. Exits with 0 when all of them are accepted,
 * otherwise with the number of the first that is not.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *memory = mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  char *tagged = (char *)((uintptr_t)memory | (uintptr_t)0xa5 << 56);
  if (mprotect(tagged, 4 * page, PROT_READ | PROT_WRITE) != 0) return 2;
  memory[0] = 1;
  if (madvise(tagged, page, MADV_DONTNEED) != 0 || memory[0] != 0) return 3;
  if (mremap(tagged, 4 * page, 2 * page, 0) != memory) return 4;
  if (munmap(tagged, 2 * page) != 0) return 5;
  return 0;
}
