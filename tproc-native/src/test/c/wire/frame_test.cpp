#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/resources.h"
#include "support/wire_client.h"

extern "C" {
#include "wire/frame.h"
}

TEST_SUITE_BEGIN("frame");

namespace {

// Both ends of a connection, and a frame that arrives at one.
struct Arrival {
  int ends[2];
  frame arriving{};
  tproc_error error{};

  Arrival() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0); }
  ~Arrival() {
    frame_release(&arriving);
    close(ends[0]);
    close(ends[1]);
  }
  Arrival(const Arrival &) = delete;
  Arrival &operator=(const Arrival &) = delete;

  void send(const std::string &bytes, size_t descriptors = 0) const {
    const std::vector<int> sources(descriptors, STDERR_FILENO);
    std::vector<char> control(CMSG_SPACE(descriptors * sizeof(int)));
    iovec piece{const_cast<char *>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (descriptors > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr *rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
      std::memcpy(CMSG_DATA(rights), sources.data(), descriptors * sizeof(int));
    }
    REQUIRE(sendmsg(ends[1], &message, 0) == static_cast<ssize_t>(bytes.size()));
  }
  frame_result receive() { return frame_receive(&arriving, ends[0], WIRE_FROM_CLIENT, &error); }
};

std::string launch_frame(const std::string &payload, size_t descriptors) {
  return bytes_of(wire_header_for(WIRE_LAUNCH, payload.size(), descriptors)) + payload;
}

}  // namespace

TEST_CASE("a frame arrives in any pieces") {
  const std::string whole = launch_frame(LaunchRequest("/x").payload(), 1);
  for (const size_t piece : {1ul, 3ul, 16ul, 17ul, 100ul, whole.size()}) {
    CAPTURE(piece);
    Arrival arrival;
    for (size_t at = 0; at < whole.size(); at += piece) {
      CHECK(arrival.receive() == FRAME_MORE);
      CHECK(frame_has_begun(&arrival.arriving) == (at > 0));
      arrival.send(whole.substr(at, piece), at == 0 ? 1 : 0);
    }
    CHECK(arrival.receive() == FRAME_WHOLE);
    CHECK(std::string(arrival.arriving.payload, arrival.arriving.got) == whole.substr(sizeof(wire_header)));
    CHECK(arrival.arriving.descriptor_count == 1);
    CHECK(fcntl(arrival.arriving.descriptors[0], F_GETFD) == FD_CLOEXEC);
  }
}

TEST_CASE("what follows a frame is left for the next, with its descriptors") {
  Arrival arrival;
  arrival.send(bytes_of(wire_header_for(WIRE_LIST, 0, 0)));
  const std::string next = launch_frame(LaunchRequest("/x").payload(), 2);
  arrival.send(next, 2);
  CHECK(arrival.receive() == FRAME_WHOLE);
  CHECK(arrival.arriving.header.type == WIRE_LIST);
  CHECK(arrival.arriving.descriptor_count == 0);
  frame_release(&arrival.arriving);
  CHECK(arrival.receive() == FRAME_WHOLE);
  CHECK(arrival.arriving.descriptor_count == 2);
}

TEST_CASE("more descriptors than one message holds come in batches") {
  const size_t count = WIRE_DESCRIPTORS_MAX;
  const std::string whole = launch_frame(LaunchRequest("/x").payload(), count);
  Arrival arrival;
  size_t sent = 0, batch = 0;
  for (; sent < count; sent += WIRE_DESCRIPTORS_PER_MESSAGE, batch++)
    arrival.send(whole.substr(batch, 1), std::min<size_t>(WIRE_DESCRIPTORS_PER_MESSAGE, count - sent));
  arrival.send(whole.substr(batch));
  CHECK(arrival.receive() == FRAME_WHOLE);
  CHECK(arrival.arriving.descriptor_count == count);
}

TEST_CASE("descriptors that are not as announced are refused, and closed") {
  CHECK(leaks_of([] {
          const std::string payload = LaunchRequest("/x").payload();
          Arrival few, many, unannounced, far_too_many;
          few.send(launch_frame(payload, 3), 2);
          CHECK(few.receive() == FRAME_WRONG);
          CHECK(std::string(few.error.message) == "a frame with 2 descriptors, where 3 are announced (EPROTO)");
          many.send(launch_frame(payload, 1), 2);
          CHECK(many.receive() == FRAME_WRONG);
          CHECK(std::string(many.error.message) == "a frame with 2 descriptors, where 1 are announced (EPROTO)");
          unannounced.send(bytes_of(wire_header_for(WIRE_LIST, 0, 0)), 1);
          CHECK(unannounced.receive() == FRAME_WRONG);
          const std::string whole = launch_frame(payload, WIRE_DESCRIPTORS_MAX);
          for (size_t i = 0; i < 5; i++) far_too_many.send(whole.substr(i, 1), WIRE_DESCRIPTORS_PER_MESSAGE);
          CHECK(far_too_many.receive() == FRAME_WRONG);
          CHECK(std::string(far_too_many.error.message) == "a frame with more than 1024 descriptors (EPROTO)");
          CHECK(far_too_many.error.code == EPROTO);
        }) == "");
}

TEST_CASE("a header is judged before its payload is waited for") {
  Arrival arrival;
  arrival.send(bytes_of(wire_header_for(WIRE_LAUNCH, ~0u, 1)), 1);
  CHECK(arrival.receive() == FRAME_WRONG);
  CHECK(arrival.error.code == EPROTO);
  CHECK(arrival.arriving.room == 0);
}

TEST_CASE("memory grows with what arrives, not with what is announced") {
  Arrival arrival;
  arrival.send(bytes_of(wire_header_for(WIRE_LAUNCH, WIRE_PAYLOAD_MAX, 1)) + "x", 1);
  CHECK(arrival.receive() == FRAME_MORE);
  CHECK(arrival.arriving.room <= 4096);
}

TEST_CASE("the end of a connection is told from a pause") {
  Arrival arrival;
  CHECK(arrival.receive() == FRAME_MORE);
  arrival.send("TR");
  shutdown(arrival.ends[1], SHUT_WR);
  CHECK(arrival.receive() == FRAME_END);
}

TEST_SUITE_END();
