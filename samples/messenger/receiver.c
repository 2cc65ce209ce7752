/*
 * Waits on a Unix socket for one address, reads the message that another program keeps there, and answers with its
 * checksum. The message itself never goes through the socket.
 */
#include <inttypes.h>
#include <stdio.h>

#include "message.h"

static int answer(int peer) {
  struct offer offer;
  if (read_all(peer, &offer, sizeof offer) != 0) {
    perror("receiver: no offer");
    return 1;
  }
  const unsigned char *message = (const unsigned char *)(uintptr_t)offer.address;
  uint64_t sum = checksum(message, offer.size);
  printf("receiver: %" PRIu64 " bytes at 0x%" PRIx64 " begin with \"%.24s\", checksum %016" PRIx64 "\n", offer.size,
         offer.address, (const char *)message, sum);
  if (write(peer, &sum, sizeof sum) != (ssize_t)sizeof sum) {
    perror("receiver: cannot answer");
    return 1;
  }
  return 0;
}

int main(int argc, char *argv[]) {
  if (argc != 2) {
    fprintf(stderr, "usage: receiver SOCKET\n");
    return 2;
  }
  struct sockaddr_un address;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_address(&address, argv[1]) != 0 ||
      bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
    perror("receiver: cannot listen");
    return 1;
  }
  puts("receiver: listening");
  fflush(stdout);
  int peer = accept(listener, NULL, NULL);
  if (peer < 0) {
    perror("receiver: accept");
    return 1;
  }
  int status = answer(peer);
  close(peer);
  close(listener);
  unlink(argv[1]);
  return status;
}
