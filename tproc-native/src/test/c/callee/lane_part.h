/* A lane for tests, which play the host: what C++ cannot read of lane.h. */
#ifndef TPROC_TEST_LANE_PART_H
#define TPROC_TEST_LANE_PART_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lane;

struct lane_learnt {
  uint64_t spin;
  uint32_t together;
  uint32_t patience;
  uint32_t callee_processor;
};

/** One whose turn is the host's. @return NULL: no memory */
struct lane *lane_part_make(void);
void lane_part_free(struct lane *lane);

/** The turn with the bit that says that the other side sleeps. */
uint32_t lane_part_turn(const struct lane *lane);

/** As the host passes it on: wakes the callee when it sleeps. @return whether it did */
bool lane_part_post(struct lane *lane, uint32_t turn);

/** Waits without sleeping until the turn is that, bit and all. */
void lane_part_await(const struct lane *lane, uint32_t turn);

void lane_part_set_processors(struct lane *lane, uint32_t host, uint32_t callee);
struct lane_learnt lane_part_learnt(const struct lane *lane);

/** lane_wait. */
uint32_t lane_part_wait(struct lane *lane);
/** lane_post. */
void lane_part_answer(struct lane *lane, uint32_t turn);
void lane_part_set_spin_limit(uint64_t nanoseconds);

/** lane_fail with a text, in the lane's short frame or in its last `room` bytes. @return the text */
const char *lane_part_fail(struct lane *lane, const char *text, uint64_t room);
bool lane_part_failed(const struct lane *lane);

#ifdef __cplusplus
}
#endif

#endif
