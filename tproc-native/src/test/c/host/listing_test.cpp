#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/resources.h"

extern "C" {
#include "wire/wire.h"
}

TEST_SUITE_BEGIN("listing");

namespace {

struct Listing {
  wire_listed head{};
  std::vector<pid_t> pids;
  std::vector<std::string> names;
};

std::string take(const tproc_listing &listing) {
  std::string payload(listing.payload, listing.size);
  free(listing.payload);
  return payload;
}

wire_listed head_of(const std::string &payload) {
  wire_listed head{};
  REQUIRE(payload.size() >= sizeof head);
  memcpy(&head, payload.data(), sizeof head);
  return head;
}

Listing threadprocs(const Host &host, size_t size_max) {
  tproc_listing encoded{};
  REQUIRE(tproc_host_listing(host.get(), size_max, &encoded, nullptr) == 0);
  const std::string payload = take(encoded);
  CHECK(payload.size() <= size_max);
  Listing found{head_of(payload), {}, {}};
  size_t offset = sizeof(wire_listed);
  wire_threadproc entry{};
  const char *command = nullptr;
  while (wire_listed_next(payload.data(), payload.size(), &offset, &entry, &command)) {
    found.pids.push_back(entry.pid);
    found.names.emplace_back(command);
  }
  CHECK(offset == payload.size());
  return found;
}

Listing mappings(tproc_threadproc *threadproc, size_t size_max) {
  tproc_listing encoded{};
  REQUIRE(tproc_threadproc_listing(threadproc, size_max, &encoded, nullptr) == 0);
  const std::string payload = take(encoded);
  CHECK(payload.size() <= size_max);
  Listing found{head_of(payload), {}, {}};
  size_t offset = sizeof(wire_mapped);
  wire_mapping entry{};
  const char *name = nullptr;
  while (wire_mapped_next(payload.data(), payload.size(), &offset, &entry, &name)) found.names.emplace_back(name);
  CHECK(offset == payload.size());
  return found;
}

}  // namespace

TEST_CASE("the listing of a host has all threadprocs, the youngest first") {
  Host host;
  CHECK(threadprocs(host, 1 << 20).head.total == 0);
  std::vector<pid_t> started;
  for (int i = 0; i < 40; i++) { /* more than the first piece of memory holds */
    Launch what(test_program("end"), {"exit", "0"});
    what.argv0 = "number " + std::to_string(i);
    started.insert(started.begin(), tproc_threadproc_pid(host.start(what)));
  }
  const Listing found = threadprocs(host, 1 << 20);
  CHECK(found.head.total == 40);
  CHECK(found.head.count == 40);
  CHECK(found.pids == started);
  CHECK(found.names.front() == "number 39");
  CHECK(found.names.back() == "number 0");
}

TEST_CASE("a listing that is too large is cut, and says so") {
  Host host;
  for (int i = 0; i < 3; i++) host.start(Launch(test_program("end"), {"exit", "0"}));
  const Listing whole = threadprocs(host, 1 << 20);
  const size_t head = sizeof(wire_listed);
  const size_t entry = wire_threadproc_size(strlen(test_program("end").c_str()) + 1 + sizeof "exit" + sizeof "0");
  CHECK(threadprocs(host, head).head.count == 0);
  CHECK(threadprocs(host, head).head.total == 3);
  CHECK(threadprocs(host, head + 2 * entry - 1).head.count == 1);
  const Listing two = threadprocs(host, head + 2 * entry);
  CHECK(two.head.count == 2);
  CHECK(two.head.total == 3);
  CHECK(two.pids == std::vector<pid_t>(whole.pids.begin(), whole.pids.begin() + 2));
}

TEST_CASE("the listing of a threadproc has its mappings") {
  CHECK(leaks_of([] {
          Host host;
          WaitWord word;
          tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
          word.await_running();
          const Listing found = mappings(threadproc, 1 << 20);
          CHECK(found.head.count == found.names.size());
          CHECK(found.head.total == tproc_threadproc_memory(threadproc, nullptr, 0));
          CHECK(found.names[0] == test_program("wait"));
          const Listing cut = mappings(threadproc, sizeof(wire_mapped) + wire_mapping_size(found.names[0].size() + 1));
          CHECK(cut.head.total == found.head.total);
          CHECK(cut.head.count == 1);
          word.go();
          host.await(threadproc);
        }) == "");
}

TEST_SUITE_END();
