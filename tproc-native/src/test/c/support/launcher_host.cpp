#include "support/launcher_host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

namespace {

constexpr int kPatience = 20000;  // milliseconds

void wait_readable(int descriptor, const char *what) {
  pollfd entry{descriptor, POLLIN, 0};
  if (poll(&entry, 1, kPatience) <= 0) throw std::runtime_error(std::string("nothing came: ") + what);
}

// Reads exactly `size` bytes and takes the descriptors that come with them; false at the end.
bool read_all(int socket, void *to, size_t size, std::vector<int> *descriptors) {
  char *at = static_cast<char *>(to);
  while (size > 0) {
    wait_readable(socket, "a frame's bytes");
    iovec part{at, size};
    alignas(cmsghdr) char control[CMSG_SPACE(WIRE_DESCRIPTORS_PER_MESSAGE * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) return false;
    for (cmsghdr *header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; i++) {
        int descriptor;
        memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
        descriptors->push_back(descriptor);
      }
    }
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

std::vector<std::string> strings_of(const char *block, size_t count) {
  std::vector<std::string> strings;
  for (size_t i = 0; i < count; i++) {
    strings.emplace_back(block);
    block += strings.back().size() + 1;
  }
  return strings;
}

}  // namespace

Request::~Request() {
  for (int descriptor : descriptors) close(descriptor);
}

std::vector<std::string> Request::arguments() const { return strings_of(view.arguments, view.fixed.argument_count); }

std::vector<std::string> Request::environment() const {
  return strings_of(view.environment, view.fixed.environment_count);
}

std::vector<int> Request::numbers() const { return {view.numbers, view.numbers + view.fixed.descriptor_count}; }

pid_t Request::start_natively() const {
  std::vector<const char *> argv(view.fixed.argument_count + 1), envp(view.fixed.environment_count + 1);
  wire_strings(view.arguments, view.fixed.argument_count, argv.data());
  wire_strings(view.environment, view.fixed.environment_count, envp.data());
  // A signal before the dispositions are set would meet the test framework's handlers.
  sigset_t all, before, blocked;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const pid_t pid = fork();
  if (pid != 0) {
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  std::vector<int> moved;
  for (int descriptor : descriptors) moved.push_back(fcntl(descriptor, F_DUPFD, 1100));
  if (fchdir(moved[0]) != 0) _exit(99);
  close_range(0, 1099, 0);
  const bool apart = (view.fixed.flags & WIRE_LAUNCH_TERMINAL_APART) != 0;
  if (apart) ioctl(moved[1], TIOCSCTTY, 0);
  const size_t first = apart ? 2 : 1;
  for (size_t i = 0; i < view.fixed.descriptor_count; i++) dup2(moved[i + first], view.numbers[i]);
  close_range(1100, ~0u, 0);
  if ((view.fixed.flags & WIRE_LAUNCH_TERMINAL) != 0) ioctl(0, TIOCSCTTY, 0);
  umask(view.fixed.umask);
  sigemptyset(&blocked);
  for (int number = 1; number <= 64; number++) {
    signal(number, (view.fixed.ignored_signals >> (number - 1) & 1) != 0 ? SIG_IGN : SIG_DFL);
    if ((view.fixed.blocked_signals >> (number - 1) & 1) != 0) sigaddset(&blocked, number);
  }
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  execvpe(view.program, const_cast<char **>(argv.data()), const_cast<char **>(envp.data()));
  _exit(127);
}

Request PlayedClient::request() {
  wire_header header{};
  char problem[WIRE_PROBLEM_SIZE] = "";
  Request request;
  if (!read_all(socket_, &header, sizeof header, &request.descriptors)) throw std::runtime_error("no request");
  if (!wire_header_check(&header, WIRE_FROM_CLIENT, problem)) throw std::runtime_error(problem);
  request.payload.resize(header.size);
  if (!read_all(socket_, request.payload.data(), header.size, &request.descriptors))
    throw std::runtime_error("half a request");
  if (request.descriptors.size() != header.descriptors) throw std::runtime_error("not the descriptors announced");
  if (!wire_launch_read(request.payload.data(), header.size, header.descriptors, &request.view, problem))
    throw std::runtime_error(problem);
  return request;
}

int PlayedClient::next() {
  wire_header header{};
  std::vector<int> none;
  if (!read_all(socket_, &header, sizeof header, &none)) return 0;
  return header.type;
}

void PlayedClient::send(wire_type type, const void *payload, size_t size, int descriptor) {
  const wire_header header = wire_header_for(type, size, descriptor >= 0 ? 1 : 0);
  iovec parts[2] = {{const_cast<wire_header *>(&header), sizeof header}, {const_cast<void *>(payload), size}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
  }
  sendmsg(socket_, &message, MSG_NOSIGNAL);
}

void PlayedClient::started(pid_t pid) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  const wire_started started{pid};
  send(WIRE_STARTED, &started, sizeof started, pidfd);
  ::close(pidfd);
}

void PlayedClient::failed(int code, int exit_code, const std::string &text) {
  const wire_failed failed{code, exit_code};
  std::string payload(reinterpret_cast<const char *>(&failed), sizeof failed);
  payload += text;
  send(WIRE_FAILED, payload.data(), payload.size());
}

void PlayedClient::ended(uint32_t kind, int status) {
  const wire_ended ended{kind, status};
  send(WIRE_ENDED, &ended, sizeof ended);
}

void PlayedClient::ended_as(int wait_status) {
  if (WIFEXITED(wait_status)) ended(1, WEXITSTATUS(wait_status));
  if (WIFSIGNALED(wait_status)) ended(2, WTERMSIG(wait_status));
}

void PlayedClient::stopped(int signal) {
  const wire_stopped stopped{signal};
  send(WIRE_STOPPED, &stopped, sizeof stopped);
}

void PlayedClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

ListeningSocket::ListeningSocket(const std::string &path, int backlog)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (bind(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 || listen(socket_, backlog) != 0)
    throw std::runtime_error("cannot listen on " + path);
}

PlayedClient ListeningSocket::accept() {
  wait_readable(socket_, "a connection");
  return PlayedClient(accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
}

void ListeningSocket::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

namespace {

// In a process of its own: one program from its start to its end, with its stops; gone when the launcher is gone.
void serve(PlayedClient client) {
  Request request = client.request();
  const pid_t pid = request.start_natively();
  for (int descriptor : request.descriptors) ::close(descriptor); /* as a host does before it answers */
  request.descriptors.clear();
  client.started(pid);
  for (;;) {
    int status;
    const pid_t changed = waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED);
    if (changed == pid && WIFSTOPPED(status)) client.stopped(WSTOPSIG(status));
    if (changed == pid && (WIFEXITED(status) || WIFSIGNALED(status))) {
      client.ended_as(status);
      return;
    }
    pollfd entry{client.socket(), POLLIN, 0};
    if (poll(&entry, 1, 5) == 1 && client.next() == 0) {
      kill(-pid, SIGHUP);
      kill(-pid, SIGKILL);
      return;
    }
  }
}

}  // namespace

NativeHost::NativeHost(const std::string &path) {
  ListeningSocket listening(path, 512);
  pid_ = fork();
  if (pid_ != 0) return;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    try {
      PlayedClient client = listening.accept();
      if (fork() != 0) continue;
      listening.close();
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      signal(SIGCHLD, SIG_DFL);
      serve(std::move(client));
    } catch (const std::exception &) {
      /* half a request, or no client for a while */
    }
    _exit(0);
  }
}

void NativeHost::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}
