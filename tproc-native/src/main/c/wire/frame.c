#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define FIRST_ROOM 4096u

/* How much one call reads: a client that sends without end does not keep the others waiting. */
#define AT_ONCE_MAX (1u << 20)

bool frame_budget_take(struct frame_budget *budget, size_t size) {
  if (budget == NULL) return true;
  if (__atomic_add_fetch(&budget->used, size, __ATOMIC_RELAXED) <= budget->max) return true;
  frame_budget_return(budget, size);
  return false;
}

void frame_budget_return(struct frame_budget *budget, size_t size) {
  if (budget != NULL) __atomic_sub_fetch(&budget->used, size, __ATOMIC_RELAXED);
}

bool frame_has_begun(const struct frame *frame) { return frame->header_got > 0; }

void frame_release_payload(struct frame *frame) {
  free(frame->payload);
  frame_budget_return(frame->budget, frame->room);
  frame->payload = NULL;
  frame->got = frame->room = 0;
}

void frame_release(struct frame *frame) {
  for (size_t i = 0; i < frame->descriptor_count; i++) close(frame->descriptors[i]);
  free(frame->descriptors);
  frame_release_payload(frame);
  *frame = (struct frame){.budget = frame->budget};
}

/* Takes what it can, also those too many: closing one may block, and one that is not noted would never be closed. */
static int take_descriptors(struct frame *frame, const int *received, size_t count, struct tproc_error *error) {
  const size_t total = frame->descriptor_count + count;
  int *grown = realloc(frame->descriptors, total * sizeof *grown);
  if (grown == NULL) {
    for (size_t i = 0; i < count; i++) close(received[i]);
    return tproc_fail(error, ENOMEM, "take %zu descriptors", count);
  }
  memcpy(grown + frame->descriptor_count, received, count * sizeof *grown);
  frame->descriptors = grown;
  frame->descriptor_count = total;
  if (total <= WIRE_DESCRIPTORS_MAX) return 0;
  return tproc_fail_because(error, EPROTO, "a frame with more than %u descriptors", WIRE_DESCRIPTORS_MAX);
}

static int take_control(struct frame *frame, struct msghdr *message, struct tproc_error *error) {
  int failed = 0;
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    int received[WIRE_DESCRIPTORS_PER_MESSAGE];
    size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof *received;
    if (count > WIRE_DESCRIPTORS_PER_MESSAGE) count = WIRE_DESCRIPTORS_PER_MESSAGE; /* the buffer has no more */
    memcpy(received, CMSG_DATA(each), count * sizeof *received);
    const int this_failed = take_descriptors(frame, received, count, failed ? NULL : error);
    if (!failed) failed = this_failed;
  }
  if (!failed && (message->msg_flags & MSG_CTRUNC) != 0)
    failed = tproc_fail(error, EMFILE, "take the descriptors of a frame");
  return failed;
}

/* Bytes read (0: the connection has ended), -EAGAIN when there are none now, or another negative errno and *error. */
static ssize_t receive(struct frame *frame, int socket, void *to, size_t size, struct tproc_error *error) {
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(WIRE_DESCRIPTORS_PER_MESSAGE * sizeof(int))];
  } control;
  struct iovec piece = {to, size};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : 0; /* a reset connection has ended, too */
  const int failed = take_control(frame, &message, error);
  return failed ? failed : got;
}

static int grow(struct frame *frame, struct tproc_error *error) {
  size_t room = frame->room == 0 ? FIRST_ROOM : 2 * frame->room;
  if (room > frame->header.size) room = frame->header.size;
  if (!frame_budget_take(frame->budget, room - frame->room))
    return tproc_fail_because(error, EAGAIN, "the host holds %zu MiB for its clients already",
                              frame->budget->max >> 20);
  char *grown = realloc(frame->payload, room);
  if (grown == NULL) frame_budget_return(frame->budget, room - frame->room);
  if (grown == NULL) return tproc_fail(error, ENOMEM, "take a frame of %u bytes", frame->header.size);
  frame->payload = grown;
  frame->room = room;
  return 0;
}

static int check_header(const struct frame *frame, enum wire_sender sender, struct tproc_error *error) {
  char problem[WIRE_PROBLEM_SIZE] = "";
  if (wire_header_check(&frame->header, sender, problem)) return 0;
  return tproc_fail_because(error, EPROTO, "%s", problem);
}

static int check_descriptors(const struct frame *frame, struct tproc_error *error) {
  if (frame->descriptor_count == frame->header.descriptors) return 0;
  return tproc_fail_because(error, EPROTO, "a frame with %zu descriptors, where %u are announced",
                            frame->descriptor_count, frame->header.descriptors);
}

enum frame_result frame_receive(struct frame *frame, int socket, enum wire_sender sender, struct tproc_error *error) {
  for (size_t read = 0; read < AT_ONCE_MAX;) {
    const bool in_header = frame->header_got < sizeof frame->header;
    if (!in_header && frame->got == frame->room && grow(frame, error) != 0) return FRAME_WRONG;
    char *to = in_header ? (char *)&frame->header + frame->header_got : frame->payload + frame->got;
    const size_t wanted = in_header ? sizeof frame->header - frame->header_got : frame->room - frame->got;
    const ssize_t got = receive(frame, socket, to, wanted, error);
    if (got == -EAGAIN) return FRAME_MORE;
    if (got == 0) return FRAME_END;
    if (got < 0) return FRAME_WRONG;
    read += (size_t)got;
    *(in_header ? &frame->header_got : &frame->got) += (size_t)got;
    if (frame->header_got < sizeof frame->header) continue;
    if (in_header && check_header(frame, sender, error) != 0) return FRAME_WRONG;
    if (frame->descriptor_count > frame->header.descriptors) return check_descriptors(frame, error), FRAME_WRONG;
    if (frame->got == frame->header.size) return check_descriptors(frame, error) == 0 ? FRAME_WHOLE : FRAME_WRONG;
  }
  return FRAME_MORE;
}
