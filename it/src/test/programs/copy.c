/* Copies its input to its output, or to its error output when the argument is 2, byte by byte as it comes. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  int to = argc > 1 ? atoi(argv[1]) : 1;
  char buffer[65536];
  ssize_t size;
  while ((size = read(0, buffer, sizeof buffer)) > 0) {
    for (ssize_t done = 0; done < size;) {
      ssize_t written = write(to, buffer + done, (size_t)(size - done));
      if (written <= 0) {
        return 1;
      }
      done += written;
    }
  }
  return size == 0 ? 0 : 1;
}
