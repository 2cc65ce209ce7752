#include <doctest/doctest.h>
#include <elf.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "tproc_abi.h"

TEST_SUITE_BEGIN("host");

TEST_CASE("the scratch page is zeroed and writable") {
  Host host;
  unsigned char *scratch = static_cast<unsigned char *>(tproc_host_scratch(host.get()));
  for (int i = 0; i < TPROC_SCRATCH_SIZE; i++) REQUIRE(scratch[i] == 0);
  std::memset(scratch, 1, TPROC_SCRATCH_SIZE);
}

TEST_CASE("opening and closing leaves nothing") {
  CHECK(leaks_of([] { Host host; }) == "");
}

TEST_CASE("several hosts live side by side") {
  CHECK(leaks_of([] {
          Host first, second;
          CHECK(tproc_host_scratch(first.get()) != tproc_host_scratch(second.get()));
          CHECK(first.run(Launch(test_program("end"), {"exit", "3"})) == 3);
          first.close();
          CHECK(second.run(Launch(test_program("end"), {"exit", "4"})) == 4);
        }) == "");
}

TEST_CASE("a program runs and its output arrives") {
  Host host;
  CHECK(host.output_of(Launch(test_program("say"), {"hello", "", "two words"})) ==
        test_program("say") + "\nhello\n\ntwo words\n");
}

TEST_CASE("a program with an interpreter runs") {
  Host host;
  const Launched launched = host.launch(Launch(test_program("dynamic_say")));
  if (launched.result == -ENOENT && launched.message().find("PT_INTERP") != std::string::npos) {
    MESSAGE("this machine has no dynamic linker: not tested (" << launched.message() << ")");
    return;
  }
  CHECK(host.output_of(Launch(test_program("dynamic_say"), {"dynamic"})) ==
        test_program("dynamic_say") + "\ndynamic\n");
}

TEST_CASE("a program for fixed addresses runs where they are free") {
  Host host;
  const Launched launched = host.launch(Launch(test_program("fixed_say")));
  if (launched.result == -EADDRINUSE) {
    MESSAGE("this test binary occupies them itself: not tested (" << launched.message() << ")");
    return;
  }
  REQUIRE(launched.message() == "");
  host.await(launched.threadproc);
  /* Until it is closed it keeps the addresses, and the next one is told who has them. */
  const Launched second = host.launch(Launch(test_program("fixed_say")));
  CHECK(second.result == -EADDRINUSE);
  CHECK(second.message().find("threadproc " + std::to_string(tproc_threadproc_pid(launched.threadproc)) +
                              " (fixed_say)") != std::string::npos);
  host.close_threadproc(launched.threadproc);
  CHECK(host.output_of(Launch(test_program("fixed_say"), {"fixed"})) == test_program("fixed_say") + "\nfixed\n");
}

TEST_CASE("launches leave nothing: no mapping, no descriptor, no thread, no zombie") {
  Host host;
  CHECK(leaks_of([&host] { CHECK(host.run(Launch(test_program("end"), {"exit", "0"})) == 0); }, 20) == "");
}

TEST_CASE("closing a host kills what runs and releases everything") {
  CHECK(leaks_of(
            [] {
              std::vector<WaitWord> words(50);
              Host host;
              for (WaitWord &word : words) host.start(Launch(test_program("wait"), {address_of(word.get())}));
              for (WaitWord &word : words) word.await_running();
            },
            2) == "");
}

TEST_CASE("closing a host releases threadprocs in every state: running, ended, collected, never watched") {
  CHECK(leaks_of([] {
          WaitWord running, unwatched;
          Host host;
          host.start(Launch(test_program("wait"), {address_of(running.get())}));
          CHECK(host.launch(Launch(test_program("wait"), {address_of(unwatched.get())}), false).result == 0);
          CHECK(host.launch(Launch(test_program("end"), {"exit", "1"}), false).result == 0);
          host.await(host.start(Launch(test_program("end"), {"exit", "2"})));
          running.await_running();
          unwatched.await_running();
        }) == "");
}

