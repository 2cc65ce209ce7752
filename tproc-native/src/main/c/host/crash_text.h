/* A crash in words, as Java's CrashReport has them. */
#ifndef TPROC_CRASH_TEXT_H
#define TPROC_CRASH_TEXT_H

#include "tproc_core.h"

/** More than a text takes, with its NUL. */
#define CRASH_TEXT_SIZE 4096

/**
 * Writes two lines, without a new line at the end: signal, address, place and thread; the registers. Control characters
 * in the names of files are escaped.
 *
 * @return how long it is
 */
size_t crash_text_write(const struct tproc_crash *crash, char text[CRASH_TEXT_SIZE]);

#endif
