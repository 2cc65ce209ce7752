/* Says whether it runs inside a host, and where the scratch page of that host is. Exits with 0 inside, 1 outside. */
#include <stdio.h>
#include <tproc.h>

int main(void) {
  if (!tproc_is_threadproc()) {
    puts("threadproc: no");
    return 1;
  }
  puts("threadproc: yes");
  printf("scratch: %p\n", tproc_scratch());
  printf("scratch size: %zu\n", (size_t)tproc_scratch_size());
  return 0;
}
