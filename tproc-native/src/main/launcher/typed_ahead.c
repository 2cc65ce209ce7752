#include "typed_ahead.h"

#include <asm/ioctls.h>

#include "system.h"

/* A terminal keeps 4095 bytes, and the relay a buffer. */
#define ROOM (3 * 4096)

struct typed_ahead {
  size_t size;
  unsigned char bytes[ROOM];
};

/* Also a privileged launcher keeps to it: among what is put back may be what the program has typed itself. */
static bool may_put_back(void) {
  char value = '1';
  const int file = sys_open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY | O_CLOEXEC);
  if (file < 0) return true; /* before Linux 6.2 */
  const long got = sys_read(file, &value, 1);
  sys_close(file);
  return got != 1 || value != '0';
}

/* What the modes of the user's terminal would have made of a byte that was read as it came. */
static unsigned char as_typed(const struct terminal *terminal, unsigned char byte) {
  if (byte == '\r' && (terminal->saved.c_iflag & ICRNL) != 0) return '\n';
  return byte;
}

static void add(struct typed_ahead *ahead, unsigned char byte) {
  if (ahead->size < sizeof ahead->bytes) ahead->bytes[ahead->size++] = byte;
}

/* What has arrived at the program's terminal. An end of input stands there as a NUL. */
static void take_arrived(const struct terminal *terminal, struct typed_ahead *ahead) {
  struct termios2 modes;
  unsigned char chunk[256];
  if (terminal->slave < 0 || sys_ioctl(terminal->slave, TCGETS2, &modes) != 0) return;
  const bool by_lines = (modes.c_lflag & ICANON) != 0;
  modes = terminal_raw_modes(modes);
  modes.c_cc[VMIN] = 0; /* a read waits for nothing */
  if (sys_ioctl(terminal->slave, TCSETS2, &modes) != 0) return;
  for (long got; (got = sys_read(terminal->slave, chunk, sizeof chunk)) > 0;)
    for (long i = 0; i < got; i++)
      if (chunk[i] != '\0' || !by_lines) add(ahead, chunk[i]);
}

/* What is on its way there, and what waits in the user's terminal: this comes last. */
static void take_rest(const struct relay *relay, struct typed_ahead *ahead) {
  unsigned char chunk[256];
  for (size_t i = relay->typed.start; i < relay->typed.end; i++)
    add(ahead, as_typed(relay->terminal, relay->typed.bytes[i]));
  for (;;) {
    struct pollfd input = {.fd = relay->input, .events = POLLIN};
    if (relay->input < 0 || sys_poll(&input, 1, 0) != 1 || (input.revents & POLLIN) == 0) return;
    if (ahead->size > sizeof ahead->bytes - sizeof chunk) return;
    const long got = sys_read(relay->input, chunk, sizeof chunk);
    if (got <= 0) return;
    for (long i = 0; i < got; i++) add(ahead, as_typed(relay->terminal, chunk[i]));
  }
}

void typed_ahead_put_back(const struct relay *relay) {
  const struct terminal *terminal = relay->terminal;
  struct typed_ahead ahead;
  ahead.size = 0;
  if (terminal->apart || !terminal->raw || terminal->user < 0 || !terminal_is_foreground(terminal)) return;
  if (!terminal_is_controlling(terminal->user) || !may_put_back()) return;
  take_arrived(terminal, &ahead);
  if (ahead.size == 0 && relay->typed.start == relay->typed.end) return; /* the rest is where it belongs */
  take_rest(relay, &ahead);
  for (size_t i = 0; i < ahead.size; i++)
    if (sys_ioctl(terminal->user, TIOCSTI, ahead.bytes + i) != 0) return;
}
