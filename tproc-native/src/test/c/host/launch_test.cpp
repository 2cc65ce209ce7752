#include <doctest/doctest.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

TEST_SUITE_BEGIN("launch");

TEST_CASE("a refusal names program, step and cause") {
  TemporaryDirectory directory;
  Host host;
  refused(host, Launch("/no/such/program"), ENOENT, "open /no/such/program: No such file or directory (ENOENT)");
  refused(host, Launch("no-such-program"), ENOENT,
          "not found in the search path /bin:/usr/bin: No such file or directory (ENOENT)");
  refused(host, Launch(directory.path()), EACCES,
          directory.path() + " is a directory, not a regular file: Permission denied (EACCES)");
  refused(host, Launch(directory.file("text", "just text, longer than the identification of an ELF file")), ENOEXEC,
          "not an ELF file and no #! script (ENOEXEC)");
  refused(host, Launch(directory.file("empty", "")), ENOEXEC, "not an ELF file and no #! script: 0 bytes (ENOEXEC)");
  ElfBuilder other = ElfBuilder::one_segment();
  other.header.e_machine = EM_RISCV;
  const Launched launched = host.launch(Launch(directory.file("riscv", other.bytes())));
  CHECK(launched.result == -ENOEXEC);
  CHECK(launched.message().find("ELF header: a program for riscv (e_machine 243), this machine is ") !=
        std::string::npos);
}

