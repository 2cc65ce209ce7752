// Reading and writing all of something.
#ifndef DESCRIPTORS_HPP
#define DESCRIPTORS_HPP

#include <cerrno>
#include <cstddef>
#include <unistd.h>

// Whether all of it came before the end.
inline bool read_all(int descriptor, void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t part = read(descriptor, static_cast<char *>(to) + done, size - done);
    if (part == 0 || (part < 0 && errno != EINTR)) return false;
    if (part > 0) done += static_cast<size_t>(part);
  }
  return true;
}

inline bool write_all(int descriptor, const void *from, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t part = write(descriptor, static_cast<const char *>(from) + done, size - done);
    if (part < 0 && errno != EINTR) return false;
    if (part > 0) done += static_cast<size_t>(part);
  }
  return true;
}

#endif
