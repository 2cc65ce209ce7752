#include "terminal.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/stat.h>
#include <string.h>

#include "guardian.h"
#include "signals.h"
#include "system.h"

/* struct winsize: the kernel's header that has it fights with the C library's. */
struct window_size {
  uint16_t rows, columns, width, height;
};

bool terminal_is_one(int descriptor) {
  struct termios2 modes;
  return sys_ioctl(descriptor, TCGETS2, &modes) == 0;
}

static int open_controlling(void) { return sys_open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK); }

enum terminal_kind terminal_wanted(enum terminal_choice choice) {
  if (choice == TERMINAL_NEVER) return TERMINAL_NONE;
  if (choice == TERMINAL_ALWAYS || (terminal_is_one(0) && terminal_is_one(1))) return TERMINAL_OWN;
  const int controlling = open_controlling();
  if (controlling < 0) return TERMINAL_NONE;
  sys_close(controlling);
  return TERMINAL_APART;
}

/* Of another terminal it cannot be asked. */
bool terminal_is_controlling(int descriptor) {
  int group;
  return sys_ioctl(descriptor, TIOCGPGRP, &group) == 0;
}

uint64_t terminal_device(int directory, const char *path) {
  struct statx status;
  if (raw_syscall5(SYS_statx, directory, path, AT_EMPTY_PATH, STATX_TYPE, &status) != 0) return 0;
  return (uint64_t)status.stx_rdev_major << 32 | status.stx_rdev_minor;
}

static int find_sized(void) {
  for (int descriptor = 0; descriptor < 3; descriptor++)
    if (terminal_is_one(descriptor)) return descriptor;
  return -1;
}

