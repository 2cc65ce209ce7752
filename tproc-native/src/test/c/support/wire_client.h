// A client of a listening host that speaks the protocol by hand, so that a test can also speak it wrongly.
#ifndef TPROC_TEST_WIRE_CLIENT_H
#define TPROC_TEST_WIRE_CLIENT_H

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/temporary_directory.h"

extern "C" {
#include "server/server.h"
#include "wire/wire.h"
}

// A frame from the host.
struct Reply {
  int type = 0;  // 0: the connection has ended; -1: nothing came in time
  std::string payload;
  int descriptor = -1;

  template <typename Fixed>
  Fixed as() const {
    Fixed fixed{};
    if (payload.size() >= sizeof fixed) std::memcpy(&fixed, payload.data(), sizeof fixed);
    return fixed;
  }
  int error_code() const { return type == WIRE_FAILED ? as<wire_failed>().code : 0; }
  int exit_code() const { return type == WIRE_FAILED ? as<wire_failed>().exit_code : 0; }
  std::string message() const { return type == WIRE_FAILED ? payload.substr(sizeof(wire_failed)) : ""; }
};

// What a LAUNCH asks for: by default a test program with the test's own limits, in its own directory.
struct LaunchRequest {
  std::string program;
  std::vector<std::string> arguments;  // with argv[0]
  std::vector<std::string> environment;
  std::map<int, int> descriptors;  // number there: the test's own
  std::string directory = ".";
  int directory_descriptor = -1;  // instead of directory
  wire_launch settings{};
  bool has_state = false;  // an older client sends none
  wire_launch_state state{};
  std::vector<uint64_t> cpus;

  explicit LaunchRequest(const std::string &what, const std::vector<std::string> &with = {});
  std::string payload() const;
};

class Client {
 public:
  explicit Client(const std::string &path);
  ~Client() { close(); }
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;

  int descriptor() const { return socket_; }
  void close();

  // Sends bytes with descriptors on the first of them. False when the host does not listen any more.
  bool send(const std::string &bytes, const std::vector<int> &descriptors = {}) const;
  bool send_frame(wire_type type, const std::string &payload = "", const std::vector<int> &descriptors = {}) const;
  bool launch(const LaunchRequest &request) const;
  Reply receive(int timeout_milliseconds = 20000) const;
  // The next reply has to be a STARTED; its pid.
  pid_t started() const;
  // The next reply has to be an ENDED; the exit status, or 1000 + the signal.
  int ended() const;

 private:
  int socket_;
};

template <typename Fixed>
std::string bytes_of(const Fixed &fixed) {
  return std::string(reinterpret_cast<const char *>(&fixed), sizeof fixed);
}

// A pipe. What a program writes to it is read to its end.
class Pipe {
 public:
  Pipe();
  ~Pipe();
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;
  int out() const { return ends_[0]; }
  int in() const { return ends_[1]; }
  void close_in();
  void close_out();
  // Everything up to the end of the file; "…" is added when it does not come in time.
  std::string rest();

 private:
  int ends_[2];
};

// A host that listens in a directory of its own.
class Listening {
 public:
  explicit Listening(const server_options &options = server_default_options);
  ~Listening();
  Listening(const Listening &) = delete;
  Listening &operator=(const Listening &) = delete;

  tproc_host *host() const { return host_.get(); }
  const std::string &path() const { return path_; }
  void close();
  // How many threadprocs the host has that have not been closed.
  size_t count() const;

 private:
  TemporaryDirectory directory_;
  std::string path_;
  Host host_;
  tproc_server *server_ = nullptr;
};

#endif
