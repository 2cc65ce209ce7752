/*
 * The registry: names of what is shared. A publisher takes an entry, fills it, and is LIVE with one compare-and-swap of
 * the entry's state; a reader looks at the state before and afterwards. No lock: of several who publish one name at a
 * time, one comes through.
 */
#ifndef TPROC_SRC_SHARED_BOARD_H
#define TPROC_SRC_SHARED_BOARD_H

#include <sys/types.h>

#include "view.h"

#pragma GCC visibility push(hidden)

#define TPROC_BOARD_NAME_SIZE sizeof(((struct tproc_board_entry *)0)->name)
#define TPROC_BOARD_TYPE_SIZE sizeof(((struct tproc_board_entry *)0)->type)

/** A publication, as it was read. */
struct tproc_publication {
  uint64_t id; /**< of this publication, and of no other; never 0 */
  uint64_t address;
  uint64_t size;
  pid_t pid;
  uint32_t version;
  uint32_t flags; /**< TPROC_BOARD_KEPT */
  bool ended;
  uint32_t status; /**< once it has ended: the owner's exit status, or 256 + the signal */
  char name[TPROC_BOARD_NAME_SIZE];
  char type[TPROC_BOARD_TYPE_SIZE];
};

/**
 * Publishes what `what` says, which is not changed but for its id. An entry of this name that has ended makes room.
 *
 * @param owner whose end is the publication's
 * @return 0; EINVAL (the name is empty, or name or type have no NUL), EEXIST (a living one has the name), ENOSPC
 */
int tproc_board_publish(const struct tproc_view *view, struct tproc_publication *what, uint32_t owner);

/** Of a living publication of a name, or else of one that has ended. @return whether there is one */
bool tproc_board_find(const struct tproc_view *view, const char *name, struct tproc_publication *found);

/** Reads the publication with an id. @return false when it is no more */
bool tproc_board_read(const struct tproc_view *view, uint64_t id, struct tproc_publication *found);

/** The first publication after a place, which moves on to it. Begins with 0. @return false when there is none */
bool tproc_board_next(const struct tproc_view *view, uint32_t *place, struct tproc_publication *found);

/**
 * Takes a publication back.
 *
 * @param pid whose it has to be; 0: any. One that has ended may be of any process.
 * @return 0; ESTALE when it is no more, EPERM when it is another's
 */
int tproc_board_withdraw(const struct tproc_view *view, uint64_t id, pid_t pid);

/** The reaper's: nothing of an owner is published any more. @return how many entries have changed */
uint32_t tproc_board_bury_owner(const struct tproc_view *view, uint32_t owner, uint32_t status);

#pragma GCC visibility pop

#endif
