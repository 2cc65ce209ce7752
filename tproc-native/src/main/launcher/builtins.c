/* What compilers call by themselves and wire.c calls by name. Environments have a few KiB: simple is fast enough. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
#if defined(__x86_64__)
  void *at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
#else
  unsigned char *at = to;
  const unsigned char *source = from;
  for (; size >= 16; size -= 16, at += 16, source += 16) {
    uint64_t pair[2];
    __builtin_memcpy(pair, source, 16);
    __builtin_memcpy(at, pair, 16);
  }
  while (size-- > 0) *at++ = *source++;
#endif
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *at = to;
  const unsigned char *source = from;
  if ((uintptr_t)to <= (uintptr_t)from)
    for (size_t i = 0; i < size; i++) at[i] = source[i];
  else
    while (size-- > 0) at[size] = source[size];
  return to;
}

void *memset(void *to, int value, size_t size) {
  unsigned char *at = to;
  while (size-- > 0) *at++ = (unsigned char)value;
  return to;
}

int memcmp(const void *left, const void *right, size_t size) {
  const unsigned char *a = left, *b = right;
  for (; size > 0; size--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}

void *memchr(const void *in, int value, size_t size) {
  const unsigned char *at = in;
  for (; size > 0; size--, at++)
    if (*at == (unsigned char)value) return (void *)(uintptr_t)at;
  return NULL;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end != '\0') end++;
  return (size_t)(end - text);
}

int strcmp(const char *left, const char *right) {
  while (*left != '\0' && *left == *right) {
    left++;
    right++;
  }
  return (unsigned char)*left - (unsigned char)*right;
}

int strncmp(const char *left, const char *right, size_t size) {
  for (; size > 0; size--, left++, right++) {
    if (*left != *right) return (unsigned char)*left - (unsigned char)*right;
    if (*left == '\0') break;
  }
  return 0;
}
