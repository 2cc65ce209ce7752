#include "terminal.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <string.h>

#include "guardian.h"
#include "system.h"

/* struct winsize: the kernel's header that has it fights with the C library's. */
struct window_size {
  uint16_t rows, columns, width, height;
};

bool terminal_is_one(int descriptor) {
  struct termios2 modes;
  return sys_ioctl(descriptor, TCGETS2, &modes) == 0;
}

bool terminal_is_wanted(enum terminal_choice choice) {
  if (choice == TERMINAL_AUTOMATIC) return terminal_is_one(0) && terminal_is_one(1);
  return choice == TERMINAL_ALWAYS;
}

static int find_sized(void) {
  for (int descriptor = 0; descriptor < 3; descriptor++)
    if (terminal_is_one(descriptor)) return descriptor;
  return -1;
}

int terminal_open(struct terminal *terminal) {
  const int unlocked = 0;
  terminal->user = terminal_is_one(0) ? 0 : -1;
  terminal->sized = find_sized();
  terminal->raw = false;
  terminal->guardian = -1;
  terminal->master = sys_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (terminal->master < 0) return terminal->master;
  int result = sys_ioctl(terminal->master, TIOCSPTLCK, &unlocked);
  if (result == 0) result = (int)raw_syscall3(SYS_ioctl, terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (result < 0) {
    sys_close(terminal->master);
    return result;
  }
  terminal->slave = result;
  terminal->used = true;
  struct termios2 modes;
  /* In the background the modes are another job's, such as a shell's that edits a line: then the kernel's own are
   * right. */
  if (terminal->user >= 0 && terminal_is_foreground(terminal) && sys_ioctl(terminal->user, TCGETS2, &modes) == 0)
    sys_ioctl(terminal->slave, TCSETS2, &modes);
  terminal_copy_size(terminal);
  if (terminal->user >= 0) guardian_start(terminal);
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

void terminal_make_raw(struct terminal *terminal) {
  if (terminal->raw || sys_ioctl(terminal->user, TCGETS2, &terminal->saved) != 0) return;
  const struct termios2 modes = terminal_raw_modes(terminal->saved);
  guardian_tell_raw(terminal);
  sys_ioctl(terminal->user, TCSETS2, &modes);
  terminal->raw = true;
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
  sys_close(terminal->slave);
  terminal->master = terminal->slave = -1;
}

/* Asked through the master, these are the slave's. */
static bool program_modes(const struct terminal *terminal, struct termios2 *modes) {
  return terminal->master >= 0 && sys_ioctl(terminal->master, TCGETS2, modes) == 0;
}

bool terminal_is_stop(const struct terminal *terminal, unsigned char byte) {
  struct termios2 modes;
  return byte != 0 && program_modes(terminal, &modes) && (modes.c_lflag & ISIG) != 0 && modes.c_cc[VSUSP] == byte;
}

int terminal_foreground_group(const struct terminal *terminal) {
  int group = 0;
  return terminal->master >= 0 && sys_ioctl(terminal->master, TIOCGPGRP, &group) == 0 ? group : 0;
}

int terminal_end_of_input(const struct terminal *terminal) {
  struct termios2 modes;
  if (!program_modes(terminal, &modes) || modes.c_cc[VEOF] == 0) return -1;
  return modes.c_cc[VEOF];
}
