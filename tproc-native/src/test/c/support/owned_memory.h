// A threadproc's memory without a threadproc.
#ifndef TPROC_TEST_OWNED_MEMORY_H
#define TPROC_TEST_OWNED_MEMORY_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <stdexcept>

extern "C" {
#include "memory/memory.h"
}

// The slots of a host, and its view of its mappings.
class Slots {
 public:
  explicit Slots(uint64_t slot_size = 0) : space_(std::make_unique<slot_space>()) {
    slot_space_init(space_.get());
    if (slot_size != 0) space_->slot_size = slot_size;  // as on a machine with fewer address bits
    tproc_error error{};
    if (address_space_open(&view_, &error) != 0) throw std::runtime_error(error.message);
  }
  ~Slots() {
    address_space_close(&view_);
    slot_space_destroy(space_.get());
  }
  Slots(const Slots &) = delete;
  Slots &operator=(const Slots &) = delete;
  slot_space *space() const { return space_.get(); }
  const address_space *view() const { return &view_; }
  void read_maps() { view_.can_query = false; }  // as with a kernel before 6.11

 private:
  std::unique_ptr<slot_space> space_;
  address_space view_{};
};

// One memory with its parts laid out, released at the end.
class OwnedMemory {
 public:
  explicit OwnedMemory(const Slots &slots) {
    tproc_error error{};
    if (memory_open(&memory_, slots.space(), slots.view(), this, &error) != 0) throw std::runtime_error(error.message);
    const uint64_t third =
        memory_.slot.usable.low + (memory_.slot.usable.high - memory_.slot.usable.low) / 3 / page() * page();
    const uint64_t two_thirds = third + (third - memory_.slot.usable.low);
    memory_divide(&memory_, {memory_.slot.usable.low, memory_.slot.usable.low + 128 * 1024}, {third, two_thirds},
                  {two_thirds, memory_.slot.usable.high});
  }
  ~OwnedMemory() { release(); }
  OwnedMemory(const OwnedMemory &) = delete;
  OwnedMemory &operator=(const OwnedMemory &) = delete;

  memory *get() { return &memory_; }
  memory *operator->() { return &memory_; }
  void release() {
    if (!released_) memory_release(&memory_);
    released_ = true;
  }
  int64_t map(uint64_t length, int flags = MAP_PRIVATE | MAP_ANONYMOUS, uint64_t address = 0, int file = -1,
              int protection = PROT_READ | PROT_WRITE) {
    const map_request request{address, length, protection, flags, file, 0, 0};
    return memory_map(&memory_, &request);
  }
  bool in_slot(int64_t address) const {
    return address > 0 && range_contains(memory_.slot.usable, static_cast<uint64_t>(address));
  }

 private:
  static uint64_t page() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }
  memory memory_{};
  bool released_ = false;
};

#endif
