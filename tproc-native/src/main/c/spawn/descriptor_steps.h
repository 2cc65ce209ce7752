/*
 * How a process gets a wanted table of descriptors: which system calls, in which order. Worked out where libc may be
 * used, so that the child only has to go through a list.
 */
#ifndef TPROC_DESCRIPTOR_STEPS_H
#define TPROC_DESCRIPTOR_STEPS_H

#include <stddef.h>

#include "tproc_core.h"

enum descriptor_action {
  DESCRIPTOR_KEEP,  /**< clear close-on-exec of `from`, which is where it should be */
  DESCRIPTOR_COPY,  /**< dup3(from, to, 0) */
  DESCRIPTOR_CLOSE, /**< close_range(from, to) */
};

struct descriptor_step {
  enum descriptor_action action;
  unsigned from, to; /**< descriptors; the last of those to close may be ~0u */
};

/** Zeroed or released, it owns nothing. */
struct descriptor_steps {
  struct descriptor_step *steps;
  size_t count;
};

/**
 * After the steps each wanted number is a duplicate of what its source was before them, close-on-exec is clear, and
 * nothing else is open. They need no number but those wanted, those of sources, and the lowest that is no source: so
 * they work in a table that is full to its limit but for one.
 *
 * @param wanted in any order, numbers and sources from 0 on
 * @return 0, -EINVAL (a number is wanted twice), -ENOMEM
 */
int descriptor_steps_make(const struct tproc_descriptor *wanted, size_t count, struct descriptor_steps *made,
                          struct tproc_error *error);

void descriptor_steps_release(struct descriptor_steps *made);

#endif
