/* A set of addresses as disjoint ranges. Looking up takes logarithmic time; ranges that touch become one. */
#ifndef TPROC_RANGE_SET_H
#define TPROC_RANGE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address_range.h"

/** All zero is the empty set. */
struct range_set {
  struct address_range *ranges; /**< the highest first, for the kernel goes down when it places mappings */
  size_t count, room;
};

/** Makes sure that one range can be added or removed. @return false without memory, and nothing has changed */
bool range_set_prepare(struct range_set *set);

/** Adds a range. range_set_prepare has been called. */
void range_set_add(struct range_set *set, struct address_range range);

/** Removes a range. Without range_set_prepare too much may stay: a hole in the middle of one range is not made. */
void range_set_remove(struct range_set *set, struct address_range range);

/** Whether all of a range is in the set. */
bool range_set_covers(const struct range_set *set, struct address_range range);

/** Whether any of a range is in the set. */
bool range_set_overlaps(const struct range_set *set, struct address_range range);

/** The lowest part of the set in a range. @return false, and nothing has changed, when none of it is in the set */
bool range_set_lowest(const struct range_set *set, struct address_range range, struct address_range *lowest);

/** Calls back for each part of a range that is not in the set, the highest first. */
void range_set_visit_rest(const struct range_set *set, struct address_range range,
                          void (*visit)(struct address_range rest));

void range_set_release(struct range_set *set);

#endif
