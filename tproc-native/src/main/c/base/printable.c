#include "base/printable.h"

#include <string.h>

#define ESCAPE_MAX 4

/* In UTF-8 the control characters from U+0080 to U+009F are 0xc2 and a byte that is less than 0xa0. */
static bool is_c1(unsigned char first, unsigned char second) {
  return first == 0xc2 && second >= 0x80 && second < 0xa0;
}

static bool is_control(const char *text, size_t length, size_t at) {
  const unsigned char here = (unsigned char)text[at];
  if (here < ' ' || here == 0x7f) return true;
  if (at + 1 < length && is_c1(here, (unsigned char)text[at + 1])) return true;
  return at > 0 && is_c1((unsigned char)text[at - 1], here);
}

bool printable_is(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (is_control(text, length, i)) return false;
  return true;
}

static size_t escape(unsigned char byte, char to[ESCAPE_MAX]) {
  static const char plain[] = "\t\n\r", letters[] = "tnr", digits[] = "0123456789abcdef";
  to[0] = '\\';
  for (size_t i = 0; i < sizeof plain - 1; i++) {
    if (byte != (unsigned char)plain[i]) continue;
    to[1] = letters[i];
    return 2;
  }
  to[1] = 'x';
  to[2] = digits[byte >> 4];
  to[3] = digits[byte & 15];
  return ESCAPE_MAX;
}

size_t printable_copy(const char *text, size_t length, char *to, size_t room) {
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    char escaped[ESCAPE_MAX] = {text[i]};
    const size_t size = is_control(text, length, i) ? escape((unsigned char)text[i], escaped) : 1;
    if (used + size >= room) break;
    memcpy(to + used, escaped, size);
    used += size;
  }
  to[used] = '\0';
  return used;
}
