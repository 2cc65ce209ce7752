#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "support/own_process.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

extern "C" {
#include "server/socket.h"
}

TEST_SUITE_BEGIN("server socket");

namespace {

struct Opened {
  server_socket socket{};
  tproc_error error{};
  int result;
  explicit Opened(const std::string &path) : result(server_socket_open(&socket, path.c_str(), &error)) {}
  ~Opened() {
    if (result == 0) server_socket_close(&socket);
  }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;
  // What the message says after the path.
  std::string because(const std::string &path) const {
    const std::string start = "cannot listen at " + path + ": ", message = error.message;
    return message.compare(0, start.size(), start) == 0 ? message.substr(start.size()) : "?? " + message;
  }
};

int connect_to(const std::string &path) {
  const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int result = connect(made, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 ? 0 : -errno;
  close(made);
  return result;
}

// What a host that was killed leaves behind.
void leave_stale(const std::string &path, int type = SOCK_STREAM) {
  const int made = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(made, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
  close(made);
}

bool exists(const std::string &path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

TEST_CASE("a socket is there for its owner only, whatever the umask, and is removed") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  for (const mode_t mask : {0000, 0022, 0777}) {
    const mode_t before = umask(mask);
    {
      Opened opened(path);
      umask(before);
      REQUIRE(opened.result == 0);
      struct stat status;
      REQUIRE(stat(path.c_str(), &status) == 0);
      CHECK(S_ISSOCK(status.st_mode));
      CHECK((status.st_mode & 07777) == 0600);
      CHECK(connect_to(path) == 0);
    }
    CHECK(!exists(path));
  }
}

TEST_CASE("opening and closing leaves nothing, failing neither") {
  TemporaryDirectory directory;
  directory.file("file", "");
  CHECK(leaks_of([&directory] {
          Opened opened(directory / "socket"), again(directory / "socket"), file(directory / "file");
          CHECK(again.result == -EADDRINUSE);
          CHECK(file.result == -EEXIST);
        }) == "");
}

TEST_CASE("the socket of a host that has died is replaced") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  leave_stale(path);
  CHECK(connect_to(path) == -ECONNREFUSED);
  Opened opened(path);
  CHECK(opened.result == 0);
  CHECK(connect_to(path) == 0);
}

TEST_CASE("the socket of a host that listens is left alone") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  Opened first(path);
  Opened second(path);
  CHECK(second.result == -EADDRINUSE);
  CHECK(second.because(path) == "a host listens there already (EADDRINUSE)");
  CHECK(connect_to(path) == 0);
}

TEST_CASE("what is not a socket is never removed") {
  TemporaryDirectory directory;
  const std::string file = directory.file("file", "precious"), folder = directory.directory("folder"),
                    link = directory.link("link", directory / "nowhere"), datagram = directory / "datagram";
  leave_stale(datagram, SOCK_DGRAM);
  for (const std::string &path : {file, folder, link}) {
    Opened opened(path);
    CHECK(opened.result == -EEXIST);
    CHECK(opened.because(path) == "what is there already is not a socket: File exists (EEXIST)");
    CHECK(exists(path));
  }
  Opened live_datagram(directory / "datagram2");
  CHECK(live_datagram.result == 0);
}

TEST_CASE("a socket of another kind is left alone while it is in use") {
  TemporaryDirectory directory;
  const std::string path = directory / "datagram";
  const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(made, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
  Opened opened(path);
  CHECK(opened.result == -EEXIST);
  CHECK(opened.because(path) == "a socket of another kind is there already: File exists (EEXIST)");
  CHECK(exists(path));
  close(made);
}

TEST_CASE("a directory that others may write to is refused") {
  TemporaryDirectory directory;
  for (const mode_t mode : {0777, 0775, 0757, 01777}) {
    const std::string open = directory.directory("open", mode), path = open + "/socket";
    Opened opened(path);
    CHECK(opened.result == -EACCES);
    CHECK(opened.because(path).find("may be written to by others") != std::string::npos);
    CHECK(opened.because(path).find("$XDG_RUNTIME_DIR") != std::string::npos);
    CHECK(!exists(path));
  }
}

TEST_CASE("a directory of another user is refused") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can give a directory to another user");
    return;
  }
  TemporaryDirectory directory;
  const std::string foreign = directory.directory("foreign"), path = foreign + "/socket";
  REQUIRE(chown(foreign.c_str(), 1234, 1234) == 0);
  Opened opened(path);
  CHECK(opened.result == -EACCES);
  CHECK(opened.because(path).find("belongs to another user (uid 1234)") != std::string::npos);
  leave_stale(directory / "socket");
  REQUIRE(chown((directory / "socket").c_str(), 1234, 1234) == 0);
  Opened theirs(directory / "socket");
  CHECK(theirs.result == -EEXIST);
  CHECK(exists(directory / "socket"));
}

