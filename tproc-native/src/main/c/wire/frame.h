/* A frame that arrives on a socket, in whatever pieces, with its descriptors. */
#ifndef TPROC_FRAME_H
#define TPROC_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "tproc_core.h"
#include "wire/wire.h"

/** What all frames of a server may take together. */
struct frame_budget {
  size_t used; /**< bytes; atomic: workers free frames */
  size_t max;
};

/** @return false, and nothing is taken, when it would be too much */
bool frame_budget_take(struct frame_budget *budget, size_t size);

void frame_budget_return(struct frame_budget *budget, size_t size);

struct frame {
  struct frame_budget *budget; /**< stays when a frame is released; NULL: without a bound */
  struct wire_header header;
  size_t header_got; /**< bytes */
  char *payload;     /**< grows as it arrives, never by what the header says alone */
  size_t got, room;  /**< bytes */
  int *descriptors;  /**< close-on-exec */
  size_t descriptor_count;
};

enum frame_result {
  FRAME_MORE,  /**< not all of it is there yet */
  FRAME_WHOLE, /**< header, payload and descriptors have arrived and are as announced */
  FRAME_END,   /**< the peer has ended the connection */
  FRAME_WRONG  /**< it breaks a rule (EPROTO), or there is no room for it; *error says more */
};

/**
 * Reads what has arrived, without waiting, and nothing beyond the frame: so each descriptor comes with its own frame.
 */
enum frame_result frame_receive(struct frame *frame, int socket, enum wire_sender sender, struct tproc_error *error);

/** Whether a part of a frame has arrived. */
bool frame_has_begun(const struct frame *frame);

/** Frees the payload, which never blocks, and gives it back to the budget. */
void frame_release_payload(struct frame *frame);

/** Frees it all, and closes the descriptors: that may block, when a client has passed a file that does. */
void frame_release(struct frame *frame);

#endif
