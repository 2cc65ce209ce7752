// What /proc/self/maps says.
#ifndef TPROC_TEST_PROC_MAPS_H
#define TPROC_TEST_PROC_MAPS_H

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

struct Mapping {
  uint64_t low, high;
  std::string protection;  // "rw-p"
  std::string name;        // a path, "[heap]", or empty
};

std::vector<Mapping> mappings();

// The protection of the page at `address`, "rw-p" for instance; empty when nothing is mapped there.
std::string protection_at(uint64_t address);

// Whether a forked child sees the page at `address`: "dc" is what the kernel calls MADV_DONTFORK in smaps.
bool is_in_forks(uint64_t address);

// A reserved, inaccessible range: what image_map and entry_stack_build are given.
class Area {
 public:
  explicit Area(uint64_t size, int protection = PROT_NONE)
      : at_(mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)), size_(size) {
    if (at_ == MAP_FAILED) throw std::runtime_error("cannot reserve memory");
  }
  ~Area() { munmap(at_, size_); }
  Area(const Area &) = delete;
  Area &operator=(const Area &) = delete;
  uint64_t low() const { return reinterpret_cast<uint64_t>(at_); }
  uint64_t high() const { return low() + size_; }

 private:
  void *at_;
  uint64_t size_;
};

#endif
