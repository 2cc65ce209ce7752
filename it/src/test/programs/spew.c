/* Writes as many bytes as asked for: 64-bit words, each its own index times an odd constant, so that a reader notices
 * any byte that is lost, doubled or out of place. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS 8192

int main(int argc, char *argv[]) {
  uint64_t left = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
  uint64_t index = 0;
  static uint64_t block[WORDS];
  while (left > 0) {
    for (int i = 0; i < WORDS; i++) {
      block[i] = index++ * 0x9e3779b97f4a7c15u;
    }
    size_t size = left < sizeof block ? (size_t)left : sizeof block;
    for (size_t done = 0; done < size;) {
      ssize_t written = write(1, (char *)block + done, size - done);
      if (written < 0) {
        return errno == EPIPE ? 3 : 1;
      }
      done += (size_t)written;
    }
    left -= size;
  }
  return 0;
}
