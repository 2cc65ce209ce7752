/*
 * Entries that read what another one is about to overwrite have to go first. Where these form a cycle, one number is
 * saved aside. The cycles are done before everything else, because only then a number is surely free for that; whoever
 * else wants what a cycle has moved finds it where the cycle has put it.
 */
#include "spawn/descriptor_steps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"

#define NONE SIZE_MAX

/* One wanted descriptor, in the order of their numbers. */
struct move {
  int number, source;
  size_t info;    /* the other entry whose number is the source; NONE */
  size_t moved;   /* for an entry of a cycle that is done: the entry at which its old content now is; NONE */
  size_t waiting; /* entries not yet done that read this one's number */
  size_t walk;    /* the last search for a cycle that came along here */
  bool done;
};

struct work {
  struct move *moves;
  size_t count;
  struct descriptor_steps *made;
};

static void add(struct work *work, enum descriptor_action action, unsigned from, unsigned to) {
  work->made->steps[work->made->count++] = (struct descriptor_step){.action = action, .from = from, .to = to};
}

static void copy(struct work *work, int from, int to) { add(work, DESCRIPTOR_COPY, (unsigned)from, (unsigned)to); }

static int by_number(const void *left, const void *right) {
  const int a = ((const struct move *)left)->number, b = ((const struct move *)right)->number;
  return (a > b) - (a < b);
}

static int by_value(const void *left, const void *right) {
  const int a = *(const int *)left, b = *(const int *)right;
  return (a > b) - (a < b);
}

static int sort_moves(struct work *work, struct tproc_error *error) {
  qsort(work->moves, work->count, sizeof *work->moves, by_number);
  for (size_t i = 1; i < work->count; i++)
    if (work->moves[i].number == work->moves[i - 1].number)
      return tproc_fail_because(error, EINVAL, "descriptor %d is wanted twice", work->moves[i].number);
  return 0;
}

/* What is in place already depends on nobody, and is never overwritten. */
static void link_moves(struct work *work) {
  for (size_t i = 0; i < work->count; i++) {
    struct move *move = &work->moves[i];
    move->info = move->moved = NONE;
    if (move->number == move->source) {
      move->done = true;
      add(work, DESCRIPTOR_KEEP, (unsigned)move->number, (unsigned)move->number);
      continue;
    }
    const struct move key = {.number = move->source};
    const struct move *info = bsearch(&key, work->moves, work->count, sizeof *work->moves, by_number);
    if (info != NULL && info->source != info->number) move->info = (size_t)(info - work->moves);
  }
}

static int lowest_that_is_no_source(const struct work *work, int *room) {
  for (size_t i = 0; i < work->count; i++) room[i] = work->moves[i].source;
  qsort(room, work->count, sizeof *room, by_value);
  int lowest = 0;
  for (size_t i = 0; i < work->count && room[i] <= lowest; i++)
    if (room[i] == lowest) lowest++;
  return lowest;
}

static void rotate(struct work *work, size_t first, int aside) {
  struct move *moves = work->moves;
  copy(work, moves[first].number, aside);
  size_t at = first;
  for (;;) {
    const size_t info = moves[at].info;
    copy(work, info == first ? aside : moves[at].source, moves[at].number);
    moves[at].done = true;
    moves[info].moved = at;
    if (info == first) return;
    at = info;
  }
}

static void do_cycles(struct work *work, int aside) {
  for (size_t i = 0; i < work->count; i++) {
    size_t at = i;
    while (at != NONE && !work->moves[at].done && work->moves[at].walk == 0) {
      work->moves[at].walk = i + 1;
      at = work->moves[at].info;
    }
    if (at != NONE && !work->moves[at].done && work->moves[at].walk == i + 1) rotate(work, at, aside);
  }
}

/* Those that read what a cycle has moved depend on nobody any more. */
static void redirect(struct work *work) {
  for (size_t i = 0; i < work->count; i++) {
    struct move *move = &work->moves[i];
    if (move->done || move->info == NONE) continue;
    const struct move *info = &work->moves[move->info];
    if (info->moved != NONE) {
      move->source = work->moves[info->moved].number;
      move->info = NONE;
    } else {
      work->moves[move->info].waiting++;
    }
  }
}

/* From the ends of the chains, whose numbers nobody reads, to their beginnings. */
static void do_chains(struct work *work) {
  for (size_t i = 0; i < work->count; i++) {
    size_t at = i;
    while (at != NONE && !work->moves[at].done && work->moves[at].waiting == 0) {
      struct move *move = &work->moves[at];
      copy(work, move->source, move->number);
      move->done = true;
      at = move->info;
      if (at != NONE) work->moves[at].waiting--;
    }
  }
}

static void close_others(struct work *work) {
  unsigned from = 0;
  for (size_t i = 0; i < work->count; i++) {
    const unsigned number = (unsigned)work->moves[i].number;
    if (number > from) add(work, DESCRIPTOR_CLOSE, from, number - 1);
    from = number + 1;
  }
  add(work, DESCRIPTOR_CLOSE, from, ~0u);
}

static int make_steps(struct work *work, int *room, struct tproc_error *error) {
  const int failed = sort_moves(work, error);
  if (failed) return failed;
  link_moves(work);
  do_cycles(work, lowest_that_is_no_source(work, room));
  redirect(work);
  do_chains(work);
  close_others(work);
  return 0;
}

int descriptor_steps_make(const struct tproc_descriptor *wanted, size_t count, struct descriptor_steps *made,
                          struct tproc_error *error) {
  /* At most a step for each, another for each cycle (which has two at least), and one to close below each. */
  made->steps = calloc(3 * count + 1, sizeof *made->steps);
  made->count = 0;
  struct work work = {.moves = calloc(count + 1, sizeof *work.moves), .count = count, .made = made};
  int *sources = calloc(count + 1, sizeof *sources);
  int failed = 0;
  if (made->steps == NULL || work.moves == NULL || sources == NULL) {
    failed = tproc_fail(error, ENOMEM, "place %zu descriptors", count);
  } else {
    for (size_t i = 0; i < count; i++)
      work.moves[i] = (struct move){.number = wanted[i].number, .source = wanted[i].source};
    failed = make_steps(&work, sources, error);
  }
  free(sources);
  free(work.moves);
  if (failed) descriptor_steps_release(made);
  return failed;
}

void descriptor_steps_release(struct descriptor_steps *made) {
  free(made->steps);
  made->steps = NULL;
  made->count = 0;
}