TEST_CASE("paths that name no file") {
  TemporaryDirectory directory;
  CHECK(Opened("").result == -EINVAL);
  for (const char *name : {"/", "/.", "/.."}) CHECK(Opened(directory.path() + name).result == -EINVAL);
  CHECK(Opened(directory / "missing/socket").result == -ENOENT);
  CHECK(Opened(directory.file("file", "") + "/socket").result == -ENOTDIR);
  CHECK(Opened(directory / std::string(200, 'x')).result == -ENAMETOOLONG);
  CHECK(Opened(directory / std::string(300, 'x')).result == -ENAMETOOLONG);
}

TEST_CASE("a path that is longer than an address works") {
  TemporaryDirectory directory;
  const std::string deep = directory.directory(std::string(150, 'd')), path = deep + "/socket";
  {
    Opened opened(path);
    REQUIRE(opened.result == 0);
    CHECK(exists(path));
    Opened second(path);
    CHECK(second.result == -EADDRINUSE);
  }
  CHECK(!exists(path));
}

TEST_CASE("at the end another host's socket of the same name stays") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  {
    Opened opened(path);
    REQUIRE(opened.result == 0);
    REQUIRE(rename(path.c_str(), (directory / "moved").c_str()) == 0);
    leave_stale(path);
  }
  CHECK(exists(path));
}

TEST_CASE("of several hosts that want the same name at once, one gets it") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  leave_stale(path);
  for (int round = 0; round < 20; round++) {
    server_socket sockets[4];
    int results[4];
    std::thread threads[4];
    for (int i = 0; i < 4; i++)
      threads[i] = std::thread([&, i] { results[i] = server_socket_open(&sockets[i], path.c_str(), nullptr); });
    int got = 0;
    for (int i = 0; i < 4; i++) {
      threads[i].join();
      CHECK((results[i] == 0 || results[i] == -EADDRINUSE));
      if (results[i] == 0) got++;
    }
    CHECK(got == 1);
    CHECK(connect_to(path) == 0);
    for (int i = 0; i < 4; i++)
      if (results[i] == 0) server_socket_close(&sockets[i]);
    CHECK(!exists(path));
  }
}

namespace {

// A socket as a service manager makes it.
int made(const std::string &path, int type = SOCK_STREAM, bool listening = true) {
  const int made = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(made, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
  if (listening) REQUIRE(listen(made, 1) == 0);
  return made;
}

std::string refusal(int descriptor, int errno_expected) {
  server_socket adopted{};
  tproc_error error{};
  CHECK(server_socket_adopt(&adopted, descriptor, &error) == -errno_expected);
  return error.message;
}

}  // namespace

TEST_CASE("a socket that was passed on is taken over, and its file stays") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  CHECK(leaks_of([&path] {
          server_socket adopted{};
          REQUIRE(server_socket_adopt(&adopted, made(path), nullptr) == 0);
          CHECK(std::string(adopted.path) == path);
          CHECK((fcntl(adopted.listening, F_GETFL) & O_NONBLOCK) != 0);
          CHECK(connect_to(path) == 0);
          server_socket_close(&adopted);
          CHECK(exists(path));
          CHECK(unlink(path.c_str()) == 0);
        }) == "");
}

