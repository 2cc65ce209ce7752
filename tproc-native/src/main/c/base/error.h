/* Error reports: one errno and one message that names step, subject and cause. */
#ifndef TPROC_ERROR_H
#define TPROC_ERROR_H

#include "tproc_core.h"

/**
 * What a message says of names has no control character: they are written as C writes them (\r, \x1b).
 *
 * Fills in *error (when not NULL) with "<formatted>: <description of code> (<name of code>)".
 *
 * @param code positive errno
 * @return -code, so that a failing function can `return tproc_fail(…)`
 */
int tproc_fail(struct tproc_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** As tproc_fail, but the formatted text already says the cause: "<formatted> (<name of code>)". */
int tproc_fail_because(struct tproc_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts the formatted text in front of the message: a caller's "cannot host X: ". Keeps the code. */
void tproc_error_prefix(struct tproc_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Makes it another code's: of a message of tproc_fail_because the name at its end is changed.
 *
 * @return -code
 */
int tproc_error_recode(struct tproc_error *error, int code);

#endif
