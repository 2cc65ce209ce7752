#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

static const char *name_of(int code) {
  const char *name = strerrorname_np(code);
  return name != NULL ? name : "unknown errno";
}

static const char *description_of(int code) {
  const char *description = strerrordesc_np(code);
  return description != NULL ? description : "unknown error";
}

/* Every text of a message comes through here, with names that may have any byte in them. Cuts what does not fit. */
static void put(struct tproc_error *error, size_t at, const char *format, va_list arguments) {
  char text[TPROC_MESSAGE_SIZE];
  const int written = vsnprintf(text, sizeof text, format, arguments);
  const size_t length = written < 0 ? 0 : strnlen(text, sizeof text);
  printable_copy(text, length, error->message + at, sizeof error->message - at);
}

static void append(struct tproc_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct tproc_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put(error, strlen(error->message), format, arguments);
  va_end(arguments);
}

static void start(struct tproc_error *error, int code, const char *format, va_list arguments) {
  error->code = code;
  put(error, 0, format, arguments);
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

int tproc_error_recode(struct tproc_error *error, int code) {
  if (error == NULL) return -code;
  char name[64];
  const int length = snprintf(name, sizeof name, " (%s)", name_of(error->code));
  const size_t whole = strlen(error->message);
  error->code = code;
  if (length > 0 && whole >= (size_t)length && strcmp(error->message + whole - (size_t)length, name) == 0) {
    error->message[whole - (size_t)length] = '\0';
    append(error, " (%s)", name_of(code));
  }
  return -code;
}
