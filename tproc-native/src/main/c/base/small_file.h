#ifndef TPROC_SMALL_FILE_H
#define TPROC_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Reads the beginning of a file of /proc or /sys as a text.
 *
 * @param size of the text, with its NUL
 * @return false: it cannot be read, or is empty; then it is empty
 */
bool small_file_read(const char *path, char *text, size_t size);

#endif
