// A listening host for tests of the launcher that knows nothing of hosting: it speaks the protocol, and starts programs
// natively, or plays a host that fails, hangs or lies.
#ifndef TPROC_TEST_LAUNCHER_HOST_H
#define TPROC_TEST_LAUNCHER_HOST_H

#include <sys/types.h>

#include <string>
#include <vector>

extern "C" {
#include "wire/wire.h"
}

// A LAUNCH as it came, with its descriptors.
struct Request {
  std::vector<char> payload;
  std::vector<int> descriptors;
  wire_launch_view view{};

  Request() = default;
  Request(Request &&) = default;
  Request(const Request &) = delete;
  ~Request();

  std::vector<std::string> arguments() const;
  std::vector<std::string> environment() const;
  std::vector<int> numbers() const;
  // Starts the program as a host does, but natively. Returns its pid; a child of the caller.
  pid_t start_natively() const;
};

// One connection, at the host's end.
class PlayedClient {
 public:
  explicit PlayedClient(int socket) : socket_(socket) {}
  PlayedClient(PlayedClient &&other) noexcept : socket_(other.socket_) { other.socket_ = -1; }
  PlayedClient(const PlayedClient &) = delete;
  ~PlayedClient() { close(); }

  int socket() const { return socket_; }
  Request request();
  // Type of the next frame, which has no payload; 0 when the connection has ended.
  int next();
  void send(wire_type type, const void *payload, size_t size, int descriptor = -1);
  void started(pid_t pid);
  void failed(int code, int exit_code, const std::string &text);
  void ended(uint32_t kind, int status);
  void ended_as(int wait_status);
  void stopped(int signal);
  void close();

 private:
  int socket_;
};

// A listening socket; the test plays the host.
class ListeningSocket {
 public:
  explicit ListeningSocket(const std::string &path, int backlog = 16);
  ListeningSocket(const ListeningSocket &) = delete;
  ~ListeningSocket() { close(); }
  PlayedClient accept();
  void close();

 private:
  int socket_;
};

// A process that serves one client after the other, each in a process of its own, all natively, until it is killed.
class NativeHost {
 public:
  explicit NativeHost(const std::string &path);
  NativeHost(const NativeHost &) = delete;
  ~NativeHost() { kill(); }
  // SIGKILL, to it and all that it started.
  void kill();

 private:
  pid_t pid_;
};

#endif
