/*
 * Names in messages. A file may be called anything, and a terminal obeys control characters. Without libc: the launcher
 * has none.
 */
#ifndef TPROC_PRINTABLE_H
#define TPROC_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/** Whether a text has no control character. */
bool printable_is(const char *text, size_t length);

/**
 * Copies a text, with its control characters as C writes them (\r, \x1b). Text without any is copied as it is, so a
 * message may pass through here more than once.
 *
 * @param to gets at most `room` - 1 bytes and a NUL; what does not fit is cut
 * @param room at least 1
 * @return the length of what has been written
 */
size_t printable_copy(const char *text, size_t length, char *to, size_t room);

#endif
