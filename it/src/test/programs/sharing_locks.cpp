// The C++ names of locks and conditions, between a process and its forked children.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <tproc.hpp>

namespace {

struct Shared {
  tproc::mutex mutex;
  tproc::condition changed;
  int value = 0;
};

tproc::deadline soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(10); }

template <typename Call>
bool refused(int code, Call call) {
  try {
    call();
  } catch (const std::system_error &failed) {
    return failed.code().value() == code;
  }
  return false;
}

bool other_finds_it_locked(Shared &shared) {
  const pid_t child = fork();
  if (child == 0) _exit(!shared.mutex.try_lock() && !shared.mutex.lock_until(soon()) ? 0 : 1);
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

int locks(Shared &shared) {
  {
    tproc::hold held = shared.mutex.lock();
    if (held.is_recovered() || !refused(EDEADLK, [&] { (void)shared.mutex.lock(); })) return 3;
    if (!refused(EINVAL, [&] { held.consistent(); })) return 4;
    const tproc::hold moved = std::move(held);
    if (!other_finds_it_locked(shared)) return 5;
  }
  if (!shared.mutex.try_lock()) return 6;
  return shared.mutex.lock_until(soon()) ? 0 : 6;
}

// The child changes the value, and is killed with the mutex.
int conditions(Shared &shared) {
  tproc::hold held = shared.mutex.lock();
  while (shared.changed.wait_until(held, soon())) {
  }
  const pid_t child = fork();
  if (child == 0) {
    const tproc::hold own = shared.mutex.lock();
    shared.value = 1;
    shared.changed.notify_all();
    raise(SIGKILL);
  }
  while (!held.is_recovered()) shared.changed.wait(held);
  waitpid(child, nullptr, 0);
  if (shared.value != 1) return 7;
  held.consistent();
  return held.is_recovered() ? 8 : 0;
}

}  // namespace

int main() {
  const auto shared = tproc::make_unique<Shared>();
  if (const int failed = locks(*shared)) return failed;
  if (const int failed = conditions(*shared)) return failed;
  const auto held = shared->mutex.try_lock();
  return held && !held->is_recovered() ? 0 : 9;
}
