/* A range of a test's own, and what makes huge pages of it. C, since its headers know no C++. */
#ifndef TPROC_TEST_HUGE_PAGES_PART_H
#define TPROC_TEST_HUGE_PAGES_PART_H

#include <stdbool.h>
#include <stdint.h>

struct huge_trial;

/* NULL: there can be no range here. */
struct huge_trial *huge_trial_open(uint64_t heap_size);
void huge_trial_close(struct huge_trial *trial);

/* Bytes of a huge page; 0: nobody is to have one here. */
uint64_t huge_trial_size(const struct huge_trial *trial);

/* Where blocks lie, so many bytes of which are in use from now on. */
unsigned char *huge_trial_use(struct huge_trial *trial, uint64_t bytes);

/* Looks until there is nothing more to do. False: the kernel refuses to do anything. */
bool huge_trial_look(struct huge_trial *trial);

#endif
