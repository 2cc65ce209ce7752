/* Looking at mappings: the host's own, or another process's. */
#ifndef TPROC_ADDRESS_SPACE_H
#define TPROC_ADDRESS_SPACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address_range.h"
#include "tproc_core.h"

/** A view of mappings: the kernel's table, asked afresh each time. */
struct address_space {
  int maps;       /**< /proc/self/maps, or another process's */
  bool is_others; /**< one at a time may look at it */
  bool can_query; /**< the kernel answers for a single address (PROCMAP_QUERY, since 6.11) */
};

/** One mapping. */
struct mapping {
  struct address_range range;
  bool readable, writable, executable, shared;
  bool has_file; /**< backed by a file (a shared anonymous mapping counts as one: the kernel names it /dev/zero) */
  uint64_t file_offset; /**< in bytes; 0 without a file */
  const char *name; /**< file path or the kernel's label such as "[heap]"; "" when it has neither. Valid in the call. */
};

int address_space_open(struct address_space *space, struct tproc_error *error);

/** @param maps another process's /proc/PID/maps, which address_space_close closes */
struct address_space address_space_of_other(int maps);

void address_space_close(struct address_space *space);

/** Called for each mapping in ascending order. @return whether to go on */
typedef bool mapping_visitor(const struct mapping *mapping, void *context);

/** Every mapping that overlaps `range`. Quick with can_query, otherwise a pass over all of the process's mappings. */
void address_space_visit(const struct address_space *space, struct address_range range, mapping_visitor *visit,
                         void *context);

/** As address_space_visit, but only writable mappings. */
void address_space_visit_writable(const struct address_space *space, struct address_range range, mapping_visitor *visit,
                                  void *context);

#endif
