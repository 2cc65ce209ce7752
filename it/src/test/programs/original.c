/* What a program built against the original threadprocs project does: the scratch page is the auxv entry 0x5450. */
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>

int main(void) {
  uint64_t *page = (uint64_t *)getauxval(0x5450);
  if (page == NULL) {
    puts("no page");
    return 1;
  }
  page[1] = page[0] + 1;
  printf("0x%lx\n", (unsigned long)(uintptr_t)page);
  return 0;
}
