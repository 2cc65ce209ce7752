/* What goes through the heap: readings to the service, and reports from it. */
#ifndef REPORT_HPP
#define REPORT_HPP

#include <cstdint>
#include <tproc.hpp>

/** As Rust writes it; a block has their number, and from byte 16 on the readings: tproc::SharedVec. */
struct Reading {
  std::uint32_t station;
  std::uint32_t hour;
  double celsius;
};

/** What each language reads of a station in a report. The analyst fills in the last two. */
struct Station {
  const char *name;
  std::uint64_t name_size;
  const double *celsius;
  std::uint64_t count;
  double mean;
  double highest;
};

/** Where a reader in any language begins, at the beginning of a report. */
struct Stations {
  const Station *first;
  std::uint64_t count;
};

#define REPORT_TYPE "sample.Report/1"

/** Containers of C++ in an arena, and what others need to read them. */
struct Report {
  using allocator_type = tproc::arena_allocator<char>;
  explicit Report(allocator_type where) : celsius_by_name(where), table(where) {}

  Stations stations{};
  tproc::arena_map<tproc::arena_string, tproc::arena_vector<double>> celsius_by_name;
  tproc::arena_vector<Station> table;
};

#endif
