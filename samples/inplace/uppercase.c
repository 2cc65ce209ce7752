/*
 * Turns ASCII text into upper case where it stands: the address and the length come as arguments, and the memory is
 * of any owner, such as a Java direct buffer. An ordinary program: it knows nothing of tproc.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  uint64_t value = strtoull(text, &end, 0);
  if (errno != 0 || end == text || *end != '\0') {
    fprintf(stderr, "uppercase: not a number: %s\n", text);
    exit(2);
  }
  return value;
}

int main(int argc, char *argv[]) {
  if (argc != 3) {
    fprintf(stderr, "usage: uppercase ADDRESS LENGTH\n");
    return 2;
  }
  unsigned char *text = (unsigned char *)(uintptr_t)number(argv[1]);
  uint64_t length = number(argv[2]);
  uint64_t changed = 0;
  for (uint64_t i = 0; i < length; i++) {
    if (text[i] >= 'a' && text[i] <= 'z') {
      text[i] = (unsigned char)(text[i] - 'a' + 'A');
      changed++;
    }
  }
  printf("%llu\n", (unsigned long long)changed);
  return 0;
}
