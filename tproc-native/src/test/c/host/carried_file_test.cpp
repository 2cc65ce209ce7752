// Files that are opened for a launch without ever being in the process's own descriptor table.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

namespace {

int carry(const std::string &path, int flags) {
  tproc_error error{};
  const int carrier = tproc_carry_file(path.c_str(), flags, &error);
  if (carrier < 0) throw std::runtime_error(error.message);
  return carrier;
}

std::string refusal(const std::string &path, int flags) {
  tproc_error error{};
  const int result = tproc_carry_file(path.c_str(), flags, &error);
  if (result >= 0) close(result);
  return result == -error.code ? error.message : "another code";
}

std::string contents(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A launch of `say` whose standard output, and with `errors` standard error, is what the carrier holds.
Launched say_into(Host &host, int carrier, bool errors) {
  std::vector<std::string> arguments{"word"};
  std::vector<const char *> argv{"say", "word", nullptr}, envp{nullptr};
  const std::string program = test_program("say");
  tproc_launch launch{};
  launch.program = program.c_str();
  launch.argv = argv.data();
  launch.envp = envp.data();
  launch.stdio[0] = TPROC_FD_CLOSED;
  launch.stdio[1] = carrier;
  launch.stdio[2] = errors ? carrier : TPROC_FD_CLOSED;
  launch.carried = errors ? 6 : 2;
  launch.umask = TPROC_UMASK_INHERIT;
  Launched launched;
  launched.result = tproc_host_launch(host.get(), &launch, &launched.threadproc, &launched.error);
  if (launched.result == 0) tproc_threadproc_watch(launched.threadproc, nullptr, &launched.error);
  return launched;
}

void say_to_end(Host &host, int carrier, bool errors) {
  const Launched launched = say_into(host, carrier, errors);
  EXPECT_EQUAL(launched.message(), "");
  if (launched.result != 0) return;
  EXPECT_EQUAL(host.await(launched.threadproc).status, 0);
  host.close_threadproc(launched.threadproc);
}

}  // namespace

TEST_SUITE_BEGIN("carried_file");

TEST_CASE("a program has the file, and the process's record locks on it stay") {
  TemporaryDirectory directory;
  const std::string path = directory.file("output", "before\n");
  in_own_process([&path] {
    const int own = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    EXPECT_EQUAL(fcntl(own, F_SETLK, &lock), 0);
    Host host;
    for (const bool errors : {false, true}) {
      const int carrier = carry(path, O_WRONLY | O_CREAT | O_APPEND);
      say_to_end(host, carrier, errors);
      close(carrier);
    }
    close(carry(path, O_RDONLY)); /* for no launch */
    host.close();
    EXPECT_EQUAL(complaints_of([own] {
                   struct flock other {};
                   other.l_type = F_WRLCK;
                   EXPECT(fcntl(own, F_GETLK, &other) == 0 && other.l_type == F_WRLCK);
                 }),
                 "");
  });
  CHECK(contents(path) == "before\nsay\nword\nsay\nword\n");
}

TEST_CASE("a file that cannot be opened, or is taken twice, is named") {
  TemporaryDirectory directory;
  const std::string missing = directory / "missing", path = directory / "created";
  CHECK(refusal(missing, O_RDONLY) == "open " + missing + ": No such file or directory (ENOENT)");
  CHECK(refusal(directory / ".", O_RDONLY) == "open " + directory / "." + ": Is a directory (EISDIR)");
  CHECK(refusal(missing + "/x", O_WRONLY | O_CREAT) == "open " + missing + "/x: No such file or directory (ENOENT)");
  Host host;
  const int carrier = carry(path, O_WRONLY | O_CREAT | O_TRUNC);
  say_to_end(host, carrier, false);
  CHECK(contents(path) == "say\nword\n");
  struct stat status {};
  CHECK(stat(path.c_str(), &status) == 0);
  const mode_t mask = umask(0);
  umask(mask);
  CHECK((status.st_mode & 0777) == (0666 & ~mask));
  const Launched again = say_into(host, carrier, false);
  CHECK(again.result < 0);
  CHECK(again.message().find("take the file of stream 1") != std::string::npos);
  close(carrier);
}

TEST_CASE("without a free descriptor, or a thread more, it is said, and nothing is open") {
  TemporaryDirectory directory;
  const std::string path = directory / "none";
  in_own_process([&path] {
    const int lowest = dup(STDERR_FILENO);
    close(lowest);
    set_own_limit(RLIMIT_NOFILE, lowest, 4096);
    EXPECT_EQUAL(refusal(path, O_WRONLY | O_CREAT),
                 "open " + path + ": make a pair of sockets: Too many open files (EMFILE)");
    set_own_limit(RLIMIT_NOFILE, 4096, 4096);
    become_ordinary_user();
    set_own_limit(RLIMIT_NPROC, 0, 0);
    EXPECT(refusal(path, O_WRONLY | O_CREAT).find("a thread that opens a file") != std::string::npos);
    EXPECT_EQUAL(dup(STDERR_FILENO), lowest);
    EXPECT(access(path.c_str(), F_OK) != 0);
  });
}

TEST_CASE("one that waits for a FIFO's other end keeps no other waiting") {
  TemporaryDirectory directory;
  const std::string fifo = directory / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  std::atomic<int> carrier{-1};
  Host host;
  std::thread waiting([&] { carrier = carry(fifo, O_RDONLY); });
  CHECK(host.run(quick_end()) == 0);
  close(carry(directory.file("other", ""), O_RDONLY));
  host.close();
  CHECK(carrier == -1);
  close(open(fifo.c_str(), O_WRONLY));
  waiting.join();
  CHECK(carrier >= 0);
  close(carrier);
}

TEST_CASE("nothing is left of files that were carried") {
  TemporaryDirectory directory;
  const std::string path = directory.file("file", "");
  CHECK(leaks_of([&path] {
          Host host;
          for (int i = 0; i < 3; i++) {
            const int carrier = carry(path, O_WRONLY);
            say_to_end(host, carrier, true);
            close(carrier);
            close(carry(path, O_RDONLY));
            refusal(path + "/none", O_RDONLY);
          }
          host.close();
        }) == "");
}

TEST_SUITE_END();
