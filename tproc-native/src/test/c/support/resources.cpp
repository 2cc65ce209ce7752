#include "support/resources.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "support/proc_maps.h"

extern "C" {
#include "base/proc_text.h"
#include "memory/slot.h"
}

namespace {

void for_each_entry(const char *path, const std::function<void(const char *)> &visit) {
  DIR *directory = opendir(path);
  if (directory == nullptr) return;
  while (const dirent *entry = readdir(directory))
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != dirfd(directory)) visit(entry->d_name);
  closedir(directory);
}

using Names = std::vector<std::string>;

std::string first_line_of(const std::string &path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// Of all tables that threads of this process have: those with the same content count once.
size_t count_descriptors(Names *names) {
  std::set<std::string> tables;
  size_t count = 0;
  for_each_entry("/proc/self/task", [&](const char *thread) {
    const std::string path = std::string("/proc/self/task/") + thread + "/fd";
    std::string table;
    size_t size = 0;
    for_each_entry(path.c_str(), [&](const char *name) {
      char target[64] = "";
      const std::string link = path + "/" + name;
      if (readlink(link.c_str(), target, sizeof target - 1) < 0) return;
      table += std::string(name) + ":" + target + "\n";
      size++;
    });
    if (!tables.insert(table).second) return;
    count += size;
    names->push_back("table " + table);
  });
  return count;
}

size_t count_threads(Names *names) {
  size_t count = 0;
  for_each_entry("/proc/self/task", [&](const char *thread) {
    count++;
    names->push_back("thread " + first_line_of(std::string("/proc/self/task/") + thread + "/comm"));
  });
  return count;
}

int parent_of(const char *pid) {
  char path[64], text[512];
  std::snprintf(path, sizeof path, "/proc/%s/stat", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  text[got > 0 ? got : 0] = '\0';
  process_stat stat{};
  return proc_parse_stat(text, &stat) ? stat.parent : -1;
}

size_t count_children(Names *names) {
  size_t count = 0;
  const int own = getpid();
  for_each_entry("/proc", [&, own](const char *name) {
    if (std::atoi(name) <= 0 || parent_of(name) != own) return;
    count++;
    names->push_back("child " + first_line_of(std::string("/proc/") + name + "/stat"));
  });
  return count;
}

address_range range_of_slots() {
  const auto space = std::make_unique<slot_space>();
  slot_space_init(space.get());
  const address_range range = slot_space_range(space.get());
  slot_space_destroy(space.get());
  return range;
}

/* Nameless memory outside the slots is malloc's, or the cached stack of a thread that has ended. */
size_t count_mappings(Names *names) {
  const address_range slots = range_of_slots();
  size_t count = 0;
  for (const Mapping &mapping : mappings()) {
    const bool named = !mapping.name.empty() && mapping.name != "[heap]" && mapping.name != "[stack]";
    if (!named && !range_contains(slots, mapping.low)) continue;
    count++;
    std::ostringstream text;
    text << "mapping " << std::hex << mapping.low << "-" << mapping.high << " " << mapping.protection << " "
         << mapping.name;
    names->push_back(text.str());
  }
  return count;
}

void pause_a_little() {
  const timespec millisecond{0, 1000000};
  nanosleep(&millisecond, nullptr);
}

}  // namespace

Resources Resources::now() {
  Resources found;
  found.descriptors = count_descriptors(&found.names);
  found.threads = count_threads(&found.names);
  found.children = count_children(&found.names);
  found.mappings = count_mappings(&found.names);
  std::sort(found.names.begin(), found.names.end());
  return found;
}

Resources Resources::settled() {
  Resources last = now();
  for (int same = 0; same < 3;) {
    pause_a_little();
    const Resources next = now();
    same = next.text() == last.text() ? same + 1 : 0;
    last = next;
  }
  return last;
}

std::string Resources::text() const {
  std::ostringstream text;
  text << descriptors << " descriptors, " << threads << " threads, " << children << " children, " << mappings
       << " mappings";
  return text.str();
}

namespace {

std::string news(const Resources &before, const Resources &after) {
  Names added;
  std::set_difference(after.names.begin(), after.names.end(), before.names.begin(), before.names.end(),
                      std::back_inserter(added));
  std::string text;
  for (const std::string &name : added) text += "\n" + name;
  return text;
}

}  // namespace

std::string left_behind(const Resources &before) {
  Resources found;
  for (int tries = 0; tries < 3000; tries++) {
    found = Resources::now();
    if (found.descriptors <= before.descriptors && found.threads <= before.threads &&
        found.children <= before.children && found.mappings <= before.mappings)
      return "";
    pause_a_little();
  }
  return "before: " + before.text() + "; after: " + found.text() + news(before, found);
}

std::string leaks_of(const std::function<void()> &work, int times) {
  work();
  const Resources before = Resources::settled();
  for (int i = 0; i < times; i++) work();
  return left_behind(before);
}
