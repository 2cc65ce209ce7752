#include <doctest/doctest.h>
#include <elf.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/proc_maps.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

extern "C" {
#include "base/process_state.h"
#include "host/launch.h"
#include "support/in_host.h"
}

namespace {

// An address in a slot that was taken and is free again.
// Where nothing is mapped, between its program and its anonymous memory.
uint64_t address_in_a_slot(Host &host, WaitWord &word) {
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  tproc_mapping lowest{};
  REQUIRE(tproc_threadproc_memory(threadproc, &lowest, 1) > 0);
  return lowest.address + (128u << 20);
}

int launch_for_client(Host &host, const char *name, const std::string &argument, tproc_threadproc **threadproc) {
  const std::string program = test_program(name);
  const char *const argv[] = {program.c_str(), argument.c_str(), nullptr};
  const char *const envp[] = {nullptr};
  tproc_launch launch{};
  launch.program = program.c_str();
  launch.argv = argv;
  launch.envp = envp;
  launch.umask = TPROC_UMASK_INHERIT;
  for (int &stream : launch.stdio) stream = TPROC_FD_CLOSED;
  const launch_client client{getpid(), getuid()};
  tproc_error error{};
  return launch_for(host.get(), &launch, &client, threadproc, &error);
}

// A client's program with low addresses that has ended, and is not released.
tproc_threadproc *ended_of_client(Host &host, WaitWord &word) {
  tproc_threadproc *threadproc = nullptr;
  in_host(host.get(), [&] { launch_for_client(host, "fixed_wait", address_of(word.get()), &threadproc); });
  REQUIRE(threadproc != nullptr);
  word.go();
  CHECK(eventually([&] {
    bool ended = false;
    in_host(host.get(), [&] { ended = in_host_has_ended(threadproc); });
    return ended;
  }));
  return threadproc;
}

}  // namespace

TEST_SUITE_BEGIN("fixed_image");

TEST_CASE("a program for fixed addresses runs where it wants to be, again and again") {
  Host host;
  for (int i = 0; i < 3; i++)
    CHECK(host.output_of(Launch(test_program("fixed_say"), {"fixed"})) == test_program("fixed_say") + "\nfixed\n");
  CHECK(leaks_of([&] { host.run(Launch(test_program("fixed_say"), {"x"})); }) == "");
}

TEST_CASE("one that may spill runs in the address space, and as an ordinary process while another has its addresses") {
  Host host;
  WaitWord word;
  Launch spilling(test_program("fixed_say"), {"fixed"});
  spilling.flags = TPROC_LAUNCH_SPILL;
  const std::string said = test_program("fixed_say") + "\nfixed\n";
  CHECK(host.output_of(spilling) == said);
  tproc_threadproc *first = host.start(Launch(test_program("fixed_wait"), {address_of(word.get())}));
  word.await_running();
  CHECK(host.output_of(spilling) == said);
  CHECK(leaks_of([&] { host.run(spilling); }) == "");
  tproc_threadproc *spilled = host.start(spilling);
  host.await(spilled);
  CHECK(tproc_threadproc_exec(spilled) == TPROC_EXEC_SPILLED);
  host.close_threadproc(spilled);
  word.go();
  host.await(first);
  host.close_threadproc(first);
}

TEST_CASE("one that has to stay cannot spill") {
  Host host;
  Launch launch(test_program("fixed_say"), {"x"});
  launch.flags = TPROC_LAUNCH_SPILL | TPROC_LAUNCH_STAY;
  CHECK(host.launch(launch).result == -EINVAL);
}

TEST_CASE("it runs once at a time: the second is told who is there") {
  Host host;
  WaitWord word;
  tproc_threadproc *first = host.start(Launch(test_program("fixed_wait"), {address_of(word.get())}));
  word.await_running();
  const Launched second = host.launch(Launch(test_program("fixed_wait"), {address_of(word.get())}));
  CHECK(second.result == -EADDRINUSE);
  CAPTURE(second.message());
  CHECK(second.message().find("ELF header: a program for the fixed addresses 0x") != std::string::npos);
  CHECK(second.message().find("(ET_EXEC), where threadproc " + std::to_string(tproc_threadproc_pid(first)) +
                              " (fixed_wait) has 0x") != std::string::npos);
  word.go();
  host.await(first);
  host.close_threadproc(first);
  WaitWord again;
  again.go();
  CHECK(host.run(Launch(test_program("fixed_wait"), {address_of(again.get()), "5"})) == 5);
}

