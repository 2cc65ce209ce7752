/* Reading an ELF file's headers: hostile input, checked completely before anything is mapped. */
#ifndef TPROC_ELF_FILE_H
#define TPROC_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tproc_core.h"

/**
 * One PT_LOAD, checked: the memory part lies inside the image, offset and address of a file part are congruent. The
 * file may end before the file part.
 */
struct elf_segment {
  uint64_t address;     /**< p_vaddr */
  uint64_t memory_size; /**< p_memsz, never 0 */
  uint64_t file_offset; /**< p_offset; means nothing without a file part */
  uint64_t file_size;   /**< p_filesz, at most memory_size */
  int protection;       /**< PROT_* */
};

/** What the loader needs to know of an ELF file. */
struct elf_file {
  bool position_independent;     /**< ET_DYN; otherwise ET_EXEC: the addresses are final */
  uint64_t entry;                /**< e_entry; lies inside [low, high) where there is no interpreter */
  uint64_t low, high;            /**< page-rounded range of all segments, in the file's own addresses */
  uint64_t alignment;            /**< largest p_align that is a power of two, at least a page */
  uint64_t program_headers;      /**< where the last segment that has their beginning has it, or 0 */
  uint16_t program_header_count; /**< e_phnum */
  uint64_t thread_storage;       /**< what PT_TLS takes in memory, alignment included; 0 without one */
  bool executable_stack;         /**< PT_GNU_STACK asks for it */
  bool branch_target_protection; /**< PT_GNU_PROPERTY promises BTI landing pads (aarch64) */
  bool has_interpreter;          /**< PT_INTERP is there */
  bool is_interpreter;           /**< read as one: a PT_INTERP of its own means nothing */
  char interpreter[PATH_MAX];    /**< its path */
  size_t segment_count;
  struct elf_segment *segments; /**< in the file's order: a later one covers what an earlier one has there; free with
                                   elf_file_release */
};

/**
 * Reads and checks the headers with pread: a file that shrinks meanwhile gives an error, never a fault.
 *
 * @param size the file's size in bytes, as fstat gave it
 * @param largest_image the most bytes the image may span in memory
 * @return 0, -ENOEXEC for anything malformed, -ENOMEM, or the error of reading
 */
int elf_file_read(int file, uint64_t size, uint64_t largest_image, struct elf_file *elf, struct tproc_error *error);

/** As elf_file_read, for the file that PT_INTERP names; what is malformed is -ELIBBAD, and a file too short -EIO. */
int elf_file_read_interpreter(int file, uint64_t size, uint64_t largest_image, struct elf_file *elf,
                              struct tproc_error *error);

/** Frees what elf_file_read allocated. Does nothing to a zeroed struct. */
void elf_file_release(struct elf_file *elf);

#endif
