#include "relay.h"

#include <errno.h>
#include <sys/epoll.h>

#include "message.h"
#include "system.h"

enum { INPUT, MASTER, OUTPUT };

/* More than a pty holds on its way: what the program has written before its end is in the first so many bytes. */
#define DRAINED_MAX (256u << 10)

/* How often to look at what the kernel does not tell of: who is in the foreground, who opens /dev/tty. */
#define LOOK_MILLISECONDS 250
#define LOOK_CLOSELY_MILLISECONDS 5
#define LOOK_CLOSELY_FOR 500

/*
 * The user's descriptors are shared with the shell and other programs, so they must not become non-blocking. A terminal
 * opened once more gives a description of our own; where that fails (another user's terminal, no /proc) a write may
 * block as long as that terminal does. What is no terminal takes a buffer when poll says that it is writable.
 */
static int own_description(int descriptor, int mode) {
  if (!terminal_is_one(descriptor)) return -1;
  char path[14 + NUMBER_SIZE];
  number_text(descriptor, put_text(path, "/proc/self/fd/"));
  return sys_open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* The master is hung up most of the time, so only its news are waited for. */
static int watch_master(int master) {
  const int watch = (int)raw_syscall1(SYS_epoll_create1, EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  if (watch >= 0) raw_syscall4(SYS_epoll_ctl, watch, EPOLL_CTL_ADD, master, &event);
  return watch;
}

void relay_start(struct relay *relay, struct terminal *terminal) {
  const bool apart = terminal->apart;
  const int input = apart ? terminal->user : own_description(0, O_RDONLY);
  const int output = apart ? terminal->user : own_description(1, O_WRONLY);
  relay->terminal = terminal;
  relay->open = !apart;
  relay->watch = apart ? watch_master(terminal->master) : -1;
  relay->look_closely_until = 0;
  if (apart) terminal_let_go(terminal);
  relay->input = input >= 0 ? input : 0;
  relay->output = output >= 0 ? output : 1;
  relay->output_never_blocks = output >= 0;
  relay->foreground = relay->line_begun = relay->held = relay->lets_pass = relay->quoted = false;
  relay->end_bytes = 0;
  relay->typed.start = relay->typed.end = relay->shown.start = relay->shown.end = 0;
  relay_check_foreground(relay);
  relay_look(relay);
}

void relay_check_foreground(struct relay *relay) {
  struct terminal *terminal = relay->terminal;
  if (terminal->user < 0) {
    relay->foreground = true;
    return;
  }
  const bool before = relay->foreground;
  relay->foreground = terminal_is_foreground(terminal);
  if (relay->foreground) relay->lets_pass = false;
  relay->held = !relay->foreground && !relay->lets_pass && !terminal->apart && terminal_stops_writers(terminal);
  if (!relay->foreground || !relay->open) return;
  terminal_make_raw(terminal);
  if (!before) terminal_copy_size(terminal);
}

bool relay_holds_output(const struct relay *relay) {
  bool readable = false;
  if (!relay->held) return false;
  terminal_is_in_use(relay->terminal, &readable);
  return readable || relay->shown.start != relay->shown.end;
}

void relay_show_held(struct relay *relay) {
  relay->lets_pass = true;
  relay->held = false;
}

void relay_look(struct relay *relay) {
  struct terminal *terminal = relay->terminal;
  bool readable;
  if (!terminal->apart) return;
  const bool before = relay->open;
  relay->open = terminal_is_in_use(terminal, &readable);
  if (relay->open || readable || before) relay->look_closely_until = sys_milliseconds() + LOOK_CLOSELY_FOR;
  if (relay->open && !before) relay_check_foreground(relay);
  if (!relay->open && before) {
    terminal_restore(terminal);
    relay->typed.start = relay->typed.end = 0;
  }
  terminal_follow_modes(terminal);
}

long relay_timeout(const struct relay *relay) {
  if (relay->terminal->apart && !relay->open && sys_milliseconds() < relay->look_closely_until)
    return LOOK_CLOSELY_MILLISECONDS;
  return relay->foreground && !relay->terminal->apart ? -1 : LOOK_MILLISECONDS;
}

static bool is_empty(const struct relay_buffer *buffer) { return buffer->start == buffer->end; }

void relay_prepare(const struct relay *relay, struct pollfd entries[RELAY_ENTRIES]) {
  const bool reading = is_empty(&relay->typed) && relay->end_bytes == 0 && relay->foreground && relay->open;
  entries[INPUT].fd = reading && relay->terminal->master >= 0 ? relay->input : -1;
  entries[INPUT].events = POLLIN;
  entries[MASTER].fd = relay->open ? relay->terminal->master : relay->watch;
  entries[MASTER].events = (short)((is_empty(&relay->shown) && !relay->held ? POLLIN : 0) |
                                   (is_empty(&relay->typed) && relay->end_bytes == 0 ? 0 : POLLOUT));
  entries[OUTPUT].fd = is_empty(&relay->shown) || relay->held ? -1 : relay->output;
  entries[OUTPUT].events = POLLOUT;
  for (int i = 0; i < RELAY_ENTRIES; i++) entries[i].revents = 0;
}

/* Bytes read, 0 at the end, or a negative errno. */
static long fill(struct relay_buffer *buffer, int from) {
  const long size = sys_read(from, buffer->bytes, sizeof buffer->bytes);
  buffer->start = 0;
  buffer->end = size > 0 ? (size_t)size : 0;
  return size;
}

/*
 * What the program's terminal has made of a line's end the user's would do once more. A return at the very end of what
 * was read is left as it is: one too many does no harm.
 */
static void drop_returns(struct relay_buffer *buffer) {
  size_t to = buffer->start;
  for (size_t i = buffer->start; i < buffer->end; i++)
    if (buffer->bytes[i] != '\r' || i + 1 == buffer->end || buffer->bytes[i + 1] != '\n')
      buffer->bytes[to++] = buffer->bytes[i];
  buffer->end = to;
}

static long fill_shown(struct relay *relay) {
  const long size = fill(&relay->shown, relay->terminal->master);
  if (size > 0 && relay->terminal->apart && terminal_adds_returns(relay->terminal)) drop_returns(&relay->shown);
  return size;
}

static long empty(struct relay_buffer *buffer, int to) {
  const long size = sys_write(to, buffer->bytes + buffer->start, buffer->end - buffer->start);
  if (size > 0) buffer->start += (size_t)size;
  return size;
}

static bool is_passing(long result) { return result == -EAGAIN || result == -EINTR; }

/* The end of a terminal is a line that broke. The end of a pipe or a file is said as a terminal's user would. */
static void input_ended(struct relay *relay) {
  relay->input = -1;
  if (relay->terminal->user >= 0)
    terminal_hang_up(relay->terminal);
  else
    relay->end_bytes = relay->line_begun ? 2 : 1; /* the first one only ends the line */
}

static void read_input(struct relay *relay) {
  const long size = fill(&relay->typed, relay->input);
  if (size > 0 || is_passing(size)) return;
  /* A background job's read fails like a broken line's. */
  if (relay->terminal->user >= 0 && !terminal_is_foreground(relay->terminal))
    relay->foreground = false;
  else
    input_ended(relay);
}

/* By the modes before: a program may change them for what it gets. */
static uint64_t write_typed(struct relay *relay) {
  struct relay_buffer *typed = &relay->typed;
  struct termios2 modes;
  const bool known = terminal_program_modes(relay->terminal, &modes);
  const size_t start = typed->start;
  if (empty(typed, relay->terminal->master) <= 0) return 0;
  relay->line_begun = typed->bytes[typed->start - 1] != '\n' && typed->bytes[typed->start - 1] != '\r';
  return known ? terminal_signals_of(&modes, typed->bytes + start, typed->start - start, &relay->quoted) : 0;
}

static void write_end(struct relay *relay) {
  const int byte = terminal_end_of_input(relay->terminal);
  const unsigned char end = (unsigned char)byte;
  if (byte < 0 || sys_write(relay->terminal->master, &end, 1) == 1) relay->end_bytes--;
}

static void write_shown(struct relay *relay) {
  const long size = empty(&relay->shown, relay->output);
  if (size > 0 || is_passing(size)) return;
  relay->shown.start = relay->shown.end = 0;
  terminal_hang_up(relay->terminal); /* its output is not read any more */
}

static void forget_news(const struct relay *relay) {
  struct epoll_event event;
  raw_syscall6(SYS_epoll_pwait, relay->watch, (long)&event, 1, 0, 0, SIGNAL_SET_SIZE);
}

static bool is_readable(const struct relay *relay, const struct pollfd entries[RELAY_ENTRIES]) {
  bool readable = (entries[MASTER].revents & POLLIN) != 0;
  if (relay->terminal->apart) terminal_is_in_use(relay->terminal, &readable);
  return readable;
}

uint64_t relay_move(struct relay *relay, const struct pollfd entries[RELAY_ENTRIES]) {
  uint64_t signals = 0;
  if (entries[OUTPUT].revents != 0) write_shown(relay);
  if (relay->terminal->apart) forget_news(relay);
  if (relay->terminal->master >= 0 && is_empty(&relay->shown) && !relay->held && is_readable(relay, entries)) {
    fill_shown(relay);
    if (!is_empty(&relay->shown) && relay->output_never_blocks) write_shown(relay);
  }
  if (entries[INPUT].revents != 0 && relay->input >= 0) read_input(relay);
  if (relay->terminal->master < 0) return 0;
  if (!is_empty(&relay->typed)) {
    signals = write_typed(relay);
  } else if (relay->end_bytes > 0) {
    write_end(relay);
  }
  return signals;
}

static bool wait_for_output(const struct relay *relay, int interrupt) {
  struct pollfd entries[2] = {{.fd = relay->output, .events = POLLOUT}, {.fd = interrupt, .events = POLLIN}};
  while (sys_poll(entries, 2, -1) < 0) continue;
  return entries[1].revents == 0;
}

void relay_drain(struct relay *relay, int interrupt) {
  size_t drained = 0;
  for (;;) {
    if (!is_empty(&relay->shown)) {
      if (!wait_for_output(relay, interrupt)) return;
      write_shown(relay);
      continue;
    }
    if (relay->terminal->master < 0 || drained >= DRAINED_MAX) return;
    const long size = fill_shown(relay);
    if (size == -EINTR) continue;
    if (size <= 0) return;
    drained += (size_t)size;
  }
}
