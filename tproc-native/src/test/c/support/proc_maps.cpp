#include "support/proc_maps.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

/* read() and not a stream: a stream's buffer may itself be a new mapping. */
static std::string text_of_maps() {
  std::string text;
  text.reserve(1 << 20);
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot open /proc/self/maps");
  char buffer[16384];
  ssize_t got;
  while ((got = read(file, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(got));
  close(file);
  return text;
}

std::vector<Mapping> mappings() {
  std::vector<Mapping> all;
  std::istringstream lines(text_of_maps());
  for (std::string line; std::getline(lines, line);) {
    unsigned long low = 0, high = 0;
    char protection[5] = "";
    int name_at = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %n", &low, &high, protection, &name_at) < 3) continue;
    all.push_back({low, high, protection, name_at > 0 ? line.substr(static_cast<size_t>(name_at)) : ""});
  }
  return all;
}

std::string protection_at(uint64_t address) {
  for (const Mapping &mapping : mappings())
    if (address >= mapping.low && address < mapping.high) return mapping.protection;
  return "";
}

bool is_in_forks(uint64_t address) {
  std::ifstream smaps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long low = 0, high = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &low, &high) == 2) here = address >= low && address < high;
    if (here && line.rfind("VmFlags:", 0) == 0) return line.find(" dc") == std::string::npos;
  }
  return false;
}
