/*
 * A channel's messages: a ring of cells. A claim is made on the cell itself and names its thread, so that what a dead
 * one has left can be told, and mended by the reaper alone. First in, first out, by claim. Nothing here waits or wakes.
 */
#ifndef TPROC_SRC_SHARED_QUEUE_H
#define TPROC_SRC_SHARED_QUEUE_H

#include <stddef.h>

#include "view.h"

#pragma GCC visibility push(hidden)

/** Most cells of a queue. */
#define TPROC_QUEUE_CELLS_MAX (1u << 20)

/** As struct tproc_message of tproc.h. */
struct tproc_parcel {
  void *block; /**< goes with it; NULL: none */
  uint32_t length;
  uint32_t reserved;
  unsigned char data[TPROC_CELL_DATA];
};

/** Who sends or receives: a thread. */
struct tproc_party {
  const struct tproc_view *view;
  uint32_t token;
  uint32_t owner; /**< whose the received blocks are */
  /** Frees a block of this owner. */
  void (*free_block)(const struct tproc_party *party, void *block);
  void *context; /**< for it */
};

/** Whether a queue may have so many cells: a power of two, up to TPROC_QUEUE_CELLS_MAX. */
static inline bool tproc_queue_can_have(uint32_t cells) {
  return cells > 0 && cells <= TPROC_QUEUE_CELLS_MAX && (cells & (cells - 1)) == 0;
}

/** How often one who waits looks before it sleeps: 0 where the other side cannot work meanwhile. */
uint32_t tproc_queue_spins(void);

/** Bytes of a queue. @param cells a power of two */
size_t tproc_queue_size(uint32_t cells);

void tproc_queue_format(struct tproc_queue *queue, uint32_t cells, uint32_t flags, uint32_t spins);

/** Sends. @return 0; EAGAIN: there is no room; EINVAL: too long, or no block is allocated there that is in no channel
 */
int tproc_queue_put(const struct tproc_party *party, struct tproc_queue *queue, const struct tproc_parcel *parcel);

/**
 * Receives.
 *
 * @return 0; EAGAIN: nothing is there, or what is next is being sent; EBADMSG: the block of the message, which is gone
 * with it, was freed by one who did not own it
 */
int tproc_queue_get(const struct tproc_party *party, struct tproc_queue *queue, struct tproc_parcel *parcel);

/** Whether tproc_queue_get would find something. */
bool tproc_queue_has_message(const struct tproc_queue *queue);

/** Whether tproc_queue_put would find room. */
bool tproc_queue_has_room(const struct tproc_queue *queue);

/** The reaper's: what dead threads were about to send or receive is sent or not, and received or not. */
void tproc_queue_mend(const struct tproc_view *view, struct tproc_queue *queue);

/** Frees the blocks that were not received. No end of the channel is open. */
void tproc_queue_drain(const struct tproc_party *party, struct tproc_queue *queue);

#pragma GCC visibility pop

#endif
