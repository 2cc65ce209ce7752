#include "server/discard.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct discarded {
  struct detached_work work;
  struct frame frame;
  int socket;
};

static void release(struct frame *frame, int socket) {
  frame_release(frame);
  if (socket >= 0) close(socket);
}

static void work_discard(struct detached_work *work) {
  struct discarded *discarded = (struct discarded *)work;
  release(&discarded->frame, discarded->socket);
  free(discarded);
}

/* What a client has sent and the host has not read may hold descriptors: closing the socket closes them. */
static bool has_unread(int socket) {
  int unread = 0;
  return socket >= 0 && ioctl(socket, FIONREAD, &unread) == 0 && unread > 0;
}

void discard(struct detached_workers *closers, struct frame *frame, int socket) {
  const bool may_block = frame->descriptor_count > 0 || has_unread(socket);
  struct discarded *discarded = may_block ? calloc(1, sizeof *discarded) : NULL;
  if (discarded == NULL) {
    release(frame, socket);
    return;
  }
  frame_release_payload(frame); /* now: the closer may outlive the server, whose budget it is */
  *discarded = (struct discarded){.work.run = work_discard, .frame = *frame, .socket = socket};
  discarded->frame.budget = NULL;
  *frame = (struct frame){.budget = frame->budget};
  detached_workers_submit(closers, &discarded->work);
}

void discard_socket(struct detached_workers *closers, int socket) {
  struct frame none = {0};
  discard(closers, &none, socket);
}
