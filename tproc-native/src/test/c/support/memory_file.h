// A file that exists in memory only: what the readers of hostile files are fed with.
#ifndef TPROC_TEST_MEMORY_FILE_H
#define TPROC_TEST_MEMORY_FILE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

class MemoryFile {
 public:
  explicit MemoryFile(const std::string &content)
      : descriptor_(memfd_create("tproc-test", MFD_CLOEXEC)), size_(content.size()) {
    if (descriptor_ < 0 || write(descriptor_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      throw std::runtime_error("cannot make a file in memory");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;

  int descriptor() const { return descriptor_; }
  uint64_t size() const { return size_; }

  // The file shrinks, as a file does that is replaced by `cp` while it is read. size() stays what it was.
  void shrink_to(uint64_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) throw std::runtime_error("cannot truncate");
  }

 private:
  int descriptor_;
  uint64_t size_;
};

#endif
