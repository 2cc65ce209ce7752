/*
 * A file system with one file, "f", that does not answer certain requests: hungfile DIRECTORY REQUEST... mounts it
 * there, says "ready", and waits for the end of its input. REQUEST is "open", "read", "flush" (what close does) or
 * "getattr". Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NODE 2
#define FILE_SIZE 8192

static int device;
static bool hangs[64];

static void reply(const struct fuse_in_header *request, int error, const void *body, size_t size) {
  char message[sizeof(struct fuse_out_header) + FILE_SIZE];
  const struct fuse_out_header head = {
      .len = (uint32_t)(sizeof head + size), .error = error, .unique = request->unique};
  memcpy(message, &head, sizeof head);
  if (size > 0) memcpy(message + sizeof head, body, size);
  if (write(device, message, sizeof head + size) < 0 && errno != ENOENT) perror("reply");
}

static struct fuse_attr attributes(uint64_t node) {
  const bool is_file = node == FILE_NODE;
  return (struct fuse_attr){.ino = node,
                            .mode = is_file ? S_IFREG | 0777 : S_IFDIR | 0755,
                            .size = is_file ? FILE_SIZE : 0,
                            .nlink = 1,
                            .blksize = 4096};
}

static void begin(const struct fuse_in_header *request, const struct fuse_init_in *wanted) {
  const struct fuse_init_out answer = {.major = FUSE_KERNEL_VERSION,
                                       .minor = wanted->minor < 31 ? wanted->minor : 31,
                                       .max_readahead = 65536,
                                       .max_background = 16,
                                       .max_write = 65536};
  reply(request, 0, &answer, sizeof answer);
}

static void look_up(const struct fuse_in_header *request, const char *name) {
  const struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
  const bool found = strcmp(name, "f") == 0;
  reply(request, found ? 0 : -ENOENT, &entry, found ? sizeof entry : 0);
}

static void read_file(const struct fuse_in_header *request, const struct fuse_read_in *wanted) {
  static const char zeroes[FILE_SIZE];
  size_t size = wanted->offset < FILE_SIZE ? FILE_SIZE - wanted->offset : 0;
  if (size > wanted->size) size = wanted->size;
  reply(request, 0, zeroes, size);
}

static void answer(const struct fuse_in_header *request) {
  const void *body = request + 1;
  if (request->opcode < sizeof hangs && hangs[request->opcode] && request->nodeid == FILE_NODE) return;
  switch (request->opcode) {
    case FUSE_INIT:
      begin(request, body);
      break;
    case FUSE_LOOKUP:
      look_up(request, body);
      break;
    case FUSE_GETATTR:
      reply(request, 0, &(struct fuse_attr_out){.attr = attributes(request->nodeid)}, sizeof(struct fuse_attr_out));
      break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      reply(request, 0, &(struct fuse_open_out){.fh = 1}, sizeof(struct fuse_open_out));
      break;
    case FUSE_READ:
      read_file(request, body);
      break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      reply(request, 0, NULL, 0);
      break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;
    default:
      reply(request, -ENOSYS, NULL, 0);
  }
}

/* Until the end of the input. */
static void serve(void) {
  struct pollfd both[] = {{.fd = device, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  _Alignas(struct fuse_in_header) char request[256 << 10];
  while (poll(both, 2, -1) > 0 || errno == EINTR) {
    if (both[1].revents != 0 && read(0, request, sizeof request) <= 0) return;
    if (both[0].revents != 0 && read(device, request, sizeof request) > 0) answer((struct fuse_in_header *)request);
  }
}

static bool hang(const char *name) {
  if (strcmp(name, "open") == 0) return hangs[FUSE_OPEN] = true;
  if (strcmp(name, "read") == 0) return hangs[FUSE_READ] = true;
  if (strcmp(name, "flush") == 0) return hangs[FUSE_FLUSH] = true;
  if (strcmp(name, "getattr") == 0) return hangs[FUSE_GETATTR] = true;
  return false;
}

int main(int argc, char *argv[]) {
  if (argc < 2) return 70;
  for (int i = 2; i < argc; i++)
    if (!hang(argv[i])) return 70;
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (device < 0 || mount("hungfile", argv[1], "fuse", 0, options) != 0) {
    perror("mount");
    return 77;
  }
  puts("ready");
  fflush(stdout);
  serve();
  umount2(argv[1], MNT_DETACH);
  return 0;
}
