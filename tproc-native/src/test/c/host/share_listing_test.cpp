#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/resources.h"
#include "support/sharer.h"

extern "C" {
#include "wire/wire.h"
}

TEST_SUITE_BEGIN("share listing");

namespace {

template <typename Entry>
std::vector<Entry> entries(const std::string &payload, size_t at) {
  wire_listed head{};
  memcpy(&head, payload.data() + at, sizeof head);
  at += sizeof head;
  std::vector<Entry> found;
  for (Entry each{}; at < payload.size(); at += each.size) {
    REQUIRE(payload.size() - at >= sizeof each);
    memcpy(&each, payload.data() + at, sizeof each);
    REQUIRE(each.size == sizeof each);
    found.push_back(each);
  }
  CHECK(head.count == found.size());
  CHECK(head.total >= head.count);
  return found;
}

std::string take(const tproc_listing &listing) {
  std::string payload(listing.payload, listing.size);
  free(listing.payload);
  return payload;
}

std::string registry(const Host &host, size_t size_max = 8 << 20) {
  tproc_listing listing{};
  REQUIRE(tproc_host_registry_listing(host.get(), size_max, &listing, nullptr) == 0);
  CHECK(listing.size <= size_max);
  return take(listing);
}

struct Usage {
  wire_heap heap{};
  std::vector<wire_heap_use> uses;
  wire_heap_use of(pid_t pid, uint32_t owner) const {
    for (const wire_heap_use &each : uses)
      if (each.pid == pid && each.owner == owner) return each;
    return {};
  }
};

Usage usage(const Host &host) {
  tproc_listing listing{};
  REQUIRE(tproc_host_heap_listing(host.get(), 8 << 20, &listing, nullptr) == 0);
  const std::string payload = take(listing);
  Usage found;
  memcpy(&found.heap, payload.data(), sizeof found.heap);
  found.uses = entries<wire_heap_use>(payload, sizeof found.heap);
  return found;
}

uint64_t publish(const Host &host, const std::string &name) {
  tproc_registered what{};
  what.address = 0x1000;
  what.size = 64;
  what.version = 5;
  std::snprintf(what.name, sizeof what.name, "%s", name.c_str());
  std::snprintf(what.type, sizeof what.type, "trial/1");
  REQUIRE(tproc_host_publish(host.get(), &what, nullptr) == 0);
  return what.id;
}

void *allocate(const Host &host, size_t size) {
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(host.get(), size, 16, &block, nullptr) == 0);
  return block;
}

}  // namespace

TEST_CASE("the registry's listing has each publication") {
  Host host;
  CHECK(entries<wire_registered>(registry(host), 0).empty());
  const uint64_t id = publish(host, "acme");
  publish(host, "other");
  const std::vector<wire_registered> found = entries<wire_registered>(registry(host), 0);
  REQUIRE(found.size() == 2);
  const wire_registered &acme = std::string(found[0].name) == "acme" ? found[0] : found[1];
  CHECK(acme.id == id);
  CHECK(acme.address == 0x1000);
  CHECK(acme.length == 64);
  CHECK(acme.version == 5);
  CHECK(acme.pid == getpid());
  CHECK(acme.ended == 0);
  CHECK(std::string(acme.type) == "trial/1");
}

TEST_CASE("a registry's listing that would be too large is cut") {
  Host host;
  for (int i = 0; i < 5; i++) publish(host, "name " + std::to_string(i));
  const std::string cut = registry(host, 8 + 3 * sizeof(wire_registered) + 100);
  CHECK(entries<wire_registered>(cut, 0).size() == 3);
  wire_listed head{};
  memcpy(&head, cut.data(), sizeof head);
  CHECK(head.total == 5);
}

TEST_CASE("a heap's usage counts small and large blocks, and no more once they are freed") {
  Host host;
  const wire_heap_use before = usage(host).of(getpid(), WIRE_HEAP_HOST);
  void *small = allocate(host, 100), *large = allocate(host, 1 << 20);
  const Usage during = usage(host);
  const wire_heap_use own = during.of(getpid(), WIRE_HEAP_HOST);
  CHECK(own.blocks == before.blocks + 2);
  CHECK(own.bytes == before.bytes + tproc_host_usable_size(host.get(), small) + (1 << 20));
  CHECK(during.heap.taken >= own.bytes);
  CHECK(during.heap.taken <= during.heap.size);
  memset(large, 1, 1 << 20);
  CHECK(usage(host).heap.resident >= 1 << 20);
  REQUIRE(tproc_host_free(host.get(), small, nullptr) == 0);
  REQUIRE(tproc_host_free(host.get(), large, nullptr) == 0);
  const wire_heap_use after = usage(host).of(getpid(), WIRE_HEAP_HOST);
  CHECK(after.blocks == before.blocks);
  CHECK(after.bytes == before.bytes);
}

TEST_CASE("a heap's usage names programs, also when they have ended and are not closed") {
  Host host;
  sharer_report report{};
  auto *program = host.start(sharer(&report, {"alloc=1000", "alloc=1000", "alloc=1000", "stop"}));
  const pid_t pid = tproc_threadproc_pid(program);
  await_stop(report);
  const wire_heap_use alive = usage(host).of(pid, WIRE_HEAP_PROCESS);
  CHECK(alive.blocks == 3);
  CHECK(alive.bytes >= 3000);
  CHECK(alive.ended == 0);
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
  const wire_heap_use dead = usage(host).of(pid, WIRE_HEAP_PROCESS);
  CHECK(dead.blocks == 3);
  CHECK(dead.ended == 1);
}
