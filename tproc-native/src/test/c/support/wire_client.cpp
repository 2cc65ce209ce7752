#include "support/wire_client.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <stdexcept>

LaunchRequest::LaunchRequest(const std::string &what, const std::vector<std::string> &with) : program(what) {
  arguments.push_back(what);
  arguments.insert(arguments.end(), with.begin(), with.end());
  settings.umask = 022;
  for (unsigned i = 0; i < WIRE_LIMITS; i++) {
    rlimit limit{};
    getrlimit(static_cast<__rlimit_resource_t>(i), &limit);
    settings.limits[i] = {limit.rlim_cur, limit.rlim_max};
  }
}

std::string LaunchRequest::payload() const {
  std::vector<const char *> argv, envp;
  std::vector<int32_t> numbers;
  for (const std::string &each : arguments) argv.push_back(each.c_str());
  for (const std::string &each : environment) envp.push_back(each.c_str());
  for (const auto &each : descriptors) numbers.push_back(each.first);
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  wire_launch_content content{};
  wire_launch_state written_state = state;
  written_state.cpu_words = static_cast<uint32_t>(cpus.size());
  content.state = has_state ? &written_state : nullptr;
  content.cpus = cpus.data();
  content.settings = settings;
  content.numbers = numbers.data();
  content.descriptor_count = numbers.size();
  content.program = program.c_str();
  content.argv = argv.data();
  content.envp = envp.data();
  std::string written(wire_launch_size(&content), '\0');
  wire_launch_write(&content, written.data());
  return written;
}

Client::Client(const std::string &path) : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
    const int code = errno;
    ::close(socket_);
    throw std::runtime_error("cannot connect to " + path + ": " + std::strerror(code));
  }
}

void Client::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool Client::send(const std::string &bytes, const std::vector<int> &descriptors) const {
  size_t sent = 0, passed = 0;
  while (sent < bytes.size()) {
    const size_t now = std::min<size_t>(descriptors.size() - passed, WIRE_DESCRIPTORS_PER_MESSAGE);
    std::vector<char> control(CMSG_SPACE(now * sizeof(int)));
    // While descriptors are left, one byte at a time takes a batch of them.
    iovec piece{const_cast<char *>(bytes.data()) + sent, passed + now < descriptors.size() ? 1 : bytes.size() - sent};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (now > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr *rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(now * sizeof(int));
      std::memcpy(CMSG_DATA(rights), descriptors.data() + passed, now * sizeof(int));
    }
    const ssize_t result = sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (result < 0 && errno != EINTR) return false;
    if (result < 0) continue;
    sent += static_cast<size_t>(result);
    passed += now;
  }
  return true;
}

bool Client::send_frame(wire_type type, const std::string &payload, const std::vector<int> &descriptors) const {
  return send(bytes_of(wire_header_for(type, payload.size(), descriptors.size())) + payload, descriptors);
}

bool Client::launch(const LaunchRequest &request) const {
  const int opened = open(request.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  std::vector<int> descriptors{request.directory_descriptor >= 0 ? request.directory_descriptor : opened};
  for (const auto &each : request.descriptors) descriptors.push_back(each.second);
  const bool sent = send_frame(WIRE_LAUNCH, request.payload(), descriptors);
  ::close(opened);
  return sent;
}

namespace {

// Bytes up to `size`; fewer at the end of the connection, {-1} as *in_time when they do not come.
std::string read_bytes(int socket, size_t size, int timeout, int *descriptor, bool *in_time) {
  std::string bytes;
  while (bytes.size() < size) {
    pollfd ready{socket, POLLIN, 0};
    const int count = poll(&ready, 1, timeout);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) {
      *in_time = false;
      break;
    }
    std::vector<char> buffer(size - bytes.size());
    char control[CMSG_SPACE(sizeof(int))];
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) break;
    const cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) std::memcpy(descriptor, CMSG_DATA(rights), sizeof(int));
    bytes.append(buffer.data(), static_cast<size_t>(got));
  }
  return bytes;
}

}  // namespace

Reply Client::receive(int timeout_milliseconds) const {
  Reply reply;
  bool in_time = true;
  const std::string head = read_bytes(socket_, sizeof(wire_header), timeout_milliseconds, &reply.descriptor, &in_time);
  wire_header header{};
  if (head.size() < sizeof header) {
    reply.type = in_time ? 0 : -1;
    return reply;
  }
  std::memcpy(&header, head.data(), sizeof header);
  char problem[WIRE_PROBLEM_SIZE];
  if (!wire_header_check(&header, WIRE_FROM_HOST, problem)) throw std::runtime_error(problem);
  if ((header.descriptors == 1) != (reply.descriptor >= 0)) throw std::runtime_error("a descriptor got lost");
  reply.type = header.type;
  reply.payload = read_bytes(socket_, header.size, timeout_milliseconds, &reply.descriptor, &in_time);
  if (reply.payload.size() != header.size) throw std::runtime_error("the host sent half a frame");
  return reply;
}

pid_t Client::started() const {
  const Reply reply = receive();
  if (reply.type != WIRE_STARTED)
    throw std::runtime_error("not started: " + std::to_string(reply.type) + " " + reply.message());
  ::close(reply.descriptor);
  return reply.as<wire_started>().pid;
}

int Client::ended() const {
  const Reply reply = receive();
  if (reply.type != WIRE_ENDED)
    throw std::runtime_error("not ended: " + std::to_string(reply.type) + " " + reply.message());
  const wire_ended ended = reply.as<wire_ended>();
  return ended.kind == TPROC_EXITED ? ended.status : 1000 + ended.status;
}

Pipe::Pipe() {
  if (pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
}

Pipe::~Pipe() {
  close_in();
  close_out();
}

void Pipe::close_in() {
  if (ends_[1] >= 0) close(ends_[1]);
  ends_[1] = -1;
}

void Pipe::close_out() {
  if (ends_[0] >= 0) close(ends_[0]);
  ends_[0] = -1;
}

std::string Pipe::rest() {
  close_in();
  std::string all;
  for (;;) {
    char buffer[65536];
    pollfd ready{ends_[0], POLLIN, 0};
    if (poll(&ready, 1, 20000) == 0) return all + "…";
    const ssize_t got = read(ends_[0], buffer, sizeof buffer);
    if (got <= 0) return all;
    all.append(buffer, static_cast<size_t>(got));
  }
}

Listening::Listening(const server_options &options) : path_(directory_ / "socket") {
  tproc_error error{};
  if (server_open(host_.get(), path_.c_str(), &options, &server_, &error) != 0) throw std::runtime_error(error.message);
}

Listening::~Listening() { close(); }

void Listening::close() {
  if (server_ != nullptr) tproc_server_close(server_);
  server_ = nullptr;
}

size_t Listening::count() const {
  size_t found = 0;
  tproc_host_list(
      host(), [](const tproc_status *, void *context) -> int { return ++*static_cast<size_t *>(context) > 0; }, &found);
  return found;
}
