#include "loader/file_identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's clock for files advances with its ticks: 100 in a second at least. */
#define TICK 10000000
#define NANOSECONDS 1000000000

struct file_list_entry {
  char *path;
  struct file_identity identity;
};

struct file_identity file_identity_of(const struct stat *status) {
  return (struct file_identity){.device = (uint64_t)status->st_dev,
                                .inode = (uint64_t)status->st_ino,
                                .size = (uint64_t)status->st_size,
                                .changed = (int64_t)status->st_ctim.tv_sec * NANOSECONDS + status->st_ctim.tv_nsec};
}

bool file_identity_equals(const struct file_identity *one, const struct file_identity *other) {
  return one->device == other->device && one->inode == other->inode && one->size == other->size &&
         one->changed == other->changed;
}

bool file_identity_is_older(const struct file_identity *identity, int64_t time) {
  return identity->changed < time - 2 * TICK;
}

static int identify(const char *path, struct file_identity *identity) {
  struct stat status;
  memset(identity, 0, sizeof *identity);
  if (stat(path, &status) != 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  *identity = file_identity_of(&status);
  return 0;
}

static bool grow(struct file_list *list) {
  const size_t room = list->room == 0 ? 16 : 2 * list->room;
  struct file_list_entry *grown = realloc(list->entries, room * sizeof *grown);
  if (grown == NULL) return false;
  list->entries = grown;
  list->room = room;
  return true;
}

int file_list_add(struct file_list *list, const char *path) {
  if (list->count == list->room && !grow(list)) return -ENOMEM;
  struct file_list_entry *entry = &list->entries[list->count];
  const int failed = identify(path, &entry->identity);
  if (failed) return failed;
  entry->path = strdup(path);
  if (entry->path == NULL) return -ENOMEM;
  list->count++;
  return 0;
}

bool file_list_is_unchanged(const struct file_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct file_identity now;
    if (identify(list->entries[i].path, &now) != 0) return false;
    if (!file_identity_equals(&now, &list->entries[i].identity)) return false;
  }
  return true;
}

bool file_list_is_older(const struct file_list *list, int64_t time) {
  for (size_t i = 0; i < list->count; i++)
    if (!file_identity_is_older(&list->entries[i].identity, time)) return false;
  return true;
}

void file_list_release(struct file_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->entries[i].path);
  free(list->entries);
  *list = (struct file_list){0};
}
