#include "host/crash_place.h"

#include <stdio.h>
#include <string.h>

#include "host/host.h"
#include "memory/address_space.h"

/* Where dereferenced null pointers lead, with the offset of a member of a large struct. */
#define NULL_END (UINT64_C(1) << 16)

/* How far beyond its stack pointer a thread touches its stack. */
#define STACK_REACH (UINT64_C(1) << 16)

/* A name, cut to the size of the array that it is for. */
#define COPY(to, from) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, from)

struct place {
  struct tproc_threadproc *threadproc;
  struct tproc_crash *crash;
  bool own, writable; /* what could not be accessed is the program's; ... it may write to it */
  bool code;          /* what runs is the program's, ... */
  uint64_t first;     /* ... and the first mapping of its file begins here */
};

static bool is_code(const struct mapping *mapping, const char *name) { return mapping->executable && name[0] == '/'; }

/* A file is mapped in one piece after the other, so its first one is the lowest of its name. */
static bool look_at_own(const struct mapping *mapping, void *context) {
  struct place *place = context;
  struct tproc_crash *crash = place->crash;
  const char *name = threadproc_purpose_of(place->threadproc, mapping);
  if (crash->has_address && range_contains(mapping->range, crash->address)) {
    place->own = true;
    place->writable = mapping->writable;
    COPY(crash->owner, name[0] != '\0' ? name : "own memory");
  }
  if (range_contains(mapping->range, crash->program_counter) && is_code(mapping, name)) {
    place->code = true;
    COPY(crash->file, name);
  }
  return true;
}

static bool find_first(const struct mapping *mapping, void *context) {
  struct place *place = context;
  const size_t most = sizeof place->crash->file - 1; /* a longer name is cut */
  if (strncmp(place->crash->file, threadproc_purpose_of(place->threadproc, mapping), most) == 0 &&
      mapping->range.low < place->first)
    place->first = mapping->range.low;
  return true;
}

/* What is there and may not be accessed at all is reserved for somebody, and nobody's. */
static bool is_accessible(const struct mapping *mapping) {
  return mapping->readable || mapping->writable || mapping->executable;
}

static struct address_range byte_at(uint64_t address) { return (struct address_range){address, address + 1}; }

static bool name_owner(const struct mapping *mapping, void *context) {
  struct tproc_crash *crash = context;
  if (!is_accessible(mapping)) return false;
  snprintf(crash->owner, sizeof crash->owner, "the JVM's %.*s", (int)sizeof crash->file - 1,
           mapping->name[0] != '\0' ? mapping->name : "memory");
  return false;
}

static bool name_code(const struct mapping *mapping, void *context) {
  struct tproc_crash *crash = context;
  if (!is_code(mapping, mapping->name)) return false;
  COPY(crash->file, mapping->name);
  crash->offset = crash->program_counter - (mapping->range.low - mapping->file_offset);
  return false;
}

static void find_owner(const struct tproc_threadproc *threadproc, struct tproc_crash *crash) {
  struct tproc_host *host = threadproc->host;
  const void *address = (const void *)crash->address;
  const struct tproc_threadproc *owner = tproc_host_owner_of(host, address);
  COPY(crash->owner, "not mapped");
  if (owner == threadproc) return;
  const pid_t pid = owner != NULL ? host_pid_of(host, owner) : 0;
  if (pid != 0)
    snprintf(crash->owner, sizeof crash->owner, "pid %d", pid);
  else if (owner != NULL) /* it is being given back */
    COPY(crash->owner, "another program's memory");
  else if (tproc_host_is_shared(host, (const void *)(crash->address & ~UINT64_C(3)), 4))
    COPY(crash->owner, "the shared heap");
  else
    address_space_visit(&host->space, byte_at(crash->address), name_owner, crash);
}

/* Below a stack is a guard page, or what the stack was not let grow into. */
static bool overflows(const struct place *place) {
  const uint64_t address = place->crash->address, pointer = place->crash->stack_pointer;
  const uint64_t apart = address < pointer ? pointer - address : address - pointer;
  return apart <= STACK_REACH && !(place->own && place->writable);
}

void crash_place(struct tproc_threadproc *threadproc, struct tproc_crash *crash) {
  struct place place = {.threadproc = threadproc, .crash = crash, .first = UINT64_MAX};
  memory_visit(&threadproc->memory, look_at_own, &place);
  if (crash->has_address) {
    if (crash->address < NULL_END)
      COPY(crash->owner, "null pointer");
    else if (!place.own)
      find_owner(threadproc, crash);
    crash->overflows = overflows(&place);
  }
  if (place.code) {
    memory_visit(&threadproc->memory, find_first, &place);
    crash->offset = crash->program_counter - place.first;
  } else {
    address_space_visit(&threadproc->host->space, byte_at(crash->program_counter), name_code, crash);
  }
}
