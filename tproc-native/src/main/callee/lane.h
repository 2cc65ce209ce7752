/*
 * A lane: memory of the host through which one Java thread at a time calls one thread of the callee, and is called back
 * by it. io.tproc.library.Lane is the other side, and knows the same numbers.
 *
 * One word says whose turn it is. The side that has the turn owns the rest of the lane; the store that passes it on
 * publishes what was written before. A waiter spins, then adds TURN_WAITING to the word and sleeps on it. Passing
 * the turn on exchanges the word, and wakes the other side when that bit was set. So no wake-up can be lost.
 *
 * A side spins longer where that pays or would have paid, and shorter where it does not. On one processor it never
 * does: there neither side spins, and when calls follow each other the callee moves to another one. The numbers of
 * processors are no part of what the turn publishes: each side writes its own while it wakes or is woken, and a stale
 * one only makes the other wait in the wrong way once.
 */
#ifndef TPROC_CALLEE_LANE_H
#define TPROC_CALLEE_LANE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/** Raised with every change of what is in here. The first argument of the callee. */
#define LANE_VERSION 2

enum turn {
  TURN_HOST = 0,     /**< nothing is asked, or the answer is there */
  TURN_CALL = 1,     /**< the callee is to do the operation */
  TURN_CALLBACK = 2, /**< the host is to run a callback; it may also call again before it returns */
  TURN_RETURN = 3,   /**< the callback has returned */
  TURN_DEAD = 4      /**< said by the host only: the callee has ended */
};

/** Added to a turn: the other side sleeps. */
#define TURN_WAITING 0x100u

enum operation {
  OPERATION_CALL = 1,    /**< call function `subject` with the frame */
  OPERATION_OPEN,        /**< dlopen(text at `subject`, flags `size`) */
  OPERATION_SYMBOL,      /**< dlsym(handle `subject`, text at `frame`) */
  OPERATION_PREPARE,     /**< make a function: address `subject`, signature at `frame`, whose frame has `size` bytes */
  OPERATION_THREAD,      /**< start a thread that serves the lane `subject`, with a stack of `size` bytes */
  OPERATION_CLOSURE,     /**< make a function pointer: number `subject`, signature at `frame` of `size` bytes */
  OPERATION_CLOSURE_END, /**< free the one that `subject` names */
  OPERATION_TEXT,        /**< copy text from `subject` to the frame, at most `size` bytes; the result is its length */
  OPERATION_COPY,        /**< copy `size` bytes from `subject` to `target` */
  OPERATION_USAGE,       /**< bytes in use by malloc */
  OPERATION_EXIT         /**< exit(`subject`) */
};

/** So many bytes of a frame travel with the turn. */
#define LANE_SHORT_FRAME 96

/*
 * What a call needs stands in the first cache line, with the result and two arguments, or in the two that processors
 * fetch together: each line more that two processors pass to and fro costs a call a tenth of a microsecond. What only
 * one side writes during a call is two lines away from them.
 */
struct lane {
  _Atomic uint32_t turn;
  uint32_t operation;
  uint64_t subject;
  uint64_t frame;  /**< address of the operation's memory: 16-byte aligned, in short_frame or in the lane's stack */
  int32_t error;   /**< errno after a call */
  uint32_t failed; /**< 1: the operation failed, and the frame has a text that says why */
  char short_frame[LANE_SHORT_FRAME]; /**< of calls without structs only: calls of callbacks use it again */

  uint64_t size;
  uint64_t target;
  uint64_t result;
  uint64_t callback;                 /**< the number of the closure that was called */
  uint64_t callback_frame;           /**< its result, then its arguments */
  uint64_t end;                      /**< address after the lane */
  _Atomic uint32_t host_processor;   /**< on which the host has last woken the callee */
  _Atomic uint32_t callee_processor; /**< on which the callee has last woken up */
  uint64_t reserved[9];

  uint64_t top; /**< address of the lane's stack that is free: both sides push, and pop what they pushed */
  uint64_t reserved_beside_top[15];

  uint64_t spin;     /**< the callee's own: for how many nanoseconds to spin */
  uint32_t together; /**< its own: how often it has woken up on the host's processor, at once after its last answer */
  uint32_t patience; /**< its own: how often it bears that */
  uint32_t spun;     /**< its own: turns since it has moved that came while it spun; it does not count many */
  uint64_t reserved_beside_spin[13];
};
_Static_assert(sizeof(struct lane) == 512, "its stack begins at a cache line");
_Static_assert(offsetof(struct lane, error) == 24 && offsetof(struct lane, size) == 128 &&
                   offsetof(struct lane, end) == 168 && offsetof(struct lane, host_processor) == 176 &&
                   offsetof(struct lane, top) == 256,
               "as Lane.java has it");

/** Passes the turn to the host. */
void lane_post(struct lane *lane, enum turn turn);

/** Waits for the callee's turn. @return TURN_CALL or TURN_RETURN */
enum turn lane_wait(struct lane *lane);

/** For how long lanes spin at most before they sleep, in nanoseconds; 0 with a single processor. */
void lane_set_spin_limit(uint64_t nanoseconds);

static inline void *lane_pointer(uint64_t address) { return (void *)(uintptr_t)address; }

/** Fails the operation with a text. */
void lane_fail(struct lane *lane, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
