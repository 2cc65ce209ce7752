#include "memory/memory_limits.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/page.h"

/* A count of many mappings that takes longer is not made again before so many times as long have passed. */
#define LONG_NANOSECONDS 500000
#define MANY_MAPPINGS 256
#define PAUSES 20

/* More than any limit, so that it is counted when it is needed; what is added to it does not wrap around. */
#define NOT_COUNTED (UINT64_MAX / 2)

void memory_limits_init(struct memory_limits *limits) {
  const struct tproc_limit none = {TPROC_LIMIT_INFINITY, TPROC_LIMIT_INFINITY};
  *limits = (struct memory_limits){.all = {.limit = none}, .data = {.limit = none}};
}

static bool is_data(int protection, int flags) {
  return (protection & PROT_WRITE) != 0 && (flags & MAP_TYPE) == MAP_PRIVATE;
}

static bool is_within(const struct memory_counted *counted, uint64_t length) {
  return length <= counted->limit.soft && counted->bytes <= counted->limit.soft - length;
}

struct count {
  struct address_range part;
  uint64_t all, data, mappings;
};

static bool add(const struct mapping *mapping, void *context) {
  struct count *count = context;
  struct address_range range = mapping->range;
  if (range.low < count->part.low) range.low = count->part.low;
  if (range.high > count->part.high) range.high = count->part.high;
  count->mappings++;
  count->all += range_size(range);
  if (mapping->writable && !mapping->shared) count->data += range_size(range);
  return true;
}

static void count_part(const struct memory *memory, struct address_range part, struct count *count) {
  count->part = part;
  address_space_visit(memory->space, part, add, count);
}

static uint64_t without(uint64_t bytes, uint64_t part) { return bytes > part ? bytes - part : 0; }

/* @return whether it has been counted now */
static bool count_again(struct memory *memory) {
  struct memory_limits *limits = &memory->limits;
  const uint64_t begun = clock_nanoseconds(CLOCK_MONOTONIC);
  if (begun < limits->not_before) return false;
  struct count count = {.all = 0};
  const struct address_range slot = {memory->slot.whole.low, slot_claim(memory->slot.whole).low};
  count_part(memory, slot, &count);
  struct address_range rest = {0, UINT64_MAX}, part;
  while (range_set_lowest(&memory->owner.external, rest, &part)) {
    count_part(memory, part, &count);
    rest.low = part.high;
  }
  limits->all.bytes = without(count.all, limits->uncounted);
  limits->data.bytes = without(count.data, limits->uncounted);
  const uint64_t ended = clock_nanoseconds(CLOCK_MONOTONIC);
  if (count.mappings > MANY_MAPPINGS && ended - begun > LONG_NANOSECONDS)
    limits->not_before = ended + PAUSES * (ended - begun);
  return true;
}

static bool are_within(const struct memory_limits *limits, uint64_t length, bool data) {
  return is_within(&limits->all, length) && (!data || is_within(&limits->data, length));
}

bool memory_is_counted(const struct memory *memory) {
  const struct memory_limits *limits = &memory->limits;
  return limits->all.limit.soft != TPROC_LIMIT_INFINITY || limits->data.limit.soft != TPROC_LIMIT_INFINITY;
}

bool memory_may_grow(struct memory *memory, uint64_t length, int protection, int flags) {
  if (!memory_is_counted(memory)) return true;
  const uint64_t rounded = page_ceil(length);
  const bool data = is_data(protection, flags);
  if (are_within(&memory->limits, rounded, data)) return true;
  if (!count_again(memory)) return true; /* the sum may be far too much: none is refused for that */
  return are_within(&memory->limits, rounded, data);
}

void memory_has_grown(struct memory *memory, uint64_t length, int protection, int flags) {
  if (!memory_is_counted(memory)) return;
  memory->limits.all.bytes += page_ceil(length);
  if (is_data(protection, flags)) memory->limits.data.bytes += page_ceil(length);
}

static struct memory_counted *counted_of(struct memory *memory, int resource) {
  return resource == RLIMIT_AS ? &memory->limits.all : &memory->limits.data;
}

struct tproc_limit memory_limit(struct memory *memory, int resource) {
  pthread_mutex_lock(&memory->lock);
  const struct tproc_limit limit = counted_of(memory, resource)->limit;
  pthread_mutex_unlock(&memory->lock);
  return limit;
}

bool memory_is_limited(struct memory *memory) {
  const struct tproc_limit all = memory_limit(memory, RLIMIT_AS), data = memory_limit(memory, RLIMIT_DATA);
  return all.hard != TPROC_LIMIT_INFINITY || data.hard != TPROC_LIMIT_INFINITY || all.soft != TPROC_LIMIT_INFINITY ||
         data.soft != TPROC_LIMIT_INFINITY;
}

int memory_set_limit(struct memory *memory, int resource, const struct tproc_limit *limit, bool may_raise) {
  if (limit->soft > limit->hard) return -EINVAL;
  int failed = 0;
  pthread_mutex_lock(&memory->lock);
  struct memory_counted *counted = counted_of(memory, resource);
  if (limit->hard > counted->limit.hard && !may_raise) {
    failed = -EPERM;
  } else {
    counted->limit = *limit;
    counted->bytes = NOT_COUNTED;
    memory->limits.not_before = 0;
  }
  pthread_mutex_unlock(&memory->lock);
  return failed;
}

void memory_leave_uncounted(struct memory *memory, uint64_t bytes) {
  pthread_mutex_lock(&memory->lock);
  memory->limits.uncounted = bytes;
  memory->limits.all.bytes = memory->limits.data.bytes = NOT_COUNTED;
  pthread_mutex_unlock(&memory->lock);
}
