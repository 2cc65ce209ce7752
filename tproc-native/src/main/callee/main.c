/*
 * tproc-callee: hosts one library. Started by io.tproc.library and io.tproc.python only.
 *
 *   tproc-callee VERSION LANE DESK CRASH-RECORD SPIN    calls its functions for Java; addresses in hexadecimal,
 *                                                       nanoseconds in decimal
 *   tproc-callee VERSION main LIBRARY FUNCTION NAME [ARGUMENT ...]    calls its function as a program's main()
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "lane.h"
#include "program.h"
#include "service.h"

#define STRING_OF(value) #value
#define STRING(value) STRING_OF(value)

static void *address(const char *text) { return lane_pointer(strtoull(text, NULL, 16)); }

int main(int count, char **arguments) {
  const bool for_us = count > 2 && strcmp(arguments[1], STRING(LANE_VERSION)) == 0;
  if (for_us && strcmp(arguments[2], "main") == 0) return program_run(count - 3, arguments + 3);
  if (!for_us || count != 6) {
    fputs("tproc-callee: not for use by hand, or of another version than tproc's jars\n", stderr);
    return 2;
  }
  lane_set_spin_limit(strtoull(arguments[5], NULL, 10));
  crash_watch(address(arguments[4]));
  service_set_desk(address(arguments[3]));
  service_run(address(arguments[2]));
}
