#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/hosting.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

namespace {

std::string outcome(Host &host, const std::string &program, const std::string &mode, const std::string &argv0 = "") {
  Launch launch(program, {mode});
  launch.argv0 = argv0;
  return host.output_of(launch);
}

}  // namespace

TEST_SUITE_BEGIN("proc_self_exe");

TEST_CASE("every way to ask means the hosted program") {
  Host host;
  CHECK(outcome(host, test_program("calls"), "executable") == "done\n");
}

TEST_CASE("it is the file, whatever links led to it") {
  TemporaryDirectory directory;
  Host host;
  const std::string link = directory.link("link", test_program("calls"));
  CHECK(outcome(host, link, "executable", test_program("calls")) == "done\n");
}

TEST_CASE("it can be executed, from a fork and from a vfork child") {
  Host host;
  CHECK(outcome(host, test_program("calls"), "execute") == "done\n");
  CHECK(leaks_of([&] { outcome(host, test_program("calls"), "execute"); }) == "");
}

TEST_CASE("a text that a file has is not written to: executing it is refused, and leaves no descriptor") {
  TemporaryDirectory directory;
  const std::string file = directory.file("text", "/proc/self/exe");
  Host host;
  CHECK(host.output_of(Launch(test_program("calls"), {"execute-shared", file})) == "done\n");
  std::ifstream read(file);
  CHECK(std::string(std::istreambuf_iterator<char>(read), {}) == "/proc/self/exe");
}

TEST_CASE("in a root directory without /dev") {
  TemporaryDirectory directory;
  Host host;
  const auto execute = [&] {
    return host.output_of(Launch(test_program("calls"), {"execute-in-root", directory.path()}));
  };
  if (geteuid() != 0) {
    MESSAGE("not run: chroot needs root");
    return;
  }
  CHECK(execute() == "done\n");
  std::filesystem::create_directory(directory / "proc");
  if (mount("proc", (directory / "proc").c_str(), "proc", 0, nullptr) != 0) {
    MESSAGE("not run with /proc: it cannot be mounted");
    return;
  }
  CHECK(execute() == "done\n");
  CHECK(umount((directory / "proc").c_str()) == 0);
}

TEST_CASE("children of several threads execute one text at once, while others ask for it") {
  Host host;
  CHECK(outcome(host, test_program("calls"), "execute-in-threads") == "done\n");
}

TEST_CASE("a program that execs another at the same addresses is not the old one any more") {
  Host host;
  for (const char *program : {"calls", "fixed_calls"})
    CHECK(outcome(host, test_program(program), "become") == "done\n");
}

TEST_CASE("a program that is executed at the same addresses has its own executable") {
  TemporaryDirectory directory;
  const std::string other = directory / "other";
  std::filesystem::copy_file(test_program("fixed_calls"), other);
  Host host;
  for (const char *mode : {"become", "fork-become"}) {
    Launch launch(test_program("fixed_calls"), {mode, other});
    const std::string said = host.output_of(launch);
    CHECK(said == (std::string(mode) == "become" ? "done\n" : "done\ndone\ndone\n"));
  }
}

TEST_CASE("a file that is deleted meanwhile is still what runs") {
  TemporaryDirectory directory;
  Host host;
  const std::string copy = directory / "copy";
  std::filesystem::copy_file(test_program("calls"), copy);
  WaitWord word;
  tproc_threadproc *running = host.start(Launch(copy, {"storm", address_of(word.get())}));
  word.await_running();
  unlink(copy.c_str());
  // The storm opens its executable all the time; that it goes on is seen by its end.
  CHECK(tproc_threadproc_signal(running, 9, nullptr) == 0);
  CHECK(host.await(running).status == 9);
  host.close_threadproc(running);
}

TEST_CASE("a program for fixed addresses") {
  Host host;
  CHECK(outcome(host, test_program("fixed_calls"), "executable") == "done\n");
  CHECK(outcome(host, test_program("fixed_calls"), "flags") == "done\n");
  CHECK(outcome(host, test_program("fixed_calls"), "fork") == "done\n");
}

TEST_SUITE_END();
