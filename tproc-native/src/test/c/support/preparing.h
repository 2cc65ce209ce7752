// Programs that a host has prepared, for tests.
#ifndef TPROC_TEST_PREPARING_H
#define TPROC_TEST_PREPARING_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/hosting.h"

struct Prepared {
  std::vector<tproc_prepared> kinds;
  tproc_prepared_totals totals{};

  explicit Prepared(const Host &host);
};

// The only kind that it has.
tproc_prepared only(const Host &host);

// Whether so many of the only kind come to wait.
bool waits(const Host &host, unsigned count = 1);

// Has it prepared; a file that has just been written is not at once.
void prepare(Host &host, const Launch &launch, unsigned count = 1, uint64_t age_max = 0);
void prepare_ready(Host &host, const Launch &launch, unsigned count = 1, uint64_t age_max = 0);

// Processes with a name that begins so, also those without an exit signal.
std::vector<pid_t> children_named(const std::string &name);

#endif
