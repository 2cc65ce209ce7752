#include "memory/range_set.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8

bool range_set_prepare(struct range_set *set) {
  if (set->count < set->room) return true;
  const size_t room = set->room == 0 ? FIRST_ROOM : 2 * set->room;
  struct address_range *ranges = realloc(set->ranges, room * sizeof *ranges);
  if (ranges == NULL) return false;
  set->ranges = ranges;
  set->room = room;
  return true;
}

/* How many ranges lie wholly above an address, with their lower ends, too: the next is the first that may reach down.
 */
static size_t count_above(const struct range_set *set, uint64_t address) {
  size_t low = 0, high = set->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (set->ranges[middle].low >= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Replaces `count` ranges from `at` on by one. */
static void replace(struct range_set *set, size_t at, size_t count, struct address_range range) {
  memmove(&set->ranges[at + 1], &set->ranges[at + count], (set->count - at - count) * sizeof range);
  set->ranges[at] = range;
  set->count += 1 - count;
}

void range_set_add(struct range_set *set, struct address_range range) {
  if (range_size(range) == 0) return;
  const size_t first = count_above(set, range.high + 1); /* one that touches from above is melted, too */
  size_t end = first;
  while (end < set->count && set->ranges[end].high >= range.low) {
    if (set->ranges[end].low < range.low) range.low = set->ranges[end].low;
    if (set->ranges[end].high > range.high) range.high = set->ranges[end].high;
    end++;
  }
  replace(set, first, end - first, range);
}

void range_set_remove(struct range_set *set, struct address_range gone) {
  if (range_size(gone) == 0) return;
  size_t at = count_above(set, gone.high);
  if (at < set->count && set->ranges[at].low < gone.low && set->ranges[at].high > gone.high) {
    if (set->count == set->room) return;
    const struct address_range below = {set->ranges[at].low, gone.low};
    set->ranges[at].low = gone.high;
    replace(set, at + 1, 0, below);
    return;
  }
  if (at < set->count && set->ranges[at].high > gone.high) set->ranges[at++].low = gone.high;
  size_t end = at;
  while (end < set->count && set->ranges[end].low >= gone.low) end++;
  if (end < set->count && set->ranges[end].high > gone.low) set->ranges[end].high = gone.low;
  if (end == at) return;
  memmove(&set->ranges[at], &set->ranges[end], (set->count - end) * sizeof gone);
  set->count -= end - at;
}

bool range_set_covers(const struct range_set *set, struct address_range range) {
  if (range_size(range) == 0) return true;
  const size_t at = count_above(set, range.low + 1);
  return at < set->count && set->ranges[at].high >= range.high;
}

bool range_set_overlaps(const struct range_set *set, struct address_range range) {
  if (range_size(range) == 0) return false;
  const size_t at = count_above(set, range.high);
  return at < set->count && set->ranges[at].high > range.low;
}

bool range_set_lowest(const struct range_set *set, struct address_range range, struct address_range *lowest) {
  if (range_size(range) == 0) return false;
  size_t low = count_above(set, range.high), high = set->count; /* those from `high` on end at or below the range */
  const size_t first = low;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (set->ranges[middle].high > range.low)
      low = middle + 1;
    else
      high = middle;
  }
  if (high == first) return false;
  const struct address_range found = set->ranges[high - 1];
  *lowest = (struct address_range){found.low > range.low ? found.low : range.low,
                                   found.high < range.high ? found.high : range.high};
  return true;
}

void range_set_visit_rest(const struct range_set *set, struct address_range range,
                          void (*visit)(struct address_range rest)) {
  for (size_t at = count_above(set, range.high); at < set->count && set->ranges[at].high > range.low; at++) {
    if (set->ranges[at].high < range.high) visit((struct address_range){set->ranges[at].high, range.high});
    range.high = set->ranges[at].low;
  }
  if (range.high > range.low) visit(range);
}

void range_set_release(struct range_set *set) {
  free(set->ranges);
  memset(set, 0, sizeof *set);
}
