#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(int code) {
  const char *name = strerrorname_np(code);
  return name != NULL ? name : "unknown errno";
}

static const char *description_of(int code) {
  const char *description = strerrordesc_np(code);
  return description != NULL ? description : "unknown error";
}

/* Appends to the message, cutting what does not fit. */
static void append(struct tproc_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct tproc_error *error, const char *format, ...) {
  size_t used = strlen(error->message);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message + used, sizeof error->message - used, format, arguments);
  va_end(arguments);
}

static void start(struct tproc_error *error, int code, const char *format, va_list arguments) {
  error->code = code;
  vsnprintf(error->message, sizeof error->message, format, arguments);
}

int tproc_fail(struct tproc_error *error, int code, const char *format, ...) {
  if (error != NULL) {
    va_list arguments;
    va_start(arguments, format);
    start(error, code, format, arguments);
    va_end(arguments);
    append(error, ": %s (%s)", description_of(code), name_of(code));
  }
  return -code;
}

int tproc_fail_because(struct tproc_error *error, int code, const char *format, ...) {
  if (error != NULL) {
    va_list arguments;
    va_start(arguments, format);
    start(error, code, format, arguments);
    va_end(arguments);
    append(error, " (%s)", name_of(code));
  }
  return -code;
}

void tproc_error_prefix(struct tproc_error *error, const char *format, ...) {
  if (error == NULL) return;
  char rest[TPROC_MESSAGE_SIZE];
  memcpy(rest, error->message, sizeof rest);
  va_list arguments;
  va_start(arguments, format);
  start(error, error->code, format, arguments);
  va_end(arguments);
  append(error, "%s", rest);
}
