#include "host/fixed_image.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"

struct occupant {
  struct address_range range;
  char name[256];
};

static bool note_first(const struct mapping *mapping, void *context) {
  struct occupant *occupant = context;
  occupant->range = mapping->range;
  snprintf(occupant->name, sizeof occupant->name, "%.200s",
           mapping->name[0] != '\0' ? mapping->name : "anonymous memory");
  return false;
}

/*
 * A program's end is seen by all who wait for it before the host has given back its addresses. That takes some
 * milliseconds, or as long as the input and output that is under way in its memory.
 */
#define RELEASE_NANOSECONDS 2000000000u

/* As memory_take_external. Waits for what is about to go. */
static int take(struct tproc_host *host, struct memory *memory, struct address_range range, struct occupant *occupant) {
  const struct timespec until = clock_after(RELEASE_NANOSECONDS);
  for (;;) {
    const unsigned releases = host_releases(host);
    const int taken = memory_take_external(memory, range);
    if (taken != -EEXIST) return taken;
    address_space_visit(&host->space, range, note_first, occupant);
    const bool waits = host_gives_back(host, occupant->range.low);
    if (waits ? host_await_release(host, releases, &until) : host_releases(host) != releases) continue;
    if (waits) host_note_wait_in_vain(host);
    return taken;
  }
}

int fixed_image_take(struct tproc_host *host, const struct elf_file *elf, struct memory *memory,
                     struct tproc_error *error) {
  const struct address_range range = {elf->low, elf->high};
  struct occupant occupant = {.name = "a slot"};
  const int taken = take(host, memory, range, &occupant);
  if (taken == 0) return 0;
  if (taken != -EEXIST)
    return tproc_fail(error, -taken, "ELF header: a program for the fixed addresses %#llx-%#llx (ET_EXEC)",
                      (unsigned long long)range.low, (unsigned long long)range.high);
  host_describe_owner(host, occupant.range.low, occupant.name, sizeof occupant.name);
  return tproc_fail(error, EADDRINUSE,
                    "ELF header: a program for the fixed addresses %#llx-%#llx (ET_EXEC), where %s has %#llx-%#llx",
                    (unsigned long long)range.low, (unsigned long long)range.high, occupant.name,
                    (unsigned long long)occupant.range.low, (unsigned long long)occupant.range.high);
}
