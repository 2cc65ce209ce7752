// A directory that goes away with its test.
#ifndef TPROC_TEST_TEMPORARY_DIRECTORY_H
#define TPROC_TEST_TEMPORARY_DIRECTORY_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char *parent = std::getenv("TMPDIR");
    path_ = std::string(parent != nullptr ? parent : "/tmp") + "/tproc-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr || chmod(path_.c_str(), 0755) != 0)
      throw std::runtime_error("cannot make a temporary directory");
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

  const std::string &path() const { return path_; }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }

  std::string file(const std::string &name, const std::string &content, mode_t mode = 0755) const {
    const std::string path = *this / name;
    std::ofstream(path, std::ios::binary) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string directory(const std::string &name, mode_t mode = 0755) const {
    const std::string path = *this / name;
    mkdir(path.c_str(), 0755);
    chmod(path.c_str(), mode);
    return path;
  }
  std::string link(const std::string &name, const std::string &to) const {
    const std::string path = *this / name;
    if (symlink(to.c_str(), path.c_str()) != 0) throw std::runtime_error("cannot make a link");
    return path;
  }

 private:
  std::string path_;
};

#endif
