#include "broker/target_access.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Held during one look into a target whose user has changed, since dumpability is the memory's: of all threads
 * together. Taken under the listener's lock; no other lock is taken under it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define KEEP (-1)
#define STATUS_SIZE 4096

/* As libc's, but for the calling thread alone: libc changes all threads. */
static long set_users(uid_t real) { return syscall(SYS_setresuid, real, KEEP, KEEP); }
static long set_groups(gid_t real) { return syscall(SYS_setresgid, real, KEEP, KEEP); }

static bool read_status(pid_t tid, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t got = read(file, text, size - 1);
  close(file);
  text[got > 0 ? got : 0] = '\0';
  return got > 0;
}

/* The id of a line "Uid: real effective saved file" whose first three are one; they decide. */
static bool find_id(const char *text, const char *name, unsigned *id) {
  unsigned effective, saved;
  const char *line = strstr(text, name);
  return line != NULL && sscanf(line + strlen(name), "%u %u %u", id, &effective, &saved) == 3 && effective == *id &&
         saved == *id;
}

static bool find_ids(pid_t tid, uid_t *user, gid_t *group) {
  char text[STATUS_SIZE];
  return read_status(tid, text, sizeof text) && find_id(text, "\nUid:", user) && find_id(text, "\nGid:", group);
}

static void set_capabilities(const struct __user_cap_data_struct *capabilities) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  syscall(SYS_capset, &header, capabilities);
}

static bool get_capabilities(struct __user_cap_data_struct *capabilities) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  return syscall(SYS_capget, &header, capabilities) == 0;
}

static void go_back(const struct target_access *access) {
  if (access->is_other) {
    setfsuid(access->file_user);
    set_users(access->user);
    setfsgid(access->file_group);
    set_groups(access->group);
    set_capabilities(access->capabilities);
  }
  /* Each change of a user made the memory undumpable. 2 cannot be set, and is no more accessible than 0. */
  prctl(PR_SET_DUMPABLE, access->dumpable == 1);
}

/* The file user's change drops what may open any file, which is to stay: a descriptor may be opened anew. */
static bool become(uid_t user, gid_t group, const struct target_access *access) {
  if (set_groups(group) != 0 || set_users(user) != 0) return false;
  setfsgid(group);
  setfsuid(user);
  struct __user_cap_data_struct raised[_LINUX_CAPABILITY_U32S_3];
  memcpy(raised, access->capabilities, sizeof raised);
  for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) raised[i].effective = raised[i].permitted;
  set_capabilities(raised);
  return true;
}

static bool begin(struct target_access *access, pid_t tid) {
  uid_t user, effective_user, saved_user;
  gid_t group, effective_group, saved_group;
  if (!find_ids(tid, &user, &group) || !get_capabilities(access->capabilities)) return false;
  if (getresuid(&access->user, &effective_user, &saved_user) != 0) return false;
  if (getresgid(&access->group, &effective_group, &saved_group) != 0) return false;
  access->file_user = (uid_t)setfsuid((uid_t)KEEP); /* an id that there is not changes nothing, and gives what is */
  access->file_group = (gid_t)setfsgid((gid_t)KEEP);
  access->dumpable = prctl(PR_GET_DUMPABLE);
  access->is_other = user != access->user || group != access->group;
  if (!access->is_other && access->dumpable == 1) return false;
  if (access->is_other && !become(user, group, access)) {
    go_back(access);
    return false;
  }
  return prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool target_access_begin(struct target_access *access, pid_t tid) {
  pthread_mutex_lock(&lock);
  const bool begun = begin(access, tid);
  if (!begun) pthread_mutex_unlock(&lock);
  return begun;
}

void target_access_end(const struct target_access *access) {
  const int code = errno;
  go_back(access);
  pthread_mutex_unlock(&lock);
  errno = code;
}
