/*
 * What every test program of libtproc checks, run directly and as if hosted. Compiled as C and as C++.
 */
#ifndef TPROC_TESTS_H
#define TPROC_TESTS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <tproc.h>

static int failures = 0;

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      failures++;                                                              \
    }                                                                          \
  } while (0)

/** No host: every function says so, and what is too large is refused before. */
static inline void expect_no_host(void) {
  errno = E2BIG;
  EXPECT(tproc_is_threadproc() == 0);
  EXPECT(tproc_scratch() == NULL);
  EXPECT(tproc_scratch_size() == 0);
  EXPECT(tproc_ready(NULL, NULL, NULL) == 0);
  static struct tproc_request request;
  EXPECT(tproc_respond(&request, "", TPROC_RESPONSE_MAX + 1) == EOVERFLOW);
  EXPECT(tproc_respond(&request, "", TPROC_RESPONSE_MAX) == ENOTSUP);
  EXPECT(errno == E2BIG);
  EXPECT(tproc_version() == TPROC_VERSION);
}

#endif
