/*
 * Entries that read what another one is about to overwrite have to go first. Where these form a cycle, one number is
 * saved aside. The cycles are done first, because only then a number is surely free for that. An entry that also reads
 * what a cycle has moved finds it where the cycle has put it.
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
  size_t origin;  /* the other entry whose number is the source; NONE */
  size_t moved;   /* for an entry of a cycle that is done: the entry at which its old content now is; NONE */
  size_t waiting; /* entries not yet done that read this one's number */
  size_t walk;    /* the last search for a cycle that came along here */
  bool done;
};

struct step_plan {
  struct move *moves;
  size_t count;
  struct descriptor_steps *made;
};

static void add(struct step_plan *plan, enum descriptor_action action, unsigned from, unsigned to) {
  plan->made->steps[plan->made->count++] = (struct descriptor_step){.action = action, .from = from, .to = to};
}

static void copy(struct step_plan *plan, int from, int to) { add(plan, DESCRIPTOR_COPY, (unsigned)from, (unsigned)to); }

static int by_number(const void *left, const void *right) {
  const int a = ((const struct move *)left)->number, b = ((const struct move *)right)->number;
  return (a > b) - (a < b);
}

static int by_value(const void *left, const void *right) {
  const int a = *(const int *)left, b = *(const int *)right;
  return (a > b) - (a < b);
}

static int sort_moves(struct step_plan *plan, struct tproc_error *error) {
  qsort(plan->moves, plan->count, sizeof *plan->moves, by_number);
  for (size_t i = 1; i < plan->count; i++)
    if (plan->moves[i].number == plan->moves[i - 1].number)
      return tproc_fail_because(error, EINVAL, "descriptor %d is wanted twice", plan->moves[i].number);
  return 0;
}

/* What is in place already depends on no other entry, and is never overwritten. */
static void link_moves(struct step_plan *plan) {
  for (size_t i = 0; i < plan->count; i++) {
    struct move *move = &plan->moves[i];
    move->origin = move->moved = NONE;
    if (move->number == move->source) {
      move->done = true;
      add(plan, DESCRIPTOR_KEEP, (unsigned)move->number, (unsigned)move->number);
      continue;
    }
    const struct move key = {.number = move->source};
    const struct move *origin = bsearch(&key, plan->moves, plan->count, sizeof *plan->moves, by_number);
    if (origin != NULL && origin->source != origin->number) move->origin = (size_t)(origin - plan->moves);
  }
}

static int lowest_that_is_no_source(const struct step_plan *plan, int *room) {
  for (size_t i = 0; i < plan->count; i++) room[i] = plan->moves[i].source;
  qsort(room, plan->count, sizeof *room, by_value);
  int lowest = 0;
  for (size_t i = 0; i < plan->count && room[i] <= lowest; i++)
    if (room[i] == lowest) lowest++;
  return lowest;
}

static void rotate(struct step_plan *plan, size_t first, int aside) {
  struct move *moves = plan->moves;
  copy(plan, moves[first].number, aside);
  size_t at = first;
  for (;;) {
    const size_t origin = moves[at].origin;
    copy(plan, origin == first ? aside : moves[at].source, moves[at].number);
    moves[at].done = true;
    moves[origin].moved = at;
    if (origin == first) return;
    at = origin;
  }
}

static void do_cycles(struct step_plan *plan, int aside) {
  for (size_t i = 0; i < plan->count; i++) {
    size_t at = i;
    while (at != NONE && !plan->moves[at].done && plan->moves[at].walk == 0) {
      plan->moves[at].walk = i + 1;
      at = plan->moves[at].origin;
    }
    if (at != NONE && !plan->moves[at].done && plan->moves[at].walk == i + 1) rotate(plan, at, aside);
  }
}

/* Those that read what a cycle has moved depend on no other entry any more. */
static void redirect(struct step_plan *plan) {
  for (size_t i = 0; i < plan->count; i++) {
    struct move *move = &plan->moves[i];
    if (move->done || move->origin == NONE) continue;
    const struct move *origin = &plan->moves[move->origin];
    if (origin->moved != NONE) {
      move->source = plan->moves[origin->moved].number;
      move->origin = NONE;
    } else {
      plan->moves[move->origin].waiting++;
    }
  }
}

/* From the ends of the chains, whose numbers no entry reads, to their beginnings. */
static void do_chains(struct step_plan *plan) {
  for (size_t i = 0; i < plan->count; i++) {
    size_t at = i;
    while (at != NONE && !plan->moves[at].done && plan->moves[at].waiting == 0) {
      struct move *move = &plan->moves[at];
      copy(plan, move->source, move->number);
      move->done = true;
      at = move->origin;
      if (at != NONE) plan->moves[at].waiting--;
    }
  }
}

static void close_others(struct step_plan *plan) {
  unsigned from = 0;
  for (size_t i = 0; i < plan->count; i++) {
    const unsigned number = (unsigned)plan->moves[i].number;
    if (number > from) add(plan, DESCRIPTOR_CLOSE, from, number - 1);
    from = number + 1;
  }
  add(plan, DESCRIPTOR_CLOSE, from, ~0u);
}

static int make_steps(struct step_plan *plan, int *room, struct tproc_error *error) {
  const int failed = sort_moves(plan, error);
  if (failed) return failed;
  link_moves(plan);
  do_cycles(plan, lowest_that_is_no_source(plan, room));
  redirect(plan);
  do_chains(plan);
  close_others(plan);
  return 0;
}

int descriptor_steps_make(const struct tproc_descriptor *wanted, size_t count, struct descriptor_steps *made,
                          struct tproc_error *error) {
  /* At most a step for each, another for each cycle (which has two at least), and one to close below each. */
  made->steps = calloc(3 * count + 1, sizeof *made->steps);
  made->count = 0;
  struct step_plan plan = {.moves = calloc(count + 1, sizeof *plan.moves), .count = count, .made = made};
  int *sources = calloc(count + 1, sizeof *sources);
  int failed = 0;
  if (made->steps == NULL || plan.moves == NULL || sources == NULL) {
    failed = tproc_fail(error, ENOMEM, "place %zu descriptors", count);
  } else {
    for (size_t i = 0; i < count; i++)
      plan.moves[i] = (struct move){.number = wanted[i].number, .source = wanted[i].source};
    failed = make_steps(&plan, sources, error);
  }
  free(sources);
  free(plan.moves);
  if (failed) descriptor_steps_release(made);
  return failed;
}

void descriptor_steps_release(struct descriptor_steps *made) {
  free(made->steps);
  made->steps = NULL;
  made->count = 0;
}
