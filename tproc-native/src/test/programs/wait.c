/*
 * wait ADDRESS [CODE [timer]]: moves its break, says at ADDRESS that it runs, waits there for WAIT_GO, and exits with
 * CODE. With `timer` it has set one before that repeats, and does not ring.
 */
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (sbrk(2 * getpagesize()) == (void *)-1) return 3;
  const struct itimerval seldom = {{100000, 0}, {100000, 0}};
  if (argc > 3 && setitimer(ITIMER_REAL, &seldom, NULL) != 0) return 4;
  uint32_t *word = (uint32_t *)strtoul(argv[1], NULL, 16);
  uint32_t started = WAIT_STARTED;
  __atomic_compare_exchange_n(word, &started, WAIT_RUNNING, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  syscall(SYS_futex, word, FUTEX_WAKE, 1000);
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != WAIT_GO)
    syscall(SYS_futex, word, FUTEX_WAIT, WAIT_RUNNING, NULL, NULL, 0);
  return argc > 2 ? atoi(argv[2]) : 0;
}