TEST_CASE("threads that launch may end at once: their threadprocs live on") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = nullptr;
  std::thread([&] { threadproc = host.start(Launch(test_program("wait"), {address_of(word.get()), "7"})); }).join();
  word.await_running();
  word.go();
  const tproc_exit exit = host.await(threadproc);
  CHECK(exit.kind == TPROC_EXITED);
  CHECK(exit.status == 7);
}

TEST_CASE("16 threads launch at once") {
  CHECK(leaks_of(
            [] {
              Host host;
              std::vector<std::thread> threads;
              std::vector<std::vector<tproc_threadproc *>> started(16);
              for (size_t i = 0; i < started.size(); i++)
                threads.emplace_back([&host, &started, i] {
                  for (int n = 0; n < 5; n++)
                    started[i].push_back(host.start(Launch(test_program("end"), {"exit", std::to_string(10 * i + n)})));
                });
              for (std::thread &thread : threads) thread.join();
              std::set<pid_t> pids;
              for (size_t i = 0; i < started.size(); i++)
                for (size_t n = 0; n < started[i].size(); n++) {
                  const tproc_exit exit = host.await(started[i][n]);
                  CHECK(exit.kind == TPROC_EXITED);
                  CHECK(exit.status == static_cast<int>(10 * i + n));
                  CHECK(pids.insert(tproc_threadproc_pid(started[i][n])).second);
                  host.close_threadproc(started[i][n]);
                }
            },
            1) == "");
}

TEST_CASE("without enough descriptors a host is not opened or a program not launched: clearly, and without a trace") {
  in_own_process([] {
    { Host warm_up; }
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const Resources resources = Resources::settled();
    bool launched_once = false;
    for (rlim_t most = 3; !launched_once && most < 60; most++) {
      const rlimit limit{most, before.rlim_max};
      setrlimit(RLIMIT_NOFILE, &limit);
      tproc_host *host = nullptr;
      tproc_error error{};
      const int opened = tproc_host_open(&host, &error);
      if (opened == 0) {
        const char *argv[] = {"end", "exit", "0", nullptr};
        const std::string program = test_program("end");
        tproc_launch launch{};
        launch.program = program.c_str();
        launch.argv = argv;
        launch.envp = argv + 3;
        launch.stdio[0] = launch.stdio[1] = launch.stdio[2] = TPROC_FD_CLOSED;
        launch.umask = TPROC_UMASK_INHERIT;
        tproc_threadproc *threadproc = nullptr;
        const int launched = tproc_host_launch(host, &launch, &threadproc, &error);
        launched_once = launched == 0;
        EXPECT(launched == 0 || launched == -EMFILE);
        if (launched != 0) EXPECT(std::strstr(error.message, "(EMFILE)") != nullptr);
        tproc_host_close(host);
      } else {
        EXPECT(std::strstr(error.message, "cannot open a host: ") == error.message);
        EXPECT(std::strstr(error.message, "EMFILE") != nullptr);
      }
      setrlimit(RLIMIT_NOFILE, &before);
      EXPECT_EQUAL(left_behind(resources), "");
    }
    EXPECT(launched_once);
  });
}

TEST_CASE(
    "the process's own forks see all of its memory while a host is open and after its end, also what was divided") {
  in_own_process([] {
    constexpr size_t kSize = 16 << 20;
    void *mapped = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(mapped != MAP_FAILED);
    char *memory = static_cast<char *>(mapped);
    auto seen_by_a_fork = [memory] {
      const pid_t child = fork();
      if (child == 0) {
        unsigned char resident = 0; /* mincore says ENOMEM where nothing is mapped */
        _exit(mincore(memory, 1, &resident) == 0 && mincore(memory + kSize - test_page(), 1, &resident) == 0 ? 1 : 0);
      }
      int status = 0;
      waitpid(child, &status, 0);
      return WEXITSTATUS(status) == 1;
    };
    EXPECT(seen_by_a_fork());
    {
      Host host;
      EXPECT_EQUAL(host.run(Launch(test_program("end"), {"exit", "0"})), 0);
      EXPECT(seen_by_a_fork()); /* its own; that others' are shielded from it: fork_shield_test */
      munmap(memory + kSize / 2, test_page());
    }
    EXPECT(seen_by_a_fork());
    munmap(mapped, kSize);
  });
}

TEST_SUITE_END();
