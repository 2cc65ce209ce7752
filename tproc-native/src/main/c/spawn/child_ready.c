/*
 * The program that waits in tproc_ready. It has run, so its signals, its descriptors and its threads are its own: what
 * it has set up stays, where a start does not ask for something else.
 *
 * THE CHILD, as child.c: the code is the host's, the process and its thread pointer are the program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/raw_syscall.h"
#include "spawn/child_steps.h"

#define CHILD_CODE static __attribute__((FOREIGN_THREAD_POINTER))

#define STDIO_COUNT 3

/* 32 and 33 are the C library's own, between threads, and it waits for them (setuid, pthread_cancel). */
#define LIBC_SIGNALS (3ull << 31)

CHILD_STEP_CODE long child_identify(int descriptor, struct child_link_identity *identity) {
  struct stat status;
  status.st_dev = 0;
  status.st_ino = 0;
  const long result = raw_syscall2(SYS_fstat, descriptor, &status);
  if (result < 0) return result;
  identity->device = status.st_dev;
  identity->inode = status.st_ino;
  return 0;
}

CHILD_CODE uint64_t set_blocked_signals(uint64_t blocked) {
  uint64_t before = 0;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, &before, sizeof blocked);
  return before;
}

/* It may have closed its socket, and have something else there. Its host sees the end of the socket. */
CHILD_CODE void check_link(struct child_plan *plan) {
  struct child_link_identity now;
  if (child_identify(plan->link, &now) == 0 && now.device == plan->link_identity.device &&
      now.inode == plan->link_identity.inode)
    return;
  child_give_up_at(plan, CHILD_STEP_PLACE_DESCRIPTORS, plan->link, -EBADF);
}

/* What it has opened itself is not overwritten, and not closed either. */
CHILD_CODE void check_places(struct child_plan *plan) {
  for (size_t i = 0; i < plan->received_count; i++) {
    const int number = plan->places[i].number;
    if (number >= STDIO_COUNT && raw_syscall3(SYS_fcntl, number, F_GETFD, 0) != -EBADF)
      child_give_up_at(plan, CHILD_STEP_PLACE_DESCRIPTORS, number, -EBUSY);
  }
}

/* Their numbers are any that were free; then none is one of those that are wanted. */
CHILD_CODE void receive_descriptors(struct child_plan *plan) {
  union child_packet packet;
  const int *const numbers = (const int *)(packet.room + CMSG_LEN(0));
  child_allow_descriptors(plan);
  for (size_t got = 0; got < plan->received_count;) {
    const size_t count = child_receive_packet(plan, plan->link, &packet);
    for (size_t i = 0; i < count && got < plan->received_count; i++) plan->places[got++].received = numbers[i];
  }
  for (size_t i = 0; i < plan->received_count; i++) {
    struct child_place *place = &plan->places[i];
    if (place->received >= plan->places_end) continue;
    const long moved = raw_syscall3(SYS_fcntl, place->received, F_DUPFD_CLOEXEC, plan->places_end);
    if (moved < 0) child_give_up_at(plan, CHILD_STEP_PLACE_DESCRIPTORS, place->number, moved);
    raw_syscall1(SYS_close, place->received);
    place->received = (int)moved;
  }
}

/* dup3 with flags 0 leaves close-on-exec clear. */
CHILD_CODE void place_descriptors(struct child_plan *plan) {
  unsigned given = 0;
  for (size_t i = 0; i < plan->received_count; i++) {
    const struct child_place *place = &plan->places[i];
    if (place->number >= 0) {
      const long result = raw_syscall3(SYS_dup3, place->received, place->number, 0);
      if (result < 0) child_give_up_at(plan, CHILD_STEP_PLACE_DESCRIPTORS, place->number, result);
      if (place->number < STDIO_COUNT) given |= 1u << place->number;
    }
    raw_syscall1(SYS_close, place->received);
  }
  for (int number = 0; number < STDIO_COUNT; number++)
    if ((given & 1u << number) == 0) raw_syscall1(SYS_close, number);
}

/* Their places are counted as the descriptors of a new process are (CHILD_FIRST_RECEIVED). */
CHILD_CODE int received_as(const struct child_plan *plan, int number) {
  return plan->places[number - CHILD_FIRST_RECEIVED].received;
}

CHILD_CODE void take_descriptors(struct child_plan *plan) {
  check_places(plan);
  receive_descriptors(plan);
  const long result = raw_syscall1(SYS_fchdir, received_as(plan, plan->directory));
  if (result < 0) child_give_up(plan, CHILD_STEP_DIRECTORY, result);
  if (plan->terminal != 0) child_take_terminal(plan, received_as(plan, plan->terminal));
  place_descriptors(plan);
}

/*
 * What it has set itself stays set, as if it had done so after the start, and a signal that it has blocked itself stays
 * blocked; but what the start ignores is ignored.
 */
CHILD_STEP_CODE uint64_t child_ready(void *argument) {
  struct child_plan *plan = argument;
  const uint64_t blocked = set_blocked_signals(~LIBC_SIGNALS);
  check_link(plan);
  child_await_release(plan, plan->link);
  child_join_group(plan);
  child_open_session(plan);
  child_forget_signals(plan, ~LIBC_SIGNALS);
  take_descriptors(plan);
  child_take_attributes(plan);

  const uint64_t vector = plan->vector;
  const uint64_t blocked_by_start = plan->blocked_signals;
  const int link = plan->link;
  child_begin_to_run(plan);
  child_say_ready(link);
  raw_syscall1(SYS_close, link);
  set_blocked_signals(blocked | blocked_by_start);
  return vector;
}
