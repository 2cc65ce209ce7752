#include "support/preparing.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "support/patience.h"

Prepared::Prepared(const Host &host) : kinds(16) {
  kinds.resize(tproc_host_prepared(host.get(), kinds.data(), kinds.size(), &totals));
}

tproc_prepared only(const Host &host) {
  const Prepared prepared(host);
  REQUIRE(prepared.kinds.size() == 1);
  return prepared.kinds[0];
}

bool waits(const Host &host, unsigned count) {
  return eventually([&] { return only(host).ready == count; });
}

static void until_made(const std::function<Launched()> &make) {
  Launched prepared;
  CHECK(eventually([&] { return (prepared = make()).result != -EAGAIN; }));
  CHECK(prepared.message() == "");
  REQUIRE(prepared.result == 0);
}

void prepare(Host &host, const Launch &launch, unsigned count, uint64_t age_max) {
  until_made([&] { return host.prepare(launch, count, age_max); });
}

void prepare_ready(Host &host, const Launch &launch, unsigned count, uint64_t age_max) {
  until_made([&] { return host.prepare_ready(launch, count, age_max); });
}

std::vector<pid_t> children_named(const std::string &name) {
  std::vector<pid_t> found;
  for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    std::string text;
    if (pid <= 0 || !std::getline(std::ifstream(entry.path() / "stat") >> std::ws, text)) continue;
    const size_t end = text.rfind(')');
    if (end != std::string::npos && text.substr(0, end).find("(" + name) != std::string::npos &&
        std::atoi(text.c_str() + end + 4) == getpid())
      found.push_back(pid);
  }
  return found;
}
