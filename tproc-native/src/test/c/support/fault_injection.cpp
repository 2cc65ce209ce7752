#include "support/fault_injection.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "support/own_process.h"

namespace {

// How the watched process talks to its tracer: calls of prctl that mean nothing to the kernel.
constexpr uint64_t kBegin = 0x7470726f, kEnd = 0x74707270;
constexpr uint64_t kHang = 0x74707271, kHanging = 0x74707272, kLetGo = 0x74707273, kHangWrites = 0x74707274;
constexpr uint64_t kHit = 0x74707275, kCount = 0x74707276, kCounted = 0x74707277;
constexpr size_t kNameSize = 64; /* as many bytes of a text as the tracer reads */
constexpr size_t kCountsSize = 1 << 16;

#define FAULT(name, code) \
  { SYS_##name, #name " " #code, code }
void set_number(pid_t thread, long number) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSER, thread, offsetof(user_regs_struct, orig_rax), number);
#else
  int value = static_cast<int>(number);
  iovec part{&value, sizeof value};
  ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &part);
#endif
}

void set_result(pid_t thread, long result) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSER, thread, offsetof(user_regs_struct, rax), result);
#else
  user_regs_struct registers{};
  iovec part{&registers, sizeof registers};
  ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &part);
  registers.regs[0] = static_cast<uint64_t>(result);
  ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &part);
#endif
}

class Tracer {
 public:
  explicit Tracer(pid_t first) : first_(first) {}

