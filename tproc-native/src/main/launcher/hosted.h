/* The program, once the host has started it: signals go to it directly, through its pidfd. */
#ifndef TPROC_LAUNCHER_HOSTED_H
#define TPROC_LAUNCHER_HOSTED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

struct hosted {
  int pidfd; /**< -1: not started yet */
};

/** Sends a signal to the program alone. */
void hosted_signal(const struct hosted *hosted, int signal);

/** Passes on a signal to the program alone, with the value that sigqueue has given it. */
void hosted_pass_on(const struct hosted *hosted, const struct signalfd_siginfo *taken);

/** Sends a signal to the process group that the program leads, as a terminal does. */
void hosted_signal_group(const struct hosted *hosted, int signal);

/** Whether the program neither handles nor ignores nor blocks a signal. */
bool hosted_has_default(const struct hosted *hosted, int signal);

/** Whether the program does not leave any of the terminal's stop signals alone, as shells with jobs do. */
bool hosted_controls_jobs(const struct hosted *hosted);

/**
 * Whether the program, or a descendant, waits in read(2) for input of a terminal. Where the kernel does not let this
 * process look (ptrace(2)'s rights, yama's ptrace_scope) it is not known, and false.
 *
 * @param device of terminal_device
 */
bool hosted_reads(const struct hosted *hosted, uint64_t device);

/** Whether the program is stopped right now. */
bool hosted_is_stopped(const struct hosted *hosted);

#endif
