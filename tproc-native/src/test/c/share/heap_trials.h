/* The trials of heap and locks: what happens when a process dies, or stands still, at any instruction. */
#ifndef TPROC_TEST_HEAP_TRIALS_H
#define TPROC_TEST_HEAP_TRIALS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trial {
  uint64_t instructions; /**< at which a process was killed, or held */
  uint64_t checks;       /**< times that the survivors worked on */
  uint64_t failures;
  char first[400]; /**< what the first failure was */
};

/** Why instructions cannot be stepped through here; NULL: they can. */
const char *cannot_step(void);

/** Who may own only so much. */
enum limited { LIMITED_NOBODY, LIMITED_VICTIM, LIMITED_OTHER };

/** A process does all there is to do with the heap, also to another's blocks, and is killed at each instruction of it.
 */
struct trial kill_at_every_instruction(enum limited whose);

/** A process locks, waits and signals, and is killed at each instruction; no process waits for it afterwards. */
struct trial kill_with_locks(void);

/** A process arrives at a barrier, gives up and leaves, and is killed at each instruction; the rounds go on. */
struct trial kill_with_barrier(void);

enum preemption {
  PREEMPT_CLAIM,   /**< both claim slices, and one takes a large block */
  PREEMPT_ADOPT,   /**< both adopt */
  PREEMPT_RELEASE, /**< both give slices back and claim */
  PREEMPT_FREE,    /**< both free and give blocks of one slice */
  PREEMPT_LARGE,   /**< both allocate and free large blocks */
  PREEMPT_DETACH,  /**< both end their thread and begin another */
  PREEMPTIONS
};

/** A process stands still at each instruction, another does all of its work, and the first is killed. */
struct trial preempt_and_kill(enum preemption what);

/**
 * A process is stopped after k instructions, another does all of its work, and the first goes on to its end.
 *
 * @param first the first k
 * @param stride from one k to the next; each is a run of its own
 */
struct trial preempt_and_go_on(enum preemption what, uint64_t first, uint64_t stride);

/** A process publishes, finds and withdraws names, and is killed at each instruction. */
struct trial kill_with_registry(void);

enum board_race {
  RACE_PUBLISH,  /**< both publish one name */
  RACE_WITHDRAW, /**< and the first withdraws it, and publishes it again */
  BOARD_RACES
};

/** A process is stopped after k instructions, another wants the same name, and the first goes on. As
 * preempt_and_go_on. */
struct trial race_for_a_name(enum board_race what, uint64_t first, uint64_t stride);

/** A process opens channels, sends, receives, closes and makes one, and is killed at each instruction. */
struct trial kill_with_channels(void);

/**
 * A sender has filled a queue that is for one at a time, another takes its place and stands still after k instructions
 * of sending, some are received, and it goes on: for each k, and each number of messages.
 *
 * @param one_receiver whether the queue is for one of these, too
 */
struct trial take_over_while_room_comes(bool one_receiver);

/** A process fills arenas and sends them, and is killed at each instruction: a graph is received whole, or is gone. */
struct trial kill_with_arenas(void);

/** Processes send blocks to each other through a channel; one after the other is killed. */
struct trial channel_torture(unsigned kills, unsigned workers, uint64_t seed);

/** Workers allocate, free and hand blocks over; one after the other is killed. @param kills how many */
struct trial torture(unsigned kills, unsigned workers, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
