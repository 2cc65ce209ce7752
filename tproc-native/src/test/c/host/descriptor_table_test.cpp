// The host's threads have descriptor tables of their own: what they do there is nothing to the process.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/temporary_directory.h"

extern "C" {
#include "base/descriptor_table.h"
}

namespace {

// Seen from another process.
bool is_locked(int file) {
  const pid_t other = fork();
  if (other == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    _exit(fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
  }
  int status = 0;
  waitpid(other, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

int open_locked(const std::string &path, short kind) {
  const int file = open(path.c_str(), (kind == F_RDLCK ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  struct flock lock {};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  EXPECT_EQUAL(fcntl(file, F_SETLK, &lock), 0);
  EXPECT(is_locked(file));
  return file;
}

size_t open_in(const std::string &thread) {
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != thread) continue;
    const auto files = std::filesystem::directory_iterator(task.path() / "fd");
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  throw std::runtime_error("no thread " + thread);
}

}  // namespace

TEST_SUITE_BEGIN("descriptor_table");

TEST_CASE("the process's record locks outlast launches of the file, and with it") {
  TemporaryDirectory directory;
  std::filesystem::copy_file(test_program("end"), directory / "program");
  in_own_process([&directory] {
    const int program = open_locked(directory / "program", F_RDLCK);
    const int output = open_locked(directory.file("output", ""), F_WRLCK);
    Host host;
    EXPECT_EQUAL(host.run(Launch(directory / "program", {"exit", "3"})), 3);
    EXPECT(is_locked(program));
    Launch launch(test_program("calls"), {"flags"});
    launch.stdio[1] = output;
    launch.descriptors = {{9, output}};
    EXPECT_EQUAL(host.run(launch), 0);
    EXPECT(is_locked(output));
    host.close();
    EXPECT(is_locked(program));
    EXPECT(is_locked(output));
  });
}

TEST_CASE("a process without a free descriptor starts programs, and those that run go on") {
  in_own_process([] {
    Host host;
    host.run(Launch(test_program("end"), {"exit", "0"}));
    const rlimit limit{64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(STDERR_FILENO) >= 0) continue;
    EXPECT_EQUAL(errno, EMFILE);
    for (const char *mode : {"flags", "execute"}) EXPECT_EQUAL(host.run(Launch(test_program("calls"), {mode})), 0);
  });
}

TEST_CASE("a new process begins with a table that has nothing of the process's and nothing of other launches") {
  in_own_process([] {
    for (int i = 0; i < 100; i++) memfd_create("the process's", MFD_CLOEXEC);
    Host host;
    WaitWord word;
    Launch launch(test_program("wait"), {address_of(word.get())});
    for (int i = 0; i < 50; i++) launch.descriptors.push_back({50 + i, 20});
    host.start(launch);
    word.await_running();
    EXPECT_EQUAL(open_in("tproc-host"), 1u); /* where the next process comes from */
    EXPECT(open_in("tproc-files") < 20u);
    EXPECT(open_in("tproc-broker") == open_in("tproc-files"));
  });
}

TEST_CASE("leaving a table keeps what is named, at its number, and nothing else") {
  in_own_process([] {
    const int kept[] = {fcntl(STDERR_FILENO, F_DUPFD, 70), fcntl(STDERR_FILENO, F_DUPFD, 200)};
    for (int number : {3, 63, 64, 71, 199, 201, 400}) dup2(STDERR_FILENO, number);
    EXPECT_EQUAL(descriptor_table_leave(kept, 2), 0); /* alone in the process: the table is its own already */
    for (int number = 0; number < 500; number++)
      EXPECT_EQUAL(fcntl(number, F_GETFD) >= 0, number == kept[0] || number == kept[1]);
  });
}

TEST_SUITE_END();
