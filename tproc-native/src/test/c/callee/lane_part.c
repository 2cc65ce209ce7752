#include "callee/lane_part.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lane.h"

#define STACK_SIZE 4096

struct lane *lane_part_make(void) {
  const size_t size = sizeof(struct lane) + STACK_SIZE;
  struct lane *lane = aligned_alloc(128, size);
  if (lane == NULL) return NULL;
  memset(lane, 0, size);
  lane->top = (uintptr_t)(lane + 1);
  lane->end = (uintptr_t)lane + size;
  return lane;
}

void lane_part_free(struct lane *lane) { free(lane); }

uint32_t lane_part_turn(const struct lane *lane) { return atomic_load(&lane->turn); }

bool lane_part_post(struct lane *lane, uint32_t turn) {
  if ((atomic_exchange(&lane->turn, turn) & TURN_WAITING) == 0) return false;
  syscall(SYS_futex, &lane->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
  return true;
}

void lane_part_await(const struct lane *lane, uint32_t turn) {
  while (atomic_load(&lane->turn) != turn) sched_yield();
}

void lane_part_set_processors(struct lane *lane, uint32_t host, uint32_t callee) {
  atomic_store(&lane->host_processor, host);
  atomic_store(&lane->callee_processor, callee);
}

struct lane_learnt lane_part_learnt(const struct lane *lane) {
  return (struct lane_learnt){lane->spin, lane->together, lane->patience, atomic_load(&lane->callee_processor)};
}

uint32_t lane_part_wait(struct lane *lane) { return lane_wait(lane); }
void lane_part_answer(struct lane *lane, uint32_t turn) { lane_post(lane, (enum turn)turn); }
void lane_part_set_spin_limit(uint64_t nanoseconds) { lane_set_spin_limit(nanoseconds); }

const char *lane_part_fail(struct lane *lane, const char *text, uint64_t room) {
  lane->frame = lane->end - room;
  lane_fail(lane, "%s", text);
  return lane_pointer(lane->frame);
}

bool lane_part_failed(const struct lane *lane) { return lane->failed == 1; }
