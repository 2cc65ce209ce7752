// Objects of C++ in the shared heap:  sharing_objects WHAT NAME
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <numeric>
#include <tproc.hpp>
#include <utility>

namespace {

struct Message {
  tproc::vector<tproc::string> words;
  tproc::vector<double> samples;
};

constexpr char TYPE[] = "it.Message/1";
constexpr int WORDS = 1000;

tproc::string word(int number) {
  return tproc::string("word number ") + std::to_string(number).c_str() + ", long enough for a block of its own";
}

void await_end_of_input() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

// Until the standard input ends.
int build(const char *name) {
  auto message = tproc::make_unique<Message>();
  for (int i = 0; i < WORDS; i++) message->words.push_back(word(i));
  message->samples.resize(100000);
  std::iota(message->samples.begin(), message->samples.end(), 0.0);
  tproc_entry entry{};
  std::snprintf(entry.name, sizeof entry.name, "%s", name);
  std::memcpy(entry.type, TYPE, sizeof TYPE);
  entry.size = sizeof(Message);
  entry.address = message.release();  // the program that finds it ends it
  if (tproc_publish(&entry) != 0) return 3;
  await_end_of_input();
  return 0;
}

// What another program has made is right, and ends here.
int consume(const char *name) {
  tproc_entry entry;
  if (tproc_await(name, TYPE, nullptr, &entry) != 0) return 4;
  tproc::unique_ptr<Message> message(static_cast<Message *>(entry.address));
  if (message->words.size() != WORDS || message->samples.back() != 99999.0) return 5;
  for (int i = 0; i < WORDS; i++)
    if (message->words[i] != word(i)) return 6;
  message->words.push_back("one more");  // grows, and frees what the other has allocated
  const void *words = message->words.data(), *samples = message->samples.data();
  message.reset();
  const bool left = tproc_owner_of(words) != 0 || tproc_owner_of(samples) != 0 || tproc_owner_of(entry.address) != 0;
  return left ? 7 : 0;
}

// In one program, std::pmr as well.
int pmr() {
  tproc::memory_resource resource;
  std::pmr::vector<std::pmr::string> words(&resource);
  for (int i = 0; i < WORDS; i++) words.emplace_back(word(i).c_str());
  return tproc_owner_of(words.data()) == getpid() && tproc_owner_of(words.back().data()) == getpid() ? 0 : 8;
}

using text_pair = std::pair<const tproc::string, tproc::string>;
using graph = std::map<tproc::string, tproc::string, std::less<>, tproc::allocator<text_pair>>;
constexpr int NODES = 100000;

// Until it is killed.
int send_graph(const char *name) {
  auto sender = tproc::sender::create(4);
  sender.publish(name);
  auto words = tproc::make_unique<graph>();
  for (int i = 0; i < NODES; i++) words->emplace(word(i), word(NODES - i));
  sender.send(tproc::message("", std::move(words)));
  await_end_of_input();
  return 0;
}

// Ends, at the end of the input, what another has made.
int receive_graph(const char *name) {
  auto receiver = tproc::receiver::open(name);
  auto words = receiver.receive().take<graph>();
  std::printf("%p\n", static_cast<void *>(words.get()));
  std::fflush(stdout);
  await_end_of_input();
  if (words->size() != NODES) return 9;
  for (int i = 0; i < NODES; i++)
    if (words->at(word(i)) != word(NODES - i)) return 10;
  return 0;
}

// The same graph in one block, and a table of it for readers in other languages.
struct Pair {
  const char *key;
  std::uint64_t key_size;
  const char *value;
  std::uint64_t value_size;
};

struct Words {
  using allocator_type = tproc::arena_allocator<char>;
  explicit Words(allocator_type where) : map(where), table(where) {}

  const Pair *first = nullptr;
  std::uint64_t count = 0;
  tproc::arena_map<tproc::arena_string, tproc::arena_string> map;
  tproc::arena_vector<Pair> table;
};

constexpr char WORDS_TYPE[] = "it.Words/1";

// Says how far it has come: after 1, 10, 100 … nodes, and when all is done.
void progress(int nodes) {
  std::printf("%d nodes\n", nodes);
  std::fflush(stdout);
}

tproc::graph<Words> make_words(int nodes) {
  auto words = tproc::graph<Words>::make(static_cast<std::size_t>(nodes) * 512 + (1 << 16), WORDS_TYPE);
  for (int i = 0, next = 1; i < nodes; i++) {
    words->map.emplace(word(i).c_str(), word(nodes - i).c_str());
    if (i + 1 == next) progress(std::exchange(next, 10 * next));
  }
  for (const auto &[key, value] : words->map)
    words->table.push_back({key.data(), key.size(), value.data(), value.size()});
  words->first = words->table.data();
  words->count = words->table.size();
  progress(nodes);
  return words;
}

// Until it is killed.
int send_arenas(const char *name) {
  auto sender = tproc::sender::open(name);
  for (;;) sender.send(tproc::message("", make_words(NODES)));
}

// Changes, and ends, what another has made. One that is too small says so, and one of another type.
int receive_arena(const char *name) {
  auto receiver = tproc::receiver::open(name);
  tproc::graph<Words> words(receiver.receive().take(), WORDS_TYPE);
  if (words->map.size() != NODES) return 11;
  for (int i = 0; i < NODES; i += 2) words->map.erase(tproc::arena_string(word(i).c_str(), words.allocator()));
  for (int i = 0; i < NODES; i += 2) words->map.emplace(word(i).c_str(), "put in by another");
  const tproc::arena_string even(word(4).c_str(), words.allocator()), odd(word(5).c_str(), words.allocator());
  if (words->map.at(even) != "put in by another" || words->map.at(odd) != word(NODES - 5).c_str()) return 12;
  try {
    make_words(NODES)->table.resize(std::size_t{1} << 30);
    return 13;
  } catch (const std::bad_alloc &) {  // and the graph is gone
  }
  auto block = words.release();
  try {
    tproc::graph<Words>(std::move(block), "it.Others/1");
    return 14;
  } catch (const std::system_error &failed) {
    return failed.code().value() == EPROTOTYPE ? 0 : 15;
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  if (std::strcmp(argv[1], "build") == 0) return build(argv[2]);
  if (std::strcmp(argv[1], "consume") == 0) return consume(argv[2]);
  if (std::strcmp(argv[1], "send-graph") == 0) return send_graph(argv[2]);
  if (std::strcmp(argv[1], "receive-graph") == 0) return receive_graph(argv[2]);
  if (std::strcmp(argv[1], "send-arenas") == 0) return send_arenas(argv[2]);
  if (std::strcmp(argv[1], "receive-arena") == 0) return receive_arena(argv[2]);
  return pmr();
}
