#include "broker/target_access.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/process_credentials.h"

/*
 * Held during one look into a target whose user has changed, since dumpability is the memory's: of all threads
 * together. Taken under the listener's lock, or by a deferred reply without one; no other lock is taken under it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define KEEP (-1)

/* As libc's, but for the calling thread alone: libc changes all threads. */
static long set_users(uid_t real) { return syscall(SYS_setresuid, real, KEEP, KEEP); }
static long set_groups(gid_t real) { return syscall(SYS_setresgid, real, KEEP, KEEP); }

/* As one says of itself: nothing can be told of a target that is several at once. */
static bool is_one(const unsigned *ids) {
  return ids[PROCESS_REAL] == ids[PROCESS_EFFECTIVE] && ids[PROCESS_EFFECTIVE] == ids[PROCESS_SAVED];
}

static bool find_ids(pid_t tid, uid_t *user, gid_t *group) {
  struct process_credentials credentials;
  if (!process_credentials_read(tid, &credentials)) return false;
  *user = credentials.users[PROCESS_REAL];
  *group = credentials.groups[PROCESS_REAL];
  return is_one(credentials.users) && is_one(credentials.groups);
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
