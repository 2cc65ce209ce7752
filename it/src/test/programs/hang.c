/*
 * A file system that never answers: hang DIRECTORY mounts it there, says "hung", and waits for the end of its input.
 * Every open below the directory waits as on a dead network server. Needs root.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  if (argc < 2) return 70;
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    perror("/dev/fuse");
    return 77;
  }
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("hang", argv[1], "fuse", 0, options) != 0) {
    perror("mount");
    return 77;
  }
  puts("hung");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  umount2(argv[1], MNT_DETACH);
  return 0;
}
