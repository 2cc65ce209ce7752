/* What the two messengers say to each other over their Unix socket: eight bytes of address instead of 4 KiB of data. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_SIZE 4096

/** Where the sender keeps its message, in the sender's own heap. */
struct offer {
  uint64_t address;
  uint64_t size;
};

/** FNV-1a, 64 bits. */
static inline uint64_t checksum(const unsigned char *bytes, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; i++) {
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  }
  return hash;
}

/** Fills in a Unix socket address. Returns -1 when the path is too long for one. */
static inline int socket_address(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) {
    return -1;
  }
  strcpy(address->sun_path, path);
  return 0;
}

/** Reads exactly size bytes. Returns -1 on an error or an early end. */
static inline int read_all(int fd, void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = read(fd, (char *)to + done, size - done);
    if (n <= 0) {
      return -1;
    }
    done += (size_t)n;
  }
  return 0;
}

#endif
