/* Mapping one ELF file into addresses that are already reserved for it. */
#ifndef TPROC_IMAGE_H
#define TPROC_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/elf_file.h"
#include "tproc_core.h"

/** An ELF file in memory. The mapping belongs to the caller, who reserved the addresses. */
struct image {
  uint64_t load_bias;       /**< what to add to an address of the file */
  uint64_t low, high;       /**< page-rounded range it occupies */
  uint64_t entry;           /**< absolute entry point */
  uint64_t program_headers; /**< absolute address, or 0 when they are not mapped */
};

/**
 * Maps every segment with MAP_FIXED at its address plus load_bias.
 *
 * The caller has reserved [low + load_bias, high + load_bias) and unmaps it, also after a failure: this function never
 * unmaps. It never touches a page that belongs to the file: the page where a segment's file part ends and its zeroes
 * begin is anonymous memory filled with pread, so a file that shrinks meanwhile gives an error instead of SIGBUS.
 *
 * @param load_bias multiple of the page size; 0 for ET_EXEC
 * @param guard_branches map executable pages with PROT_BTI when the file promises landing pads (what the kernel does
 * for an interpreter or a static program; ld.so does the same for all others)
 */
int image_map(int file, const struct elf_file *elf, uint64_t load_bias, bool guard_branches, struct image *image,
              struct tproc_error *error);

#endif
