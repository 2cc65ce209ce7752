/* Sends back each byte that it gets: over its standard streams, or over the Unix socket that it is given. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return descriptor >= 0 && connect(descriptor, (void *)&address, sizeof address) == 0 ? descriptor : -1;
}

int main(int count, char **arguments) {
  const int from = count > 1 ? connected(arguments[1]) : STDIN_FILENO;
  const int to = count > 1 ? from : STDOUT_FILENO;
  if (from < 0) return perror(arguments[1]), 1;
  char byte;
  while (read(from, &byte, 1) == 1)
    if (write(to, &byte, 1) != 1) return 1;
  return 0;
}