TEST_CASE("the next one waits for the low addresses of a client's program that has ended, whatever it is") {
  const char *name_of_second = nullptr;
  SUBCASE("one for the same addresses") { name_of_second = "fixed_say"; }
  SUBCASE("one that may ask for them later") { name_of_second = "say"; }
  Host host;
  WaitWord word;
  tproc_threadproc *const first = ended_of_client(host, word);
  tproc_threadproc *second = nullptr;

  std::atomic<pid_t> thread = 0;
  std::atomic<bool> done = false;
  int launched = 1;
  std::function<void()> launch_second = [&] {
    thread = gettid();
    launched = launch_for_client(host, name_of_second, "x", &second);
    done = true;
  };
  std::thread next([&] {
    in_host_call_apart(
        host.get(), [](void *work) { (*static_cast<std::function<void()> *>(work))(); }, &launch_second);
  });
  CHECK(eventually([&] { return done || (thread != 0 && process_state(thread) == 'S'); }));
  CHECK_FALSE(done);
  in_host(host.get(), [&] { CHECK(in_host_release(first) == 0); });
  next.join();
  CHECK(launched == 0);
}

// Or each launch would wait two seconds for as long as one program's memory does not come back.
TEST_CASE("what does not give back its low addresses is waited for once") {
  bool releasing = false;
  SUBCASE("its release does not begin") {}
  SUBCASE("its release does not end") { releasing = true; }
  Host host;
  auto expect_waiting = [&host](bool expected) {
    in_host(host.get(), [&host, expected] { CHECK(in_host_gives_low_back(host.get()) == expected); });
  };
  expect_waiting(false);
  for (int round = 0; round < 2; round++) {
    WaitWord word;
    tproc_threadproc *const first = ended_of_client(host, word);
    bool low = true;
    if (releasing) in_host(host.get(), [&] { low = in_host_begin_release(first); });
    CHECK(low);
    expect_waiting(true);
    for (int i = 0; i < 3; i++) {
      host.run(Launch(test_program("say"), {"x"})); /* also the end of another's release changes nothing */
      expect_waiting(false);
    }
    in_host(host.get(), [&] { releasing ? in_host_end_release(first, low) : void(in_host_release(first)); });
    expect_waiting(false);
  }
}

TEST_CASE("a program on both sides of 4 GiB is there, and fenced") {
  if (under_address_sanitizer()) {
    MESSAGE("skipped: AddressSanitizer's shadow is there");
    return;
  }
  Host host;
  CHECK(host.run(Launch(test_program("fixed_across"))) == 1);
}

TEST_CASE("where the host itself has something: its name and range, and nothing is changed there") {
  in_own_process([] {
    char *const wanted = reinterpret_cast<char *>(0x400000);
    void *own =
        mmap(wanted, test_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    EXPECT(own == wanted);
    wanted[5] = 42;
    Host host;
    const Resources before = Resources::settled();
    const Launched refused = host.launch(Launch(test_program("fixed_say")));
    EXPECT_EQUAL(refused.result, -EADDRINUSE);
    EXPECT(refused.message().find("where anonymous memory has 0x400000-") != std::string::npos);
    EXPECT_EQUAL(wanted[5], 42);
    EXPECT_EQUAL(protection_at(0x400000), "rw-p");
    EXPECT_EQUAL(left_behind(before), "");
  });
}

TEST_CASE("addresses that the fence cannot hold, or that are a slot's") {
  TemporaryDirectory directory;
  Host host;
  auto at = [&](const std::string &name, uint64_t address) {
    ElfBuilder elf = ElfBuilder::one_segment();
    elf.header.e_type = ET_EXEC;
    elf.header.e_entry += address;
    elf.segments[0].p_vaddr += address;
    return host.launch(Launch(directory.file(name, elf.bytes())));
  };
  WaitWord word;
  const Launched slot = at("slot", address_in_a_slot(host, word));
  CHECK(slot.result == -EADDRINUSE);
  CHECK(slot.message().find("where a slot has ") != std::string::npos);
  word.go();
}

TEST_SUITE_END();
