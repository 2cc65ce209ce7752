/*
 * Steps that a new process takes, and a program that was prepared and waits in tproc_ready, too. What child.c says of
 * itself holds for all of them.
 */
#ifndef TPROC_CHILD_STEPS_H
#define TPROC_CHILD_STEPS_H

#include <sys/socket.h>

#include "base/descriptor_passing.h"
#include "spawn/child.h"

#define FOREIGN_THREAD_POINTER no_stack_protector, no_sanitize("address", "undefined")
#define CHILD_STEP_CODE __attribute__((FOREIGN_THREAD_POINTER))

#define SIGNAL_COUNT 64

/** @param number the descriptor or the limit that the step was about */
void child_give_up_at(struct child_plan *plan, enum child_step step, int number, long result) __attribute__((noreturn));
void child_give_up(struct child_plan *plan, enum child_step step, long result) __attribute__((noreturn));

/** Which socket a descriptor is. @return 0 or a negative errno */
long child_identify(int descriptor, struct child_link_identity *identity);

/** A prepared child is in a process group of its own meanwhile: what is sent to the host's group is not for it. */
void child_join_group(struct child_plan *plan);
void child_open_session(struct child_plan *plan);

/**
 * Ignores what the start ignores, and forgets what has come meanwhile: it came to none that anybody has started. It is
 * taken, not ignored for a moment: an interval timer goes on when its signal is taken, and other threads may have
 * children.
 *
 * @param forgotten bit n-1: signal n, which is blocked
 */
void child_forget_signals(struct child_plan *plan, uint64_t forgotten);

/** Before descriptors are received: as many as the start gives. */
void child_allow_descriptors(struct child_plan *plan);

/** Descriptors that came together: their numbers are behind the head. */
union child_packet {
  struct cmsghdr head;
  char room[CMSG_SPACE(DESCRIPTORS_PER_PACKET * sizeof(int))];
};

/** @return how many it has */
size_t child_receive_packet(struct child_plan *plan, int socket, union child_packet *packet);

/** Before the descriptors are placed: it need not be among them. It stays the session's when nobody has it open. */
void child_take_terminal(struct child_plan *plan, int terminal);

/** Scheduling, limits and umask. */
void child_take_attributes(struct child_plan *plan);

/** Says that it waits, and waits. First until who has cloned it has taken what was sent through the socket before. */
void child_await_release(struct child_plan *plan, int socket);

/** From here on it is this program that runs, unless who waits for that has given it up. */
void child_begin_to_run(struct child_plan *plan);
void child_say_ready(int socket);

#endif