TEST_CASE("a large reservation is where the program wants it, is its own, and is returned") {
  if (under_address_sanitizer()) {
    MESSAGE("not tested under AddressSanitizer, whose shadow lies there");
    return;
  }
  Host host;
  char *const wanted = reinterpret_cast<char *>(uint64_t{36} << 30);
  const size_t size = size_t{1} << 30;
  for (int round = 0; round < 2; round++) {
    tproc_threadproc *threadproc = host.start(Launch(test_program("reserve"), {address_of(wanted)}));
    const tproc_exit exit = host.await(threadproc);
    CHECK(exit.kind == TPROC_EXITED);
    CHECK(exit.status == 0);
    const auto map = [&] {
      return mmap(wanted, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    };
    CHECK(map() == MAP_FAILED);
    host.close_threadproc(threadproc);
    REQUIRE(map() == wanted);
    if (round == 0) munmap(wanted, size);
  }
  /* While another mapping is there, a program gets another place. */
  CHECK(host.run(Launch(test_program("reserve"), {address_of(wanted)})) == 3);
  munmap(wanted, size);
}

#if defined(__aarch64__)
TEST_CASE("memory calls take tagged addresses, as natively") {
  Host host;
  CHECK(host.run(Launch(test_program("tagged"))) == 0);
}
#endif

TEST_CASE("a program that raises the limit of its stack has room for it, as natively") {
  Host host;
  CHECK(host.run(Launch(test_program("stack"), {"raise"})) == 0);
}

TEST_CASE("a static program has thread-local storage of any size and alignment, as natively") {
  Host host;
  CHECK(host.run(Launch(test_program("storage"))) == 0);
}

TEST_CASE("what is wrong with an interpreter is said of it") {
  TemporaryDirectory directory;
  Host host;
  auto program_with = [&directory](const std::string &name, const std::string &interpreter) {
    ElfBuilder elf = ElfBuilder::one_segment();
    elf.describe(PT_INTERP, 0x400, interpreter + '\0');
    return Launch(directory.file(name, elf.bytes()));
  };
  refused(host, program_with("missing", "/no/such/ld.so"), ENOENT,
          "PT_INTERP: open /no/such/ld.so: No such file or directory (ENOENT)");
  const std::string text =
      directory.file("text", "this is no dynamic linker but a text, and is longer than the header of an ELF file");
  refused(host, program_with("text-linker", text), ELIBBAD,
          "PT_INTERP: " + text + ": not an ELF file and no #! script (ELIBBAD)");
  ElfBuilder fixed = ElfBuilder::one_segment();
  fixed.header.e_type = ET_EXEC;
  const std::string fixed_linker = directory.file("fixed", fixed.bytes());
  refused(host, program_with("fixed-linker", fixed_linker), ENOEXEC,
          "PT_INTERP: " + fixed_linker + ": an interpreter for fixed addresses (ET_EXEC) (ENOEXEC)");
}

TEST_CASE("what is wrong with a script's interpreter is said of it") {
  TemporaryDirectory directory;
  Host host;
  const std::string interpreter = directory.file("interpreter", "no script and no ELF file either");
  refused(host, Launch(directory.file("script", "#!" + interpreter + "\n")), ENOEXEC,
          interpreter + ": not an ELF file and no #! script (ENOEXEC)");
}

TEST_CASE("a script runs through its interpreter") {
  TemporaryDirectory directory;
  Host host;
  const std::string script = directory.file("script", "#!" + test_program("say") + " -x  y\n");
  CHECK(host.output_of(Launch(script, {"one"})) == test_program("say") + "\n-x  y\n" + script + "\none\n");
}

TEST_CASE("an image too large for a slot") {
  TemporaryDirectory directory;
  Host host;
  ElfBuilder huge = ElfBuilder::one_segment();
  huge.load(0, 1ull << 40, 0, test_page(), PF_R | PF_W);
  const Launched launched = host.launch(Launch(directory.file("huge", huge.bytes())));
  CHECK(launched.result == -ENOEXEC);
  CHECK(launched.message().find("the image spans 0x") != std::string::npos);
}

TEST_CASE("arguments beyond the kernel's limits") {
  Host host;
  Launch launch(test_program("end"), {"exit", "0", std::string(32 * test_page(), 'x')});
  const Launched launched = host.launch(launch);
  CHECK(launched.result == -E2BIG);
  CHECK(launched.message().find("cannot host " + launch.program + ": argv[3] has ") == 0);
}

TEST_CASE("no arguments at all") {
  Host host;
  const std::string path = test_program("end");
  const char *const nothing[] = {nullptr};
  tproc_launch launch{};
  launch.program = path.c_str();
  launch.argv = launch.envp = nothing;
  launch.stdio[0] = launch.stdio[1] = launch.stdio[2] = TPROC_FD_CLOSED;
  tproc_threadproc *threadproc = nullptr;
  tproc_error error{};
  CHECK(tproc_host_launch(host.get(), &launch, &threadproc, &error) == -EINVAL);
  CHECK(std::string(error.message) ==
        "cannot host " + path + ": no arguments: argv[0] is needed: Invalid argument (EINVAL)");
  CHECK(tproc_host_launch(host.get(), &launch, &threadproc, nullptr) == -EINVAL);
}

TEST_CASE("refusals leave nothing") {
  TemporaryDirectory directory;
  ElfBuilder truncated = ElfBuilder::one_segment();
  truncated.load(0, 1u << 20, (1u << 19) + 1, 1u << 20, PF_R | PF_W);
  ElfBuilder linker = ElfBuilder::one_segment();
  linker.describe(PT_INTERP, 0x400, std::string("/no/such/ld.so") + '\0');
  const std::string paths[] = {directory / "missing",
                               directory.path(),
                               directory.file("text", "text that is no program"),
                               directory.file("truncated", truncated.bytes()),
                               directory.file("linker", linker.bytes()),
                               directory.file("script", "#!" + (directory / "script") + "\n"),
                               directory.file("data", "data", 0644)};
  Host host;
  CHECK(leaks_of([&] {
          for (const std::string &path : paths) CHECK(host.launch(Launch(path)).result < 0);
          Launch bad_directory(test_program("end"), {"exit", "0"});
          bad_directory.directory = directory / "missing";
          CHECK(host.launch(bad_directory).result == -ENOENT);
        }) == "");
  CHECK(host.run(Launch(test_program("end"), {"exit", "7"})) == 7);
}

TEST_CASE("a broken program dies alone") {
  const rlimit none{0, RLIM_INFINITY};
  rlimit before{};
  getrlimit(RLIMIT_CORE, &before);
  setrlimit(RLIMIT_CORE, &none);
  TemporaryDirectory directory;
  ElfBuilder nonsense = ElfBuilder::one_segment();
  nonsense.put(0x200, std::string(16, '\0')); /* no instruction of either architecture that goes anywhere */
  Host host;
  CHECK(host.run(Launch(directory.file("nonsense", nonsense.bytes()))) > 1000);
  CHECK(host.run(Launch(test_program("end"), {"exit", "7"})) == 7);
  setrlimit(RLIMIT_CORE, &before);
}

TEST_CASE("a limit on the address space: a clear error, and hosting again when it is lifted") {
  if (under_address_sanitizer()) {
    MESSAGE("not tested under AddressSanitizer, which needs an unlimited address space itself");
    return;
  }
  in_own_process([] {
    Host host;
    const Launch launch(test_program("end"), {"exit", "6"});
    EXPECT_EQUAL(host.run(launch), 6);
    const Resources before = Resources::settled();
    rlimit unlimited{};
    getrlimit(RLIMIT_AS, &unlimited);
    const rlimit limit{1ull << 30, unlimited.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
    const Launched launched = host.launch(launch);
    setrlimit(RLIMIT_AS, &unlimited);
    EXPECT(launched.result == -ENOMEM || launched.result == 0);
    if (launched.result == 0) {
      host.await(launched.threadproc);
      host.close_threadproc(launched.threadproc);
    } else {
      EXPECT(launched.message().find("(ENOMEM)") != std::string::npos);
    }
    EXPECT_EQUAL(left_behind(before), "");
    EXPECT_EQUAL(host.run(launch), 6);
  });
}

TEST_CASE("a program that is held waits for SIGCONT, and then has the signals that it was launched with") {
  Host host;
  auto report = std::make_unique<state_report>();
  Launch launch(test_program("state"), {address_of(report.get())});
  launch.flags = TPROC_LAUNCH_HOLD;
  launch.blocked_signals = 1ull << (SIGUSR1 - 1);
  tproc_threadproc *threadproc = host.start(launch);
  const pid_t pid = tproc_threadproc_pid(threadproc);
  await_held(pid);
  /* A stop and its end are one of the ways to continue; what is blocked stays pending. */
  kill(pid, SIGUSR1);
  kill(pid, SIGSTOP);
  kill(pid, SIGCONT);
  CHECK(host.await(threadproc).status == 0);
  CHECK(report->blocked_signals == launch.blocked_signals);
  CHECK(report->pending_signals == launch.blocked_signals);
}

TEST_CASE("a program that is held can be ended, by what would end it natively before its main") {
  for (const int signal : {SIGTERM, SIGKILL}) {
    Host host;
    Launch launch(test_program("end"), {"exit", "7"});
    launch.flags = TPROC_LAUNCH_HOLD;
    tproc_threadproc *threadproc = host.start(launch);
    await_held(tproc_threadproc_pid(threadproc));
    kill(tproc_threadproc_pid(threadproc), signal);
    const tproc_exit exit = host.await(threadproc);
    CHECK(exit.kind == TPROC_SIGNALLED);
    CHECK(exit.status == signal);
  }
}

TEST_SUITE_END();
