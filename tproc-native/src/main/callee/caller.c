#include "caller.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

/* From the handler to abort's caller there are some ten frames, with a C++ exception that nobody catches. */
#define FRAMES_MAX 64

struct search {
  uint64_t interrupted;
  bool begun; /* the frame that the signal met has been seen */
  unsigned frames;
  uint64_t found;
};

static sigjmp_buf broken;
static pid_t searching; /* the thread */

static bool begins_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* Their files' names, whatever the version. */
static bool is_runtime(const char *file) {
  static const char *const starts[] = {"libc.so",    "libc-2.",      "ld-linux",    "ld-2.",   "ld-musl",
                                       "libpthread", "libstdc++.so", "libgcc_s.so", "libc++.", "libc++abi."};
  const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (begins_with(name, starts[i])) return true;
  return false;
}

static bool is_in_runtime(uint64_t address) {
  Dl_info info = {0};
  return dladdr((void *)(uintptr_t)address, &info) != 0 && info.dli_fname != NULL && is_runtime(info.dli_fname);
}

/* A frame that has called another is where it returns to; the call is right before that. */
static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *argument) {
  struct search *search = argument;
  int met = 0; /* whether a signal met it there */
  const uint64_t at = _Unwind_GetIPInfo(context, &met);
  if (++search->frames > FRAMES_MAX) return _URC_END_OF_STACK;
  if (at == search->interrupted) search->begun = true;
  if (!search->begun || at == 0) return _URC_NO_REASON;
  const uint64_t instruction = at - (met == 0);
  if (is_in_runtime(instruction)) return _URC_NO_REASON;
  search->found = instruction;
  return _URC_END_OF_STACK;
}

/* Another thread's crash meanwhile is none of this search's: the program is about to end. */
static void give_up(int signal) {
  (void)signal;
  while (syscall(SYS_gettid) != searching) pause();
  siglongjmp(broken, 1);
}

static void unwind(struct search *search) {
  if (sigsetjmp(broken, 1) != 0) return;
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  sigaddset(&faults, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
  _Unwind_Backtrace(look, search);
}

/* The mask is as before when it returns: sigsetjmp has kept it, or it is set here. */
uint64_t caller_of_runtime(uint64_t interrupted) {
  struct search search = {.interrupted = interrupted};
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_ONSTACK}, of_segv, of_bus;
  sigset_t before;
  if (!is_in_runtime(interrupted)) return 0;
  searching = (pid_t)syscall(SYS_gettid);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  sigaction(SIGSEGV, &action, &of_segv);
  sigaction(SIGBUS, &action, &of_bus);
  unwind(&search);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  sigaction(SIGSEGV, &of_segv, NULL);
  sigaction(SIGBUS, &of_bus, NULL);
  return search.found;
}
