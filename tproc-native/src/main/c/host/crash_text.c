#include "host/crash_text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

#define CODES_MAX 9

/* What crashes a program, and why: sigaction(2). The codes count from 1. */
static const struct {
  int signal;
  const char *name;
  const char *codes[CODES_MAX];
} signals[] = {
    {SIGILL,
     "SIGILL",
     {"ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC"}},
    {SIGTRAP, "SIGTRAP", {"TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT"}},
    {SIGABRT, "SIGABRT", {NULL}},
    {SIGBUS, "SIGBUS", {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"}},
    {SIGFPE,
     "SIGFPE",
     {"FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV"}},
    {SIGSEGV, "SIGSEGV", {"SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"}},
    {SIGSYS, "SIGSYS", {"SYS_SECCOMP"}},
};

struct writer {
  char *text;
  size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *writer, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const size_t room = CRASH_TEXT_SIZE - writer->size;
  const int length = vsnprintf(writer->text + writer->size, room, format, values);
  va_end(values);
  if (length > 0) writer->size += (size_t)length < room ? (size_t)length : room - 1;
}

/* Each name is one of a file at most, which may hold what a terminal would obey. */
static void add_name(struct writer *writer, const char *name) {
  writer->size += printable_copy(name, strlen(name), writer->text + writer->size, CRASH_TEXT_SIZE - writer->size);
}

static const char *general_code(int code) {
  switch (code) {
    case SI_KERNEL:
      return "SI_KERNEL";
    case SI_USER:
      return "SI_USER";
    case SI_QUEUE:
      return "SI_QUEUE";
    case SI_TKILL:
      return "SI_TKILL";
    default:
      return NULL;
  }
}

static void add_signal(struct writer *writer, int signal, int code) {
  const char *name = "signal", *code_name = general_code(code);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    if (signals[i].signal != signal) continue;
    name = signals[i].name;
    if (code >= 1 && code <= CODES_MAX && signals[i].codes[code - 1] != NULL) code_name = signals[i].codes[code - 1];
  }
  if (code_name != NULL)
    add(writer, "%s (%s), ", name, code_name);
  else
    add(writer, "%s (%d), ", name, code);
}

static void add_place(struct writer *writer, const struct tproc_crash *crash) {
  if (crash->has_address) {
    add(writer, "%saccessing 0x%" PRIx64 " (", crash->overflows ? "stack overflow, " : "", crash->address);
    add_name(writer, crash->owner);
    add(writer, "), ");
  }
  if (crash->file[0] == '\0') {
    add(writer, "at 0x%" PRIx64, crash->program_counter);
  } else {
    add(writer, "in ");
    add_name(writer, crash->file);
    add(writer, "+0x%" PRIx64, crash->offset);
  }
}

size_t crash_text_write(const struct tproc_crash *crash, char text[CRASH_TEXT_SIZE]) {
  struct writer writer = {text, 0};
  add_signal(&writer, crash->signal, crash->code);
  add_place(&writer, crash);
  add(&writer, ", thread %d", crash->tid);
  for (size_t i = 0; i < crash->register_count; i++)
    add(&writer, "%c%s=0x%" PRIx64, i == 0 ? '\n' : ' ', crash->registers[i].name, crash->registers[i].value);
  return writer.size;
}
