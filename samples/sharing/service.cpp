/*
 * service FROM TO: groups readings by station. A message has a batch of readings, in a block; what is sent on is a
 * report: a map of names to numbers, which moves in one step, and is this program's until then.
 */
#include <cstdio>
#include <string>

#include "report.hpp"

namespace {

constexpr std::size_t HEADER = 16;  // of Rust's SharedVec: how many there are

const Reading *readings_in(const tproc::block &block, std::size_t &count) {
  count = *static_cast<const std::uint64_t *>(block.get());
  if (count > (tproc_usable_size(block.get()) - HEADER) / sizeof(Reading)) throw std::runtime_error("no readings");
  return reinterpret_cast<const Reading *>(static_cast<const char *>(block.get()) + HEADER);
}

tproc::graph<Report> grouped(const tproc::block &block) {
  std::size_t count;
  const Reading *readings = readings_in(block, count);
  // Room for all there is to come: the numbers twice, as vectors grow, and the names.
  auto report = tproc::graph<Report>::make((1 << 20) + 4 * count * sizeof(double), REPORT_TYPE);
  for (const Reading *each = readings; each < readings + count; each++) {
    tproc::arena_string name("weather station number ", report.allocator());
    name += std::to_string(each->station).c_str();
    report->celsius_by_name[std::move(name)].push_back(each->celsius);
  }
  for (const auto &[name, celsius] : report->celsius_by_name)
    report->table.push_back({name.data(), name.size(), celsius.data(), celsius.size(), 0, 0});
  report->stations = {report->table.data(), report->table.size()};
  return report;
}

}  // namespace

int main(int argc, char **argv) try {
  if (argc != 3) throw std::runtime_error("usage: service FROM TO");
  auto from = tproc::receiver::open(argv[1]);
  auto to = tproc::sender::open(argv[2]);
  from.for_each([&](tproc::message message) {
    const tproc::block readings = message.take();
    to.send(tproc::message(message.data(), grouped(readings)));
  });
} catch (const std::exception &failed) {
  std::fprintf(stderr, "service: %s\n", failed.what());
  return 1;
}
