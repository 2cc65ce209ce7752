/*
 * Writes a message of 4 KiB into its own heap, tells the receiver only where it is, and checks the answer. It keeps the
 * message until the answer is there: that is the whole protocol for sharing memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

static unsigned char *new_message(void) {
  unsigned char *message = malloc(MESSAGE_SIZE);
  if (message == NULL) {
    return NULL;
  }
  int length = snprintf((char *)message, MESSAGE_SIZE, "greetings from pid %d ", (int)getpid());
  for (size_t i = (size_t)length; i < MESSAGE_SIZE; i++) {
    message[i] = (unsigned char)('a' + i % 26);
  }
  return message;
}

int main(int argc, char *argv[]) {
  if (argc != 2) {
    fprintf(stderr, "usage: sender SOCKET\n");
    return 2;
  }
  struct sockaddr_un address;
  int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_address(&address, argv[1]) != 0 || connect(peer, (const struct sockaddr *)&address, sizeof address) != 0) {
    perror("sender: cannot connect");
    return 1;
  }
  unsigned char *message = new_message();
  if (message == NULL) {
    perror("sender: malloc");
    return 1;
  }
  struct offer offer = {(uint64_t)(uintptr_t)message, MESSAGE_SIZE};
  uint64_t answer = 0;
  if (write(peer, &offer, sizeof offer) != (ssize_t)sizeof offer || read_all(peer, &answer, sizeof answer) != 0) {
    perror("sender: no answer");
    return 1;
  }
  uint64_t expected = checksum(message, MESSAGE_SIZE);
  printf("sender: expected %016" PRIx64 ", answered %016" PRIx64 "\n", expected, answer);
  free(message);
  close(peer);
  return answer == expected ? 0 : 1;
}
