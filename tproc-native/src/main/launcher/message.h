/* What the launcher has to say, all of it on standard error. */
#ifndef TPROC_LAUNCHER_MESSAGE_H
#define TPROC_LAUNCHER_MESSAGE_H

#include <stddef.h>

/** Writes "tproc-run: ", the texts up to a NULL, and a new line, in one system call. At most 12 texts. */
__attribute__((sentinel)) void message(const char *text, ...);

/** The same for a text that does not end in NUL. */
void message_text(const char *text, size_t size);

/** The same for "subject", "what" and a text that does not end in NUL. */
void message_about(const char *subject, const char *what, const char *text, size_t size);

#define NUMBER_SIZE 24

/** Writes a number in decimal to `text`, and returns it. */
const char *number_text(long number, char text[NUMBER_SIZE]);

/** Writes a text and its NUL to `to`, and returns where the NUL is. The caller has made sure that there is room. */
char *put_text(char *to, const char *text);

/** What an errno, positive or negative, means, in the words of strerror. */
const char *errno_text(long code);

#endif
