/*
 * tproc-callee: hosts one library, and calls its functions for Java. Started by io.tproc.library only.
 *
 *   tproc-callee VERSION LANE DESK CRASH-RECORD SPIN    addresses in hexadecimal, nanoseconds in decimal
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "lane.h"
#include "service.h"

#define STRING_OF(value) #value
#define STRING(value) STRING_OF(value)

static void *address(const char *text) { return lane_pointer(strtoull(text, NULL, 16)); }

int main(int count, char **arguments) {
  if (count != 6 || strcmp(arguments[1], STRING(LANE_VERSION)) != 0) {
    fputs("tproc-callee: not for use by hand, or of another version than tproc's jars\n", stderr);
    return 2;
  }
  lane_set_spin_limit(strtoull(arguments[5], NULL, 10));
  crash_watch(address(arguments[4]));
  service_set_desk(address(arguments[3]));
  service_run(address(arguments[2]));
}
