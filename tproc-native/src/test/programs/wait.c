/* wait ADDRESS [CODE]: moves its break, says at ADDRESS that it runs, waits there for WAIT_GO, and exits with CODE. */
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (sbrk(2 * getpagesize()) == (void *)-1) return 3;
  uint32_t *word = (uint32_t *)strtoul(argv[1], NULL, 16);
  uint32_t started = WAIT_STARTED;
  __atomic_compare_exchange_n(word, &started, WAIT_RUNNING, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  syscall(SYS_futex, word, FUTEX_WAKE, 1000);
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != WAIT_GO)
    syscall(SYS_futex, word, FUTEX_WAIT, WAIT_RUNNING, NULL, NULL, 0);
  return argc > 2 ? atoi(argv[2]) : 0;
}
