/* Takes apart what files of /proc say. Without libc and system calls: the launcher has neither. */
#ifndef TPROC_PROC_TEXT_H
#define TPROC_PROC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

struct process_stat {
  char state; /**< 'R', 'S', 'T', … */
  int parent, group, session;
  bool has_terminal;    /**< its session has a controlling terminal */
  bool has_execed;      /**< it has executed a program since it was cloned */
  int64_t started_at;   /**< in clock ticks since the boot; -1: the text ends before it */
  uint64_t break_start; /**< where the program break began; 0: not told to everybody, or the text ends before it */
};

/** Takes apart the text of /proc/PID/stat. The command in it may hold anything, blanks and parentheses too. */
bool proc_parse_stat(const char *text, struct process_stat *stat);

/**
 * The number after `name` at the start of a line.
 *
 * @param name with all up to the number, as in "SigIgn:\t"
 */
bool proc_parse_field(const char *text, const char *name, unsigned base, int64_t *number);

#endif
