// Batches as an Arrow stream through a Unix socket, as PySpark's workers have them: stream SOCKET TEMPLATE. Of the
// format's flatbuffers it reads what a record batch needs; what it answers looks as the stream in TEMPLATE does, which
// Java has written, with other totals in it.
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

#include "descriptors.hpp"
#include "totals.hpp"

namespace {

template <typename T>
T at(const uint8_t *place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

// A table's field, or NULL when it is left out.
const uint8_t *field(const uint8_t *table, int index) {
  const uint8_t *fields = table - at<int32_t>(table);
  const int slot = 4 + 2 * index;
  if (slot >= at<uint16_t>(fields)) return nullptr;
  const uint16_t offset = at<uint16_t>(fields + slot);
  return offset == 0 ? nullptr : table + offset;
}

const uint8_t *follow(const uint8_t *place) { return place + at<uint32_t>(place); }

struct message {
  std::vector<uint8_t> head;  // with the eight bytes before it
  std::vector<uint8_t> body;

  bool read(int descriptor) {
    head.resize(8);
    if (!read_all(descriptor, head.data(), 8)) return false;
    const int32_t size = at<int32_t>(head.data() + 4);
    if (size <= 0) return false;  // the stream's end
    head.resize(8 + static_cast<size_t>(size));
    if (!read_all(descriptor, head.data() + 8, static_cast<size_t>(size))) return false;
    const uint8_t *length = field(table(), 3);
    body.resize(length == nullptr ? 0 : static_cast<size_t>(at<int64_t>(length)));
    return read_all(descriptor, body.data(), body.size());
  }

  bool write(int descriptor) const {
    return write_all(descriptor, head.data(), head.size()) && write_all(descriptor, body.data(), body.size());
  }

  const uint8_t *table() const { return follow(head.data() + 8); }
  const uint8_t *batch() const { return follow(field(table(), 2)); }
  int64_t rows() const { return at<int64_t>(field(batch(), 0)); }
  size_t buffers() const { return at<uint32_t>(follow(field(batch(), 2))); }

  uint8_t *buffer(size_t index) {
    return body.data() + at<int64_t>(follow(field(batch(), 2)) + 4 + 16 * index);
  }
  int64_t size(size_t index) const { return at<int64_t>(follow(field(batch(), 2)) + 4 + 16 * index + 8); }
};

int connected(const char *path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  return connect(descriptor, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 ? descriptor : -1;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  message schema, answer, request;
  const int like = open(argv[2], O_RDONLY | O_CLOEXEC);
  if (!schema.read(like) || !answer.read(like)) return 3;
  const int socket = connected(argv[1]);
  if (!request.read(socket) || !schema.write(socket)) return 4;
  while (request.read(socket)) {
    const int64_t rows = request.rows();
    if (rows != answer.rows()) return 5;
    const bool is_wide = request.buffers() == 6;
    totals(rows, reinterpret_cast<double *>(request.buffer(1)), reinterpret_cast<int32_t *>(request.buffer(3)),
           is_wide ? request.buffer(5) : nullptr, is_wide ? request.size(5) / rows : 0,
           reinterpret_cast<double *>(answer.buffer(1)));
    if (!answer.write(socket)) return 6;
  }
}
