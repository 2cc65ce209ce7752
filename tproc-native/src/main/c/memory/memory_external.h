/* What a threadproc may map outside its slot: free addresses only, remembered and returned. Callers hold the lock. */
#ifndef TPROC_MEMORY_EXTERNAL_H
#define TPROC_MEMORY_EXTERNAL_H

#include "memory/memory.h"

/**
 * As vm.mmap_min_addr has it for those without privileges. The JVM finds null pointers by the fault that they cause: a
 * program of root's that mapped something there would take its NullPointerExceptions away.
 */
#define MEMORY_LOWEST_ADDRESS (64u << 10)

/** Maps at exactly `address`, whatever the flags say, and replaces nothing. @return the address, -EEXIST, … */
int64_t map_noreplace(uint64_t address, const struct map_request *request);

/** As map_noreplace, at request->address, unless it is a threadproc's; remembered. @return the address, -EEXIST, … */
int64_t memory_map_external(struct memory *memory, const struct map_request *request);

/** For MAP_32BIT (anywhere below 2 GiB), and for what is too large for the slot. */
int64_t memory_map_where_kernel_likes(struct memory *memory, const struct map_request *request);

/** Forgets the part of the remembered ranges that was unmapped. */
void memory_forget_external(struct memory *memory, struct address_range range);

/** Remembers again what was forgotten and could not be unmapped. */
void memory_regain_external(struct memory *memory, struct address_range range);

/** Whether all of it is the slot's or was remembered. */
bool memory_covers(const struct memory *memory, struct address_range range);

/** Whether remembered ranges cover all of it. */
bool memory_external_covers(const struct memory *memory, struct address_range range);

/** Unmaps and forgets all of them. */
void memory_release_external(struct memory *memory);

/**
 * Whether a range outside the slots has a mapping that is not this threadproc's as its nearest neighbour, within the
 * gap that the kernel keeps below stacks, or is where the stack of the process's first thread may grow. Its overruns
 * would then meet memory instead of a fault, and its growth an end.
 */
bool memory_is_beside_another(const struct memory *memory, struct address_range range);

#endif
