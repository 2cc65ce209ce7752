// What sharing_storm.c does, in C++:  sharing_storm_cpp COUNTER QUEUE
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <tproc.hpp>

namespace {

struct Counter {
  tproc::mutex mutex;
  volatile uint64_t numbers[2];
};

bool count(Counter &counter) {
  tproc::hold held = counter.mutex.lock();
  if (held.is_recovered()) {
    counter.numbers[1] = counter.numbers[0];
    held.consistent();
  }
  if (counter.numbers[0] != counter.numbers[1]) return false;
  counter.numbers[0] = counter.numbers[0] + 1;
  counter.numbers[1] = counter.numbers[1] + 1;
  return true;
}

bool receive(tproc_channel &queue) {
  tproc_message message;
  uint64_t number;
  const int failed = tproc_channel_tryreceive(&queue, &message);
  if (failed != 0) return failed == EAGAIN;
  std::memcpy(&number, message.data, sizeof number);
  if (message.block == nullptr || *static_cast<uint64_t *>(message.block) != number) return false;
  tproc_free(message.block);
  return true;
}

bool send(tproc_channel &queue, uint64_t number) {
  const tproc::vector<uint64_t> numbers(2 + number % 500, number);  // of its own, all the way
  tproc_message message{};
  message.length = sizeof number;
  message.block = tproc_alloc(numbers.size() * sizeof number);
  if (message.block == nullptr) return false;
  std::memcpy(message.block, numbers.data(), numbers.size() * sizeof number);
  std::memcpy(message.data, &number, sizeof number);
  const int failed = tproc_channel_trysend(&queue, &message);
  if (failed == EAGAIN) tproc_free(message.block);
  return failed == 0 || failed == EAGAIN;
}

}  // namespace

int main(int argc, char **argv) {
  tproc_entry counter;
  tproc_channel queue;
  if (argc < 3 || tproc_await(argv[1], nullptr, nullptr, &counter) != 0 ||
      tproc_channel_open(&queue, argv[2], TPROC_SENDER | TPROC_RECEIVER, nullptr) != 0)
    return 2;
  for (auto number = static_cast<uint64_t>(getpid());; number = number * 6364136223846793005u + 1442695040888963407u) {
    if (!count(*static_cast<Counter *>(counter.address))) return 5;
    if (!receive(queue)) return 8;
    if (!send(queue, number >> 20)) return 11;
  }
}
