/*
 * Where glibc's dynamic linker can be stopped: its entry calls a function that maps and relocates everything and
 * returns the program's entry, and then runs constructors, with argc, argv and envp as they are on the stack by then.
 */
#ifndef TPROC_LINKER_ENTRY_H
#define TPROC_LINKER_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/elf_file.h"

/** Addresses of the file. */
struct linker_entry {
  uint64_t load;     /**< the function (_dl_start); its argument is the stack pointer */
  uint64_t returned; /**< what the entry does next (_dl_start_user) */
};

/**
 * @param path the interpreter's; another linker may begin alike and do more
 * @return false when it is not glibc's linker, or not one that begins as all known ones do
 */
bool linker_entry_read(int file, const char *path, const struct elf_file *elf, struct linker_entry *entry);

#endif