TEST_CASE("clients see who took the socket over, not who made it") {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  in_own_process([&path] {
    int pair[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    const int listening = made(path); /* this process makes it, and its child takes it over */
    const pid_t child = fork();
    if (child == 0) {
      server_socket adopted{};
      const char ok = server_socket_adopt(&adopted, listening, nullptr) == 0 ? 'y' : 'n';
      EXPECT(write(pair[0], &ok, 1) == 1);
      pause();
    }
    char ok = '?';
    EXPECT(read(pair[1], &ok, 1) == 1);
    EXPECT(ok == 'y');
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT(connect(client, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
    ucred peer{};
    socklen_t size = sizeof peer;
    EXPECT(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
    EXPECT(peer.pid == child);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  });
}

TEST_CASE("what cannot be listened at is refused, and closed") {
  TemporaryDirectory directory;
  directory.directory("open", 0777);
  CHECK(leaks_of([&directory] {
          int pair[2];
          REQUIRE(pipe2(pair, O_CLOEXEC) == 0);
          close(pair[1]);
          CHECK(refusal(pair[0], ENOTSOCK).find("cannot listen at the inherited socket: look at descriptor") == 0);
          CHECK(refusal(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), EINVAL).find("no Unix stream socket") !=
                std::string::npos);
          const std::string datagram = directory / "d", quiet = directory / "q", open = directory / "open/s";
          CHECK(refusal(made(datagram, SOCK_DGRAM, false), EINVAL).find("no Unix stream socket") != std::string::npos);
          CHECK(refusal(made(quiet, SOCK_STREAM, false), EINVAL).find("does not listen") != std::string::npos);
          CHECK(refusal(made(std::string("\0tproc-test", 11) + std::to_string(getpid())), EINVAL).find("has no file") !=
                std::string::npos);
          CHECK(refusal(made(open), EACCES).find("may be written to by others") != std::string::npos);
          CHECK(refusal(-1, EBADF).find("descriptor -1") != std::string::npos);
          for (const std::string &path : {datagram, quiet, open}) CHECK(unlink(path.c_str()) == 0);
        }) == "");
}

TEST_CASE("a service manager is told") {
  TemporaryDirectory directory;
  in_own_process([&directory] {
    const std::string path = directory / "notify";
    tproc_error error{};
    unsetenv("NOTIFY_SOCKET");
    EXPECT(tproc_notify_service("READY=1", &error) == 0);
    setenv("NOTIFY_SOCKET", "", 1);
    EXPECT(tproc_notify_service("READY=1", &error) == 0);
    setenv("NOTIFY_SOCKET", "relative", 1);
    EXPECT(tproc_notify_service("READY=1", &error) == -EINVAL);
    setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
    EXPECT(tproc_notify_service("READY=1", &error) == -ENAMETOOLONG);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    EXPECT(tproc_notify_service("READY=1", &error) == -ENOENT);
    EXPECT(std::string(error.message).find("cannot tell the service manager at NOTIFY_SOCKET=" + path + ": send") == 0);
    const std::string abstract = "tproc-notify-" + std::to_string(getpid());
    for (const std::string &name : {path, "@" + abstract}) {
      const int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      name.copy(address.sun_path, sizeof address.sun_path - 1);
      if (name[0] == '@') address.sun_path[0] = '\0';
      const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
      EXPECT(bind(manager, reinterpret_cast<const sockaddr *>(&address), size) == 0);
      setenv("NOTIFY_SOCKET", name.c_str(), 1);
      char text[32] = "";
      EXPECT(tproc_notify_service("READY=1\nSTATUS=x", &error) == 1);
      EXPECT(recv(manager, text, sizeof text - 1, MSG_DONTWAIT) == 16);
      EXPECT(std::string(text) == "READY=1\nSTATUS=x");
      close(manager);
    }
  });
}

TEST_SUITE_END();
