/* A C program that is not hosted. */
#include <tproc_arrow.h>

#include "tests.h"

int main(void) {
  expect_no_host();
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