static int open_pair(struct terminal *terminal) {
  const int unlocked = 0;
  terminal->master = sys_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (terminal->master < 0) return terminal->master;
  int result = sys_ioctl(terminal->master, TIOCSPTLCK, &unlocked);
  if (result == 0) result = (int)raw_syscall3(SYS_ioctl, terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (result < 0) {
    sys_close(terminal->master);
    return result;
  }
  terminal->slave = result;
  terminal->device = terminal_device(result, "");
  return 0;
}

int terminal_open(struct terminal *terminal, enum terminal_kind kind) {
  terminal->apart = kind == TERMINAL_APART;
  terminal->user = terminal_is_one(0) ? 0 : -1;
  if (terminal->apart) terminal->user = open_controlling();
  terminal->sized = terminal->apart ? terminal->user : find_sized();
  terminal->raw = false;
  terminal->guardian = -1;
  const int failed = terminal->apart && terminal->user < 0 ? terminal->user : open_pair(terminal);
  if (failed) {
    if (terminal->apart && terminal->user >= 0) sys_close(terminal->user);
    return failed;
  }
  terminal->used = true;
  struct termios2 modes;
  /* In the background the modes are another job's, such as a shell's that edits a line: then the kernel's own are
   * right. */
  terminal->modes_due = terminal->user >= 0 && !terminal_is_foreground(terminal) &&
                        sys_ioctl(terminal->slave, TCGETS2, &terminal->made) == 0;
  if (terminal->user >= 0 && !terminal->modes_due && sys_ioctl(terminal->user, TCGETS2, &modes) == 0)
    sys_ioctl(terminal->slave, TCSETS2, &modes);
  terminal_copy_size(terminal);
  if (terminal->user >= 0 && !terminal->apart) guardian_start(terminal);
  return 0;
}

bool terminal_is_foreground(const struct terminal *terminal) {
  int group;
  if (sys_ioctl(terminal->user, TIOCGPGRP, &group) != 0) return true;
  return group == (int)raw_syscall1(SYS_getpgid, 0);
}

struct termios2 terminal_raw_modes(struct termios2 modes) {
  modes.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  modes.c_oflag &= ~(tcflag_t)OPOST;
  modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  modes.c_cflag = (modes.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  return modes;
}

/* Asked through the master, these are the slave's. */
bool terminal_program_modes(const struct terminal *terminal, struct termios2 *modes) {
  return terminal->master >= 0 && sys_ioctl(terminal->master, TCGETS2, modes) == 0;
}

static struct termios2 modes_to_set(const struct terminal *terminal) {
  struct termios2 modes = terminal_raw_modes(terminal->saved), program = modes;
  if (!terminal->apart || !terminal_program_modes(terminal, &program)) return modes;
  modes.c_oflag = program.c_oflag;
  modes.c_lflag |= program.c_lflag & (tcflag_t)ISIG;
  modes.c_cc[VINTR] = program.c_cc[VINTR];
  modes.c_cc[VQUIT] = program.c_cc[VQUIT];
  modes.c_cc[VSUSP] = program.c_cc[VSUSP];
  return modes;
}

/* What was begun in the background finds the modes of the job that it then becomes. */
static void pass_on_modes(struct terminal *terminal) {
  struct termios2 modes;
  if (!terminal->modes_due) return;
  terminal->modes_due = false;
  if (terminal_program_modes(terminal, &modes) && memcmp(&modes, &terminal->made, sizeof modes) == 0)
    sys_ioctl(terminal->master, TCSETS2, &terminal->saved);
}

/* The guardian of a terminal that is apart begins when it is needed: few programs open it. */
void terminal_make_raw(struct terminal *terminal) {
  if (terminal->raw || sys_ioctl(terminal->user, TCGETS2, &terminal->saved) != 0) return;
  if (terminal->apart && terminal->guardian < 0) guardian_start(terminal);
  pass_on_modes(terminal);
  terminal->set = modes_to_set(terminal);
  guardian_tell_raw(terminal);
  sys_ioctl(terminal->user, TCSETS2, &terminal->set);
  terminal->raw = true;
}

void terminal_follow_modes(struct terminal *terminal) {
  if (!terminal->raw || !terminal->apart) return;
  const struct termios2 modes = modes_to_set(terminal);
  if (modes.c_oflag == terminal->set.c_oflag && modes.c_lflag == terminal->set.c_lflag &&
      memcmp(modes.c_cc, terminal->set.c_cc, sizeof modes.c_cc) == 0)
    return;
  terminal->set = modes;
  sys_ioctl(terminal->user, TCSETS2, &terminal->set);
}

bool terminal_adds_returns(const struct terminal *terminal) {
  struct termios2 modes;
  return sys_ioctl(terminal->user, TCGETS2, &modes) == 0 && (modes.c_oflag & OPOST) != 0 &&
         (modes.c_oflag & ONLCR) != 0;
}

void terminal_let_go(struct terminal *terminal) {
  sys_close(terminal->slave);
  terminal->slave = -1;
}

/* The master is hung up while nobody has the other end open, and no longer when somebody opens it. */
bool terminal_is_in_use(const struct terminal *terminal, bool *readable) {
  struct pollfd master = {.fd = terminal->master, .events = POLLIN};
  *readable = false;
  if (terminal->master < 0 || sys_poll(&master, 1, 0) < 0) return false;
  *readable = (master.revents & POLLIN) != 0;
  return (master.revents & POLLHUP) == 0;
}

/* In the background too: the foreground job was not asked, but raw modes serve no job. */
void terminal_restore(struct terminal *terminal) {
  if (!terminal->raw) return;
  sys_ioctl(terminal->user, TCSETS2, &terminal->saved);
  terminal->raw = false;
  guardian_tell_restored(terminal);
}

void terminal_copy_size(const struct terminal *terminal) {
  struct window_size size;
  if (terminal->master >= 0 && terminal->sized >= 0 && sys_ioctl(terminal->sized, TIOCGWINSZ, &size) == 0)
    sys_ioctl(terminal->master, TIOCSWINSZ, &size);
}

void terminal_hang_up(struct terminal *terminal) {
  if (terminal->master < 0) return;
  sys_close(terminal->master);
  if (terminal->slave >= 0) sys_close(terminal->slave);
  terminal->master = terminal->slave = -1;
}

static uint64_t signal_of(const struct termios2 *modes, unsigned char byte) {
  if (byte == 0 || (modes->c_lflag & ISIG) == 0) return 0;
  if (byte == modes->c_cc[VINTR]) return signal_bit(SIGINT);
  if (byte == modes->c_cc[VQUIT]) return signal_bit(SIGQUIT);
  return byte == modes->c_cc[VSUSP] ? signal_bit(SIGTSTP) : 0;
}

static bool quotes(const struct termios2 *modes, unsigned char byte) {
  return byte != 0 && byte == modes->c_cc[VLNEXT] && (modes->c_lflag & ICANON) != 0 && (modes->c_lflag & IEXTEN) != 0;
}

uint64_t terminal_signals_of(const struct termios2 *modes, const unsigned char *bytes, size_t size, bool *quoted) {
  uint64_t signals = 0;
  for (size_t i = 0; i < size; i++) {
    const bool literal = *quoted;
    *quoted = !literal && quotes(modes, bytes[i]);
    if (!literal) signals |= signal_of(modes, bytes[i]);
  }
  return signals;
}

bool terminal_stops_writers(const struct terminal *terminal) {
  struct termios2 modes;
  return terminal->user >= 0 && sys_ioctl(terminal->user, TCGETS2, &modes) == 0 && (modes.c_lflag & TOSTOP) != 0;
}

int terminal_foreground_group(const struct terminal *terminal) {
  int group = 0;
  return terminal->master >= 0 && sys_ioctl(terminal->master, TIOCGPGRP, &group) == 0 ? group : 0;
}

int terminal_end_of_input(const struct terminal *terminal) {
  struct termios2 modes;
  if (!terminal_program_modes(terminal, &modes) || modes.c_cc[VEOF] == 0) return -1;
  return modes.c_cc[VEOF];
}
