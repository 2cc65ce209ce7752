/* Finds its library through $ORIGIN, which ld.so takes from /proc/self/exe; prints what that says. */
#include <stdio.h>

extern const char *tproc_origin(void);

int main(void) {
  puts(tproc_origin());
  return 0;
}
