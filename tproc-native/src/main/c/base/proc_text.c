#include "base/proc_text.h"

#include <string.h>

static unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return (unsigned)(digit - '0');
  if (digit >= 'a' && digit <= 'f') return (unsigned)(digit - 'a') + 10;
  return ~0u;
}

/* Returns where the number ends, or NULL. */
static const char *parse_number(const char *text, unsigned base, int64_t *number) {
  const bool negative = *text == '-';
  if (negative) text++;
  if (digit_value(*text) >= base) return NULL;
  uint64_t value = 0;
  for (; digit_value(*text) < base; text++) value = value * base + digit_value(*text);
  *number = (int64_t)(negative ? -value : value);
  return text;
}

/* How many numbers follow the state up to the time of the start, and to the start of the break: proc_pid_stat(5). */
#define UP_TO_START 19
#define UP_TO_BREAK 44
#define UP_TO_TERMINAL 4
#define UP_TO_FLAGS 6
#define FORK_NO_EXEC 0x40 /* PF_FORKNOEXEC of include/linux/sched.h */

bool proc_parse_stat(const char *text, struct process_stat *stat) {
  const char *rest = NULL;
  for (; *text != '\0'; text++)
    if (*text == ')') rest = text + 1;
  if (rest == NULL || rest[0] != ' ' || rest[1] == '\0') return false;
  stat->state = rest[1];
  rest += 2;
  int64_t numbers[UP_TO_BREAK];
  int count = 0;
  for (; count < UP_TO_BREAK && *rest == ' '; count++) {
    rest = parse_number(rest + 1, 10, &numbers[count]);
    if (rest == NULL) break;
  }
  if (count < 3) return false;
  stat->parent = (int)numbers[0];
  stat->group = (int)numbers[1];
  stat->session = (int)numbers[2];
  stat->has_terminal = count >= UP_TO_TERMINAL && numbers[UP_TO_TERMINAL - 1] != 0;
  stat->has_execed = count >= UP_TO_FLAGS && (numbers[UP_TO_FLAGS - 1] & FORK_NO_EXEC) == 0;
  stat->started_at = count >= UP_TO_START ? numbers[UP_TO_START - 1] : -1;
  stat->break_start = count == UP_TO_BREAK ? (uint64_t)numbers[UP_TO_BREAK - 1] : 0;
  return true;
}

bool proc_parse_field(const char *text, const char *name, unsigned base, int64_t *number) {
  const size_t length = strlen(name);
  bool line_starts = true;
  for (; *text != '\0'; text++) {
    if (line_starts && strncmp(text, name, length) == 0) return parse_number(text + length, base, number) != NULL;
    line_starts = *text == '\n';
  }
  return false;
}
