#include "broker/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ENOENT: the target was killed meanwhile. */
static int sent(int result) { return result >= 0 || errno == ENOENT || errno == EINPROGRESS ? 0 : -errno; }

static int send_response(int notify_fd, const struct seccomp_notif_resp *response) {
  _Alignas(8) char room[NOTIFICATION_MAX];
  memset(room, 0, sizeof room);
  memcpy(room, response, sizeof *response);
  return sent(ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_SEND, room));
}

/* The new descriptor and the answer in one step (since Linux 5.14). */
static int send_descriptor(int notify_fd, uint64_t id, const struct broker_answer *answer) {
  struct seccomp_notif_addfd request = {.id = id,
                                        .flags = SECCOMP_ADDFD_FLAG_SEND,
                                        .srcfd = (uint32_t)answer->result,
                                        .newfd_flags = answer->close_on_exec ? O_CLOEXEC : 0};
  int result = ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  const int code = result < 0 ? errno : 0;
  close((int)answer->result);
  if (code == 0 || code == ENOENT) return 0;
  return send_response(notify_fd, &(struct seccomp_notif_resp){.id = id, .error = -code}); /* its table is full, say */
}

int reply_send(int notify_fd, uint64_t id, const struct broker_answer *answer) {
  if (answer->verdict == BROKER_ADDFD) return send_descriptor(notify_fd, id, answer);
  struct seccomp_notif_resp response = {.id = id};
  if (answer->verdict == BROKER_CONTINUE)
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  else if (answer->result < 0 && answer->result > -4096)
    response.error = (int)answer->result;
  else
    response.val = answer->result;
  return send_response(notify_fd, &response);
}
