/* Where the stack of a program has what it was started with. */
#ifndef TPROC_PROCESS_TEXTS_H
#define TPROC_PROCESS_TEXTS_H

#include <stdint.h>

#include "base/address_range.h"

struct process_texts {
  struct address_range arguments, environment; /**< strings, each with its NUL; the program may have written there */
  uint64_t auxv;                               /**< address of its first entry */
};

#endif
