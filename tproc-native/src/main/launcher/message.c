#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/printable.h"
#include "system.h"

#define TEXTS_MAX 12

/* Room for texts that have to be escaped: what does not fit is cut. */
struct room {
  char text[8192];
  size_t used;
};

static void add(struct iovec *part, const char *text, size_t size) {
  part->iov_base = (void *)(uintptr_t)text;
  part->iov_len = size;
}

/* A text that may be a name, or another program's: nothing of it is for the terminal to obey. */
static void add_escaped(struct iovec *part, const char *text, size_t size, struct room *room) {
  if (printable_is(text, size)) {
    add(part, text, size);
    return;
  }
  char *start = room->text + room->used;
  const size_t length = printable_copy(text, size, start, sizeof room->text - room->used);
  room->used += length;
  add(part, start, length);
}

/* When this fails there is no other place to say it. */
static void write_all(const struct iovec *parts, size_t count) { raw_syscall3(SYS_writev, 2, parts, count); }

void message(const char *text, ...) {
  struct iovec parts[TEXTS_MAX + 2];
  struct room room;
  room.used = 0;
  size_t count = 0;
  add(&parts[count++], "tproc-run: ", 11);
  va_list texts;
  va_start(texts, text);
  for (; text != NULL && count <= TEXTS_MAX; text = va_arg(texts, const char *))
    add_escaped(&parts[count++], text, strlen(text), &room);
  va_end(texts);
  add(&parts[count++], "\n", 1);
  write_all(parts, count);
}

void message_text(const char *text, size_t size) {
  struct iovec parts[3];
  struct room room;
  room.used = 0;
  add(&parts[0], "tproc-run: ", 11);
  add_escaped(&parts[1], text, size, &room);
  add(&parts[2], "\n", 1);
  write_all(parts, 3);
}

void message_about(const char *subject, const char *what, const char *text, size_t size) {
  struct iovec parts[5];
  struct room room;
  room.used = 0;
  add(&parts[0], "tproc-run: ", 11);
  add_escaped(&parts[1], subject, strlen(subject), &room);
  add(&parts[2], what, strlen(what));
  add_escaped(&parts[3], text, size, &room);
  add(&parts[4], "\n", 1);
  write_all(parts, 5);
}

const char *number_text(long number, char text[NUMBER_SIZE]) {
  unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
  char digits[NUMBER_SIZE];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  size_t length = 0;
  if (number < 0) text[length++] = '-';
  while (count > 0) text[length++] = digits[--count];
  text[length] = '\0';
  return text;
}

char *put_text(char *to, const char *text) {
  while ((*to = *text++) != '\0') to++;
  return to;
}

/* The errors that the launcher itself can meet: the host words its own. */
const char *errno_text(long code) {
  static char other[sizeof "Error " + NUMBER_SIZE];
  switch (code < 0 ? -code : code) {
    case EPERM:
      return "Operation not permitted";
    case ENOENT:
      return "No such file or directory";
    case EIO:
      return "Input/output error";
    case ENXIO:
      return "No such device or address";
    case EBADF:
      return "Bad file descriptor";
    case EAGAIN:
      return "Resource temporarily unavailable";
    case ENOMEM:
      return "Cannot allocate memory";
    case EACCES:
      return "Permission denied";
    case ENODEV:
      return "No such device";
    case ENOTDIR:
      return "Not a directory";
    case EINVAL:
      return "Invalid argument";
    case ENFILE:
      return "Too many open files in system";
    case EMFILE:
      return "Too many open files";
    case ENOTTY:
      return "Inappropriate ioctl for device";
    case ENOSPC:
      return "No space left on device";
    case EPIPE:
      return "Broken pipe";
    case ENAMETOOLONG:
      return "File name too long";
    case ENOSYS:
      return "Function not implemented";
    case ELOOP:
      return "Too many levels of symbolic links";
    case EPROTO:
      return "Protocol error";
    case ENOTSOCK:
      return "Socket operation on non-socket";
    case EPROTOTYPE:
      return "Protocol wrong type for socket";
    case EAFNOSUPPORT:
      return "Address family not supported by protocol";
    case ENOBUFS:
      return "No buffer space available";
    case ETOOMANYREFS:
      return "Too many references: cannot splice";
    case ECONNREFUSED:
      return "Connection refused";
    case ECONNRESET:
      return "Connection reset by peer";
    case ETIMEDOUT:
      return "Connection timed out";
    case E2BIG:
      return "Argument list too long";
    default:
      number_text(code < 0 ? -code : code, put_text(other, "Error "));
      return other;
  }
}
