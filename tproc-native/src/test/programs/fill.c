/* Limits its memory to what is in its argument (bytes, RLIMIT_AS), maps all it gets of that, and says how much. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const unsigned long bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  const struct rlimit limit = {bytes, bytes};
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned pages = 0;
  if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
  while (mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) pages++;
  return dprintf(1, "%u\n", pages) > 0 ? 0 : 2;
}