  // Until the first process has ended. Its wait status.
  int watch() {
    for (;;) {
      int status = 0;
      const pid_t thread = waitpid(-1, &status, __WALL);
      if (thread < 0) return -1;
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        results_.erase(thread);
        hanging_.erase(thread);
        if (thread == first_) return status;
        continue;
      }
      int deliver = 0;
      if (WSTOPSIG(status) == (SIGTRAP | 0x80))
        on_call(thread);
      else if (status >> 16 == 0)
        deliver = WSTOPSIG(status);
      if (hanging_.count(thread) == 0) ptrace(PTRACE_SYSCALL, thread, 0, deliver);
    }
  }

 private:
  void on_call(pid_t thread) {
    __ptrace_syscall_info info{};
    if (ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), thread, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) on_entry(thread, static_cast<long>(info.entry.nr), info.entry.args);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && results_.count(thread) != 0) {
      set_result(thread, results_[thread]);
      results_.erase(thread);
    }
  }

  void on_entry(pid_t thread, long number, const uint64_t *arguments) {
    if (number == SYS_prctl && arguments[0] == kBegin) {
      number_ = static_cast<long>(arguments[1]);
      code_ = static_cast<int>(arguments[4]);
      left_ = arguments[2];
      threads_ = text_at(thread, arguments[3]);
      results_[thread] = 0;
    } else if (number == SYS_prctl && arguments[0] == kHit) {
      results_[thread] = left_ == 0;
    } else if (number == SYS_prctl && arguments[0] == kCount) {
      counts_.clear();
      counting_ = true;
      threads_ = text_at(thread, arguments[1]);
      results_[thread] = 0;
    } else if (number == SYS_prctl && arguments[0] == kCounted) {
      counting_ = false;
      results_[thread] = write_counts(thread, arguments[1]);
    } else if (number == SYS_prctl && arguments[0] == kEnd) {
      results_[thread] = left_ == 0;
      left_ = 0;
    } else if (number == SYS_prctl && arguments[0] == kHang) {
      file_ = {arguments[1], arguments[2]};
      results_[thread] = 0;
    } else if (number == SYS_prctl && arguments[0] == kHangWrites) {
      memory_ = {arguments[1], arguments[1] + arguments[2]};
      results_[thread] = 0;
    } else if (number == SYS_prctl && arguments[0] == kHanging) {
      results_[thread] = static_cast<long>(hanging_.size());
    } else if (number == SYS_prctl && arguments[0] == kLetGo) {
      let_go();
      results_[thread] = 0;
    } else if (is_of_hung_file(thread, number, arguments) || is_write_to_hung_memory(thread, number, arguments)) {
      const std::string name = name_of(thread);
      if (is_waited_for(name)) complain(name.c_str(), static_cast<int>(number), "waits for a file");
      hanging_.insert(thread);
    } else if (left_ > 0 && number == number_ && is_counted(thread) && !is_always_answered(thread, arguments) &&
               --left_ == 0) {
      if (code_ == 0) {
        hanging_.insert(thread);
      } else {
        set_number(thread, -1);
        results_[thread] = -code_;
      }
    } else if (counting_ && is_counted(thread)) {
      counts_[{name_of(thread), number}]++;
    }
  }

  // As text, a line for each. Its size.
  long write_counts(pid_t thread, uint64_t address) {
    std::string text;
    for (const auto &each : counts_)
      text += each.first.first + " " + std::to_string(each.first.second) + " " + std::to_string(each.second) + "\n";
    if (text.size() > kCountsSize) text.resize(kCountsSize);
    iovec source{text.data(), text.size()}, target{reinterpret_cast<void *>(address), text.size()};
    return process_vm_writev(thread, &source, 1, &target, 1, 0);
  }

  void let_go() {
    file_ = memory_ = {0, 0};
    for (const pid_t thread : hanging_) ptrace(PTRACE_SYSCALL, thread, 0, 0);
    hanging_.clear();
  }

  // Through /proc/PID/mem, whose offset is the address, or directly.
  bool is_write_to_hung_memory(pid_t thread, long number, const uint64_t *arguments) {
    uint64_t address = 0;
    if (number == SYS_pwrite64) {
      address = arguments[3];
    } else if (number == SYS_process_vm_writev) {
      iovec written{}, target{&written, sizeof written};
      iovec source{reinterpret_cast<void *>(arguments[3]), sizeof written};
      if (process_vm_readv(thread, &target, 1, &source, 1, 0) != sizeof written) return false;
      address = reinterpret_cast<uint64_t>(written.iov_base);
    }
    return address >= memory_.first && address < memory_.second;
  }

  bool is_of_hung_file(pid_t thread, long number, const uint64_t *arguments) {
    if (file_.second == 0) return false;
    switch (number) {
      case SYS_close:
        return is_hung(thread, std::to_string(static_cast<int>(arguments[0]))) && !is_path(thread, arguments[0]);
      case SYS_fstat:
        return is_hung(thread, std::to_string(static_cast<int>(arguments[0])));
      case SYS_newfstatat:
      case SYS_statx:
        return text_at(thread, arguments[1]).empty() && is_hung(thread, std::to_string(static_cast<int>(arguments[0])));
      case SYS_openat: {
        const std::string path = text_at(thread, arguments[1]), start = "/proc/thread-self/fd/";
        return path.compare(0, start.size(), start) == 0 && is_hung(thread, path.substr(start.size()));
      }
      default:
        return false;
    }
  }

  // A call that is held back stands for a file system that hangs, which /proc does not: a descriptor of it is no such.
  bool is_always_answered(pid_t thread, const uint64_t *arguments) const {
    if (code_ != 0) return false;
    std::error_code none;
    const std::filesystem::path descriptors = "/proc/" + std::to_string(thread) + "/fd";
    const std::string file =
        std::filesystem::read_symlink(descriptors / std::to_string(static_cast<int>(arguments[0])), none);
    return file.compare(0, 6, "/proc/") == 0;
  }

  // An O_PATH descriptor: closing it means nothing to the file system.
  static bool is_path(pid_t thread, uint64_t descriptor) {
    std::ifstream info("/proc/" + std::to_string(thread) + "/fdinfo/" + std::to_string(static_cast<int>(descriptor)));
    for (std::string word; info >> word;)
      if (word == "flags:" && info >> word) return (std::stoul(word, nullptr, 8) & O_PATH) != 0;
    return false;
  }

  bool is_hung(pid_t thread, const std::string &descriptor) {
    struct stat status {};
    const std::string link = "/proc/" + std::to_string(thread) + "/fd/" + descriptor;
    return stat(link.c_str(), &status) == 0 && status.st_dev == file_.first && status.st_ino == file_.second;
  }

  bool is_counted(pid_t thread) {
    return threads_.empty() || name_of(thread).compare(0, threads_.size(), threads_) == 0;
  }

  static std::string name_of(pid_t thread) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(thread) + "/comm"), name);
    return name;
  }

  // A thread that all of a host's programs wait for.
  static bool is_waited_for(const std::string &name) {
    return name == "tproc-broker" || name == "tproc-files" || name == "tproc-host" || name == "tproc-server";
  }

  static std::string text_at(pid_t thread, uint64_t address) {
    char text[kNameSize] = "";
    iovec target{text, sizeof text - 1}, source{reinterpret_cast<void *>(address), sizeof text - 1};
    return process_vm_readv(thread, &target, 1, &source, 1, 0) > 0 ? text : "?";
  }

  pid_t first_;
  std::pair<uint64_t, uint64_t> file_{0, 0};    // device and inode
  std::pair<uint64_t, uint64_t> memory_{0, 0};  // from, and to below
  std::set<pid_t> hanging_;
  uint64_t left_ = 0;
  std::string threads_;
  long number_ = -1;
  int code_ = 0;
  bool counting_ = false;
  std::map<std::pair<std::string, long>, unsigned> counts_;
  std::map<pid_t, long> results_;
};

}  // namespace

