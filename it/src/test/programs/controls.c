/*
 * Calls that act on a whole address space, which is the JVM's:
 *
 *   controls set     tries them all; prints one "call=answer" a line
 *   controls show    prints what is in force
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

static void say(const char *call, int result) {
  if (result < 0)
    printf("%s=%s\n", call, strerrorname_np(errno));
  else
    printf("%s=%d\n", call, result);
}

static void set(void) {
  struct prctl_mm_map map;
  memset(&map, 0, sizeof map);
  say("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  say("PR_SET_DUMPABLE to nonsense", prctl(PR_SET_DUMPABLE, 7, 0, 0, 0));
  say("PR_SET_THP_DISABLE", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  say("PR_SET_MM", prctl(PR_SET_MM, PR_SET_MM_START_BRK, 0x10000, 0, 0));
  say("PR_SET_MM_MAP", prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
  say("PR_SET_MDWE", prctl(PR_SET_MDWE, 1, 0, 0, 0));
  say("PR_SET_MEMORY_MERGE", prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0));
  say("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
  say("munlockall", munlockall());
  say("PR_SET_NAME", prctl(PR_SET_NAME, "own", 0, 0, 0)); /* acts on a thread: passes */
}

static void show(void) {
  say("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  say("thp", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  say("mdwe", prctl(PR_GET_MDWE, 0, 0, 0, 0));
  say("merge", prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
}

int main(int argc, char *argv[]) {
  if (argc > 1 && strcmp(argv[1], "show") == 0)
    show();
  else
    set();
  return 0;
}
