/*
 * storage: static, with more thread-local storage than the program break grows by, aligned to 64 KiB. Exits with 0 when
 * it is there, in the first thread and in another.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define MANY 100000

static __thread _Alignas(64 << 10) int numbers[MANY] = {7};

static void *look(void *wrong) {
  numbers[MANY - 1]++;
  if (numbers[0] != 7 || numbers[MANY - 1] != 1 || (uintptr_t)numbers % (64 << 10) != 0) *(int *)wrong = 1;
  return NULL;
}

int main(void) {
  pthread_t thread;
  int wrong = 0;
  look(&wrong);
  if (pthread_create(&thread, NULL, look, &wrong) != 0 || pthread_join(thread, NULL) != 0) return 2;
  return wrong;
}
