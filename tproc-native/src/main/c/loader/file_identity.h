/* Whether files are still those that they were. */
#ifndef TPROC_FILE_IDENTITY_H
#define TPROC_FILE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/** What changes with a file, or its content. All zero: there is no file. */
struct file_identity {
  uint64_t device, inode, size;
  int64_t changed; /**< ctime, nanoseconds since 1970 */
};

struct file_identity file_identity_of(const struct stat *status);

bool file_identity_equals(const struct file_identity *one, const struct file_identity *other);

/**
 * Whether it has not changed since a time (nanoseconds since 1970), nor so shortly before that another change could
 * have the same time.
 */
bool file_identity_is_older(const struct file_identity *identity, int64_t time);

/** Files by name. Zeroed or released, it owns nothing. */
struct file_list {
  struct file_list_entry *entries;
  size_t count, room;
};

/** Notes what a path leads to now, and be it nothing. @return 0, -ENOMEM, or the error of stat */
int file_list_add(struct file_list *list, const char *path);

/** Whether each path still leads to the same. */
bool file_list_is_unchanged(const struct file_list *list);

/** file_identity_is_older of each. */
bool file_list_is_older(const struct file_list *list, int64_t time);

void file_list_release(struct file_list *list);

#endif