const std::vector<Fault> &FaultInjection::faults() {
  static const std::vector<Fault> all = {
      FAULT(openat, EMFILE),
      FAULT(read, EIO),
      FAULT(pread64, EIO),
      FAULT(newfstatat, EACCES),
      FAULT(fstat, EIO),
      FAULT(faccessat, EACCES),
      FAULT(faccessat2, EACCES),
      FAULT(readlinkat, EACCES),
      FAULT(fcntl, EMFILE),
      FAULT(mmap, ENOMEM),
      FAULT(mprotect, ENOMEM),
      FAULT(brk, ENOMEM),
      FAULT(madvise, ENOMEM),
      FAULT(clone, EAGAIN),
      FAULT(clone3, EAGAIN),
      FAULT(clone3, ENOSYS),
      FAULT(epoll_ctl, ENOSPC),
      FAULT(epoll_create1, EMFILE),
      FAULT(eventfd2, EMFILE),
      FAULT(getrandom, EAGAIN),
      FAULT(ioctl, EPERM),
      FAULT(kcmp, EPERM),
      FAULT(pidfd_open, EMFILE),
      FAULT(pidfd_getfd, EPERM),
      FAULT(pidfd_send_signal, EPERM),
      FAULT(waitid, ECHILD),
      FAULT(prctl, EPERM),
      FAULT(seccomp, EBUSY),
      FAULT(seccomp, EINVAL),
      FAULT(rt_sigaction, EPERM),
      FAULT(close_range, EINVAL),
      FAULT(dup3, EBUSY),
      FAULT(fchdir, ENOENT),
      FAULT(getppid, EPERM),
      FAULT(prlimit64, EPERM),
      FAULT(pwrite64, EIO),
      FAULT(dup, EMFILE),
#ifdef SYS_readlink
      FAULT(readlink, EACCES),
      FAULT(access, EACCES),
      FAULT(open, EMFILE),
      FAULT(stat, EACCES),
      FAULT(arch_prctl, EPERM),
#endif
  };
  return all;
}

bool FaultInjection::failing(const Fault &fault, unsigned n, const std::function<void()> &work, const char *threads) {
  arm(fault.number, fault.code, n, threads);
  work();
  return disarm();
}

void FaultInjection::start_counting(const std::string &threads) {
  char text[kNameSize] = "";
  threads.copy(text, sizeof text - 1);
  syscall(SYS_prctl, kCount, text);
}

std::vector<CallCount> FaultInjection::counted() {
  std::string text(kCountsSize, '\0');
  const long size = syscall(SYS_prctl, kCounted, text.data());
  std::istringstream lines(text.substr(0, size > 0 ? static_cast<size_t>(size) : 0));
  std::vector<CallCount> all;
  for (CallCount each; lines >> each.thread >> each.number >> each.times;) all.push_back(each);
  return all;
}

void FaultInjection::arm(long number, int code, unsigned n, const std::string &threads) {
  char text[kNameSize] = "";
  threads.copy(text, sizeof text - 1);
  syscall(SYS_prctl, kBegin, number, n, text, code);
}

bool FaultInjection::has_hit() { return syscall(SYS_prctl, kHit) == 1; }

bool FaultInjection::disarm() { return syscall(SYS_prctl, kEnd) == 1; }

void FaultInjection::hang(const std::string &path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw std::runtime_error("stat " + path);
  syscall(SYS_prctl, kHang, status.st_dev, status.st_ino);
}

void FaultInjection::hang_writes(const void *memory, size_t size) { syscall(SYS_prctl, kHangWrites, memory, size); }

unsigned FaultInjection::hanging() { return static_cast<unsigned>(syscall(SYS_prctl, kHanging)); }

void FaultInjection::let_go() { syscall(SYS_prctl, kLetGo); }

bool FaultInjection::run(const std::function<void(FaultInjection &)> &body, unsigned seconds_at_most) {
  if (under_address_sanitizer()) return false; /* its own calls would fail, too, and it does not expect that */
  bool possible = true;
  const std::string complaints = complaints_of([&] {
    alarm(seconds_at_most);
    int go[2];
    if (pipe(go) != 0) throw std::runtime_error("pipe");
    const pid_t watched = fork();
    if (watched == 0) {
      char byte;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (read(go[0], &byte, 1) != 1) _exit(1);
      FaultInjection injection;
      try {
        body(injection);
      } catch (const std::exception &thrown) {
        complain("exception", 0, thrown.what());
      }
      _exit(0);
    }
    const long options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
    if (ptrace(static_cast<__ptrace_request>(PTRACE_SEIZE), watched, 0, options) != 0) {
      kill(watched, SIGKILL);
      complain("no tracing", 0, std::strerror(errno));
      return;
    }
    ptrace(static_cast<__ptrace_request>(PTRACE_INTERRUPT), watched, 0, 0);
    if (write(go[1], "g", 1) != 1) throw std::runtime_error("write");
    const int status = Tracer(watched).watch();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) complain("watched process", 0, std::to_string(status));
  });
  possible = complaints.find("no tracing") == std::string::npos;
  if (possible) report_complaints(complaints);
  return possible;
}
