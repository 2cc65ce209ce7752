/*
 * Reserves 1 GiB at the address in its first argument (hexadecimal), makes a page of it usable, uses it, gives another
 * one back. Exits with 0 when all of it worked, with 3 when the reservation is elsewhere, with 1 or 2 when a call
 * failed.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char *wanted = argc > 1 ? (char *)strtoull(argv[1], NULL, 16) : NULL;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 1ul << 30;
  char *got = mmap(wanted, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) return 1;
  if (mprotect(got + page, page, PROT_READ | PROT_WRITE) != 0) return 2;
  got[page] = 1;
  if (munmap(got + size / 2, page) != 0) return 2;
  return got == wanted ? 0 : 3;
}
