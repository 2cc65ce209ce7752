/* The two answers that most calls get. For the broker's own sources. */
#ifndef TPROC_ANSWERS_H
#define TPROC_ANSWERS_H

#include "broker/broker_call.h"

/** The call returns this: a value or a negative errno. */
static inline struct broker_answer result(int64_t value) {
  return (struct broker_answer){.verdict = BROKER_RETURN, .result = value};
}

/** The call is made as it stands. */
static inline struct broker_answer unchanged(void) { return (struct broker_answer){.verdict = BROKER_CONTINUE}; }

#endif
