// Random memory calls of hosted programs against a model of what the kernel does (programs/memory_model.c), beside a
// canary in the host's memory that they attack. TPROC_MODEL_SECONDS makes it longer, TPROC_MODEL_SEED gives others
// (tools/memory-model, docs/reliability.md).
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/resources.h"

namespace {

constexpr size_t kAtOnce = 3;
constexpr const char *kSteps = "4000";
constexpr const char *kRight = "differences 0\n";

uint64_t setting(const char *name, uint64_t otherwise) {
  const char *value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 0) : otherwise;
}

bool is_right(const std::string &output) {
  const size_t size = std::strlen(kRight);
  return output.size() > size && output.compare(output.size() - size, size, kRight) == 0;
}

// What has been written to the file so far; it is closed.
std::string contents(int file) {
  std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  if (pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) text = "cannot be read";
  close(file);
  return text;
}

// The output of a run without a host: it has to show that the model is the kernel's.
std::string native_output(uint64_t seed) {
  const std::string program = test_program("memory_model"), number = std::to_string(seed);
  const int file = memfd_create("output", MFD_CLOEXEC);
  const pid_t child = fork();
  if (child == 0) {
    dup2(file, STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), number.c_str(), kSteps, static_cast<char *>(nullptr));
    _exit(127);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  const std::string output = contents(file);
  return status == 0 ? output : output + "status " + std::to_string(status);
}

// Memory of the host's, with nothing of the host's behind it that would make a call fail for another reason.
class Canary {
 public:
  Canary() : memory_(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
    std::memset(memory_, 0x5a, kSize);
  }
  ~Canary() { munmap(memory_, kSize); }
  Canary(const Canary &) = delete;
  Canary &operator=(const Canary &) = delete;

  bool lives() const {
    volatile auto *bytes = static_cast<unsigned char *>(memory_);
    for (size_t i = 0; i < kSize; i++)
      if (bytes[i] != 0x5a) return false;
    bytes[0] = 0x5a; /* or this process dies of it */
    return true;
  }
  std::string address() const { return address_of(memory_); }
  static std::string size() { return std::to_string(kSize); }

 private:
  static constexpr size_t kSize = 1 << 20;
  void *memory_;
};

// Several at once, with other seeds.
void run_hosted(Host &host, uint64_t seed, const Canary &canary) {
  std::array<int, kAtOnce> files{};
  std::vector<tproc_threadproc *> running;
  for (size_t i = 0; i < kAtOnce; i++) {
    Launch launch(test_program("memory_model"), {std::to_string(seed + i), kSteps, canary.address(), Canary::size()});
    files[i] = memfd_create("output", MFD_CLOEXEC);
    launch.stdio[1] = launch.stdio[2] = files[i];
    running.push_back(host.start(launch));
  }
  for (size_t i = 0; i < kAtOnce; i++) {
    const tproc_exit exit = host.await(running[i]);
    const std::string output = contents(files[i]);
    INFO("hosted, seed " << seed + i << ": " << output);
    CHECK(exit.kind == TPROC_EXITED);
    CHECK(exit.status == 0);
    CHECK(is_right(output));
    host.close_threadproc(running[i]);
  }
  CHECK(canary.lives());
}

}  // namespace

TEST_SUITE_BEGIN("memory_model");

TEST_CASE("random memory calls do what a model says, natively and hosted, and nothing to the host") {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(setting("TPROC_MODEL_SECONDS", 0));
  uint64_t seed = setting("TPROC_MODEL_SEED", 1);
  const Resources before = Resources::settled();
  uint64_t programs = 0;
  {
    Host host;
    const Canary canary;
    do {
      const std::string native = native_output(seed);
      INFO("natively, seed " << seed << ": " << native);
      REQUIRE(is_right(native));
      run_hosted(host, seed, canary);
      seed += kAtOnce;
      programs += kAtOnce;
    } while (std::chrono::steady_clock::now() < end);
  }
  CHECK(left_behind(before) == "");
  MESSAGE(programs << " programs hosted, of " << std::string(kSteps) << " steps each; the next seed is " << seed);
}

TEST_SUITE_END();
