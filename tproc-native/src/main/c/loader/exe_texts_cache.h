/* What was found in programs' files, kept for their next launches: a large one takes milliseconds to look through. */
#ifndef TPROC_EXE_TEXTS_CACHE_H
#define TPROC_EXE_TEXTS_CACHE_H

#include "loader/elf_file.h"
#include "loader/exe_texts.h"

/** So many files are known; then the one that was looked through longest ago is forgotten. */
#define EXE_TEXTS_CACHE_FILES 64

/**
 * As exe_texts_in_image, of a file that is not looked through again as long as it is the same, with the same time of
 * change. By any thread.
 */
struct exe_texts exe_texts_cache_find(int file, const struct elf_file *elf);

#endif
