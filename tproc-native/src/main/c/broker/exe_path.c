#include "broker/exe_path.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 32 /* a longer one is no part of such a path */
#define NAMES_MAX 8

/* A path without what does not change it. */
struct names {
  char name[NAMES_MAX][NAME_SIZE];
  size_t count; /* may be more than NAMES_MAX: these are counted, so that ".." leads back, but not kept */
};

static const char *const file_names[] = {
    [OWN_EXECUTABLE] = "exe", [OWN_ARGUMENTS] = "cmdline", [OWN_ENVIRONMENT] = "environ", [OWN_AUXV] = "auxv"};

/* Which file's name the last one of a path is. */
static enum own_file last_name(const char *path) {
  const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path;
  enum own_file file = OWN_AUXV;
  while (file != OWN_NONE && strcmp(last, file_names[file]) != 0) file--;
  return file;
}

bool exe_path_is_relative(const char *path) {
  return path[0] != '/' && (path[0] == '\0' || last_name(path) != OWN_NONE);
}

static void add(struct names *names, const char *name, size_t length) {
  if (names->count < NAMES_MAX) {
    /* What is cut would be taken for another name. */
    if (length < NAME_SIZE) memcpy(names->name[names->count], name, length);
    names->name[names->count][length < NAME_SIZE ? length : 0] = '\0';
  }
  names->count++;
}

static void add_number(struct names *names, pid_t number) {
  char text[NAME_SIZE];
  add(names, text, (size_t)snprintf(text, sizeof text, "%d", number));
}

static bool is(const struct names *names, size_t at, const char *name) {
  return at < names->count && at < NAMES_MAX && strcmp(names->name[at], name) == 0;
}

/* The two links that /proc has, to what they lead to. */
static bool add_link(const struct exe_path_owner *owner, struct names *names, const char *name, size_t length) {
  static const char self[] = "self", thread[] = "thread-self";
  const bool is_thread = length == sizeof thread - 1 && memcmp(name, thread, length) == 0;
  if (names->count != 1 || !is(names, 0, "proc")) return false;
  if (!is_thread && (length != sizeof self - 1 || memcmp(name, self, length) != 0)) return false;
  add_number(names, is_thread ? owner->thread : owner->process);
  if (is_thread) {
    add(names, "task", 4);
    add_number(names, owner->thread);
  }
  return true;
}

/* Links of a process's directory that lead out of it: ".." behind one of these is the parent of what it leads to. */
static bool leads_elsewhere(const struct names *names) {
  const size_t last = names->count - 1;
  return is(names, last, "cwd") || is(names, last, "root") || (last > 0 && is(names, last - 1, "fd"));
}

/* @return whether it can be known */
static bool go_up(struct names *names) {
  if (names->count == 0) return true;
  if (leads_elsewhere(names)) return false;
  names->count--;
  return true;
}

/* @return whether it can be known by the text where that leads */
static bool add_path(const struct exe_path_owner *owner, struct names *names, const char *path) {
  for (const char *at = path; *at != '\0';) {
    const size_t length = strcspn(at, "/");
    const bool stays = length == 0 || (length == 1 && *at == '.'), up = length == 2 && memcmp(at, "..", 2) == 0;
    if (up && !go_up(names)) return false;
    if (!stays && !up && !add_link(owner, names, at, length)) add(names, at, length);
    at += length;
    if (*at == '/') at++;
  }
  return true;
}

static bool is_thread_of(pid_t process, pid_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d", process, thread);
  return access(path, F_OK) == 0;
}

static bool is_own_number(const struct exe_path_owner *owner, const struct names *names, size_t at) {
  if (at >= names->count || at >= NAMES_MAX) return false;
  char *end;
  const long number = strtol(names->name[at], &end, 10);
  if (*end != '\0' || number <= 0 || number > INT32_MAX) return false;
  if (number == owner->process || number == owner->thread) return true;
  return owner->may_have_threads && is_thread_of(owner->process, (pid_t)number);
}

enum own_file exe_path_own_file(const struct exe_path_owner *owner, const char *directory, const char *path) {
  struct names names = {.count = 0};
  const bool absolute = path[0] == '/';
  const enum own_file file = last_name(path[0] != '\0' ? path : directory);
  if (file == OWN_NONE) return OWN_NONE;
  if (!absolute && !add_path(owner, &names, directory)) return OWN_NONE;
  if (!add_path(owner, &names, path)) return OWN_NONE;
  if (!is(&names, 0, "proc") || !is_own_number(owner, &names, 1)) return OWN_NONE;
  const bool of_process = names.count == 3 && is(&names, 2, file_names[file]);
  const bool of_thread =
      names.count == 5 && is(&names, 2, "task") && is_own_number(owner, &names, 3) && is(&names, 4, file_names[file]);
  return of_process || of_thread ? file : OWN_NONE;
}
