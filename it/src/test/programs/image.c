/*
 * Looks at its own image: data and bss as the file says, alignment kept, thread-local storage of its own, and the same
 * protections the kernel would have given. Built several times with different segment layouts.
 */
#include <inttypes.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef ALIGNMENT
#define ALIGNMENT 64
#endif

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern const char _end __attribute__((visibility("hidden")));

static unsigned char zeroes[(1 << 20) + 123];
static unsigned char data[5000] = {1, 2, 3, [4999] = 99};
static _Alignas(ALIGNMENT) volatile int aligned = 7;
static _Thread_local int local = 42;
static const char *const relocated[] = {"relocation", "works"};

static bool all_zero(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) {
      return false;
    }
  }
  return true;
}

static void *in_a_thread(void *token) {
  local += 1;
  return local == 43 ? token : NULL;
}

/** The protections of every mapping between from and to, in order of address, but for the kernel's own ([vdso],
   [vvar]), which it may put into the gap between two segments of a static program. */
static void print_protections(const char *name, uintptr_t from, uintptr_t to) {
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[4300];
  char last[5] = "";
  printf("%s=", name);
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    uintptr_t start;
    uintptr_t end;
    char protection[5];
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, protection) == 3 && start < to && from < end &&
        strstr(line, "[v") == NULL && strcmp(protection, last) != 0) {
      printf("%s ", protection);
      strcpy(last, protection);
    }
  }
  puts("");
  if (maps != NULL) {
    fclose(maps);
  }
}

int main(void) {
  pthread_t thread;
  void *result = NULL;
  printf("bss=%s\n", all_zero(zeroes, sizeof zeroes) ? "zero" : "WRONG");
  memset(zeroes, 0x5a, sizeof zeroes);
  printf("data=%s\n", data[0] == 1 && data[2] == 3 && data[4999] == 99 && all_zero(data + 3, 4996) ? "right" : "WRONG");
  printf("aligned=%s\n", (uintptr_t)&aligned % ALIGNMENT == 0 && aligned == 7 ? "right" : "WRONG");
  pthread_create(&thread, NULL, in_a_thread, &result);
  pthread_join(thread, &result);
  printf("threadLocal=%s\n", result == &result && local == 42 ? "right" : "WRONG");
  printf("relocation=%s %s\n", relocated[0], relocated[1]);
  print_protections("image", (uintptr_t)&__ehdr_start, (uintptr_t)&_end);
  print_protections("stack", (uintptr_t)&result, (uintptr_t)&result + 1);
  return 0;
}
