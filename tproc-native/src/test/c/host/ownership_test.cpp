#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/resources.h"

namespace {

std::vector<tproc_mapping> memory_of(tproc_threadproc *threadproc) {
  std::vector<tproc_mapping> all(64);
  const size_t count = tproc_threadproc_memory(threadproc, all.data(), all.size());
  REQUIRE(count <= all.size());
  all.resize(count);
  return all;
}

const tproc_mapping *named(const std::vector<tproc_mapping> &all, const std::string &name) {
  for (const tproc_mapping &each : all)
    if (each.name == name) return &each;
  return nullptr;
}

}  // namespace

TEST_SUITE_BEGIN("ownership");

TEST_CASE("whose an address is: a program's, another's, none's; also when it has ended, until it is closed") {
  Host host;
  WaitWord words[2];
  tproc_threadproc *threadprocs[2];
  for (int i = 0; i < 2; i++) {
    threadprocs[i] = host.start(Launch(test_program("wait"), {address_of(words[i].get())}));
    words[i].await_running();
  }
  std::vector<uint64_t> first_addresses;
  for (tproc_threadproc *each : threadprocs)
    for (const tproc_mapping &mapping : memory_of(each)) {
      CHECK(tproc_host_owner_of(host.get(), reinterpret_cast<void *>(mapping.address)) == each);
      CHECK(tproc_host_owner_of(host.get(), reinterpret_cast<void *>(mapping.address + mapping.size - 1)) == each);
      if (each == threadprocs[0]) first_addresses.push_back(mapping.address);
    }
  CHECK(first_addresses.size() > 4);
  for (const void *address :
       {static_cast<const void *>(&host), static_cast<const void *>(words), static_cast<const void *>(nullptr),
        reinterpret_cast<const void *>(UINT64_MAX), static_cast<const void *>(tproc_host_scratch(host.get()))})
    CHECK(tproc_host_owner_of(host.get(), address) == nullptr);

  words[0].go();
  host.await(threadprocs[0]);
  for (const uint64_t address : first_addresses)
    CHECK(tproc_host_owner_of(host.get(), reinterpret_cast<void *>(address)) == threadprocs[0]);
  CHECK(memory_of(threadprocs[0]).size() >= first_addresses.size() - 1);
  host.close_threadproc(threadprocs[0]);
  for (const uint64_t address : first_addresses)
    CHECK(tproc_host_owner_of(host.get(), reinterpret_cast<void *>(address)) == nullptr);
}

TEST_CASE("mappings are named by their file or their purpose") {
  Host host;
  for (const char *program : {"wait", "fixed_wait"}) {
    CAPTURE(program);
    WaitWord word;
    tproc_threadproc *threadproc = host.start(Launch(test_program(program), {address_of(word.get())}));
    word.await_running();
    const std::vector<tproc_mapping> all = memory_of(threadproc);
    const tproc_mapping *file = named(all, test_program(program)), *stack = named(all, "[stack]"),
                        *heap = named(all, "[heap]");
    REQUIRE(file != nullptr);
    REQUIRE(stack != nullptr);
    REQUIRE(heap != nullptr);
    CHECK(file->readable == 1);
    CHECK(file->writable == 0);
    CHECK((stack->size >= 256u << 10 && stack->size < 8ull << 20)); /* it grows when it is used */
    CHECK((stack->writable == 1 && stack->executable == 0 && stack->shared == 0));
    CHECK(heap->writable == 1);
    for (size_t i = 1; i < all.size(); i++)
      if (std::string(program) == "wait") CHECK(all[i].address >= all[i - 1].address + all[i - 1].size);
    word.go();
    host.await(threadproc);
    host.close_threadproc(threadproc);
  }
}

TEST_CASE("with too little room the number is right and nothing is written beyond") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  word.await_running();
  const size_t count = memory_of(threadproc).size();
  CHECK(tproc_threadproc_memory(threadproc, nullptr, 0) == count);
  tproc_mapping some[3]{};
  some[2].size = 4711;
  CHECK(tproc_threadproc_memory(threadproc, some, 2) == count);
  CHECK(some[1].size > 0);
  CHECK(some[2].size == 4711);
}

TEST_SUITE_END();
