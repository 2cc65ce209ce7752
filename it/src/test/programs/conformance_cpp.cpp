// The conformance program of C++: conformance.c says what it does.  conformance_cpp make|use PREFIX [SOCKET]
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <tproc.hpp>

namespace {

struct Guarded {
  tproc::mutex mutex;
  std::uint64_t value = 0;
};

// What arenas have in all languages: a list of three.
struct Node {
  std::uint64_t value;
  Node *next;
};

std::string prefix;
const char *step = "attach";

#define EXPECT(condition)                                                                                 \
  do {                                                                                                    \
    if (!(condition)) throw std::runtime_error("line " + std::to_string(__LINE__) + ": not " #condition); \
  } while (0)

void begin(const char *next) {
  if (std::strcmp(step, "attach") != 0) std::printf("ok %s\n", step);
  step = next;
}

std::string name(const char *of) { return prefix + "." + of; }

tproc::deadline soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(10); }

template <typename Call>
int code_of(Call call) {
  try {
    call();
  } catch (const std::system_error &failed) {
    return failed.code().value();
  } catch (const std::bad_alloc &) {
    return errno;
  }
  return 0;
}

template <typename Call>
void error(const char *call, Call make) {
  std::printf("error %s %d\n", call, code_of(make));
}

std::uintptr_t number_of(const void *address) { return reinterpret_cast<std::uintptr_t>(address); }

// Both ends, and what lies in the heap. The maker's own objects end with it.
struct Conformance {
  tproc::sender out;
  tproc::receiver in;
  Guarded &guarded;
  tproc::condition &condition;
  tproc::event &event;
  tproc::semaphore &semaphore;
  tproc::barrier &barrier;
  tproc::once &once;

  void tell(const std::string &text, tproc::block with = nullptr) { out.send(tproc::message(text, std::move(with))); }
  tproc::block hear(const std::string &text) {
    tproc::message got = in.receive();
    EXPECT(got.data() == text);
    return got.take();
  }
  std::uint64_t hear_number() { return std::stoull(std::string(in.receive().data())); }

  bool has(std::uint64_t value) {
    const tproc::hold held = guarded.mutex.lock();
    return guarded.value == value;
  }
  void set(std::uint64_t value) {
    const tproc::hold held = guarded.mutex.lock();
    guarded.value = value;
  }
  void await_condition(tproc::hold &held, std::uint64_t value) {
    while (guarded.value != value) condition.wait(held);
  }
  unsigned pass_barrier() {
    unsigned last = 0;
    for (int i = 0; i < 20; i++) last += barrier.wait();
    return last;
  }

  static Node *add_node(const tproc::graph<Node> &list, std::uint64_t value, Node *next) {
    Node *node = tproc::arena_allocator<Node>(list.allocator()).allocate(1);
    *node = {value, next};
    return node;
  }

  void wrong_calls() {
    auto block = tproc::make_block(8);
    char *inside = static_cast<char *>(block.get()) + 4;
    error("long message", [&] { out.try_send(tproc::message(std::string(49, 'x'))); });
    error("three cells", [] { tproc::sender::create(3); });
    error("no channel", [] { tproc::channel::open(UINT64_MAX, TPROC_SENDER); });
    error("taken name", [] { (void)tproc::publish(name("mutex"), "", nullptr, 1); });
    error("other type", [] { (void)tproc::await(name("mutex"), "it.Other/1"); });
    error("long name", [] { (void)tproc::lookup(std::string(96, 'x')); });
    error("no process", [&] { tproc::give(std::move(block), 1); });
    error("no block", [&] {
      tproc::block none(inside);
      try {
        tproc::give(std::move(none), getpid());
      } catch (...) {
        (void)none.release();
        throw;
      }
    });
    error("too large", [] { (void)tproc::make_block(std::size_t{1} << 60); });
    error("no arena", [] { tproc::graph<Node>(tproc::make_block(8), "it.Node/1"); });
    error("full arena", [] { (void)tproc::graph<Node>::make(1200, "it.Node/1").allocator().allocate(4096); });
    error("long type", [] { tproc::graph<Node>::make(4096, std::string(48, 'x')); });
    error("no party", [] { tproc::make_unique<tproc::barrier>(0u)->wait(); });
    error("full semaphore", [] { tproc::make_unique<tproc::semaphore>(UINT32_MAX)->release(); });
  }

  // ---- the maker

  void make_messages() {
    begin("inline");
    std::string bytes(TPROC_MESSAGE_MAX, '\0');
    for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i);
    tell(bytes);
    std::reverse(bytes.begin(), bytes.end());
    EXPECT(!hear(bytes));
    tell("");

    begin("block");
    auto block = tproc::make_block(1000);
    auto *data = static_cast<unsigned char *>(block.get());
    for (unsigned i = 0; i < 1000; i++) data[i] = static_cast<unsigned char>(i % 251);
    tell("block", std::move(block));
    block = hear("changed");
    EXPECT(block.get() == data && tproc_owner_of(data) == getpid());
    for (unsigned i = 0; i < 1000; i++) EXPECT(data[i] == i % 251 + 1);
    block = hear("own");
    EXPECT(tproc_usable_size(block.get()) >= 5000 && static_cast<unsigned char *>(block.get())[4999] == 9);
    block.reset();

    begin("free");
    void *other = tproc::make_block(64).release();
    tell(std::to_string(number_of(other)));
    hear("freed");
    EXPECT(tproc_owner_of(other) == 0);

    begin("arena");
    auto list = tproc::graph<Node>::make(4096, "it.Node/1");
    *list = {4, add_node(list, 3, nullptr)};
    auto bytes_of = list.allocator();
    const std::size_t used = list.used();
    bytes_of.deallocate(bytes_of.allocate(100), 100);
    EXPECT(list.used() == used);
    tell("arena", list.release());
    const tproc::graph<Node> grown(hear("grown"), "it.Node/1");
    EXPECT(grown->value == 4 && grown->next->value == 5 && grown->next->next->value == 3);
    EXPECT(grown->next->next->next == nullptr);
  }

  void make_gift(int peer) {
    begin("give");
    auto block = tproc::make_block(64);
    static_cast<unsigned char *>(block.get())[63] = 5;
    void *given = block.get();
    tproc::give(std::move(block), peer);
    tell(std::to_string(number_of(given)));
    hear("freed");
    EXPECT(tproc_owner_of(given) == 0);
  }

  void make_registry(tproc::publication &entry) {
    begin("registry");
    hear("found");
    entry.withdraw();
    hear("gone");
  }

  void make_locks() {
    begin("mutex");
    {
      const tproc::hold held = guarded.mutex.lock();
      tell("locked");
      hear("busy");
      guarded.value = 41;
    }
    tell("free");
    hear("done");
    EXPECT(has(42));

    begin("condition");
    hear("waiting");
    {
      tproc::hold held = guarded.mutex.lock();
      guarded.value = 50;
      condition.notify_all();
      await_condition(held, 51);
    }

    begin("event");
    set(60);
    event.signal();
    event.wait([&] { return has(61); });

    begin("semaphore");
    hear("taken");
    semaphore.release();
    hear("got");
    EXPECT(!semaphore.try_acquire());

    begin("barrier");
    const unsigned last = pass_barrier();
    EXPECT(last + hear_number() == 20);
    barrier.leave();

    begin("once");
    int calls = 0;
    once.call([&] { calls++; });
    tell("once");
    hear("not again");
    EXPECT(calls == 1);
  }

  void make_channels() {
    begin("batch");
    auto batch = tproc::sender::create(4);
    batch.publish(name("batch"));
    hear("open");
    tproc::message messages[3];
    for (char i = 0; i < 3; i++) messages[static_cast<int>(i)] = tproc::message(std::string_view(&i, 1));
    EXPECT(batch.send_batch(messages, 3) == 3);
    batch.close();
    hear("three");

    begin("close");
    auto shut = tproc::sender::create(4);
    shut.publish(name("shut"));
    hear("shut");
    EXPECT(code_of([&] { shut.try_send(tproc::message("")); }) == EPIPE);
  }

  // The user dies with the mutex, unless it is the host.
  void make_death() {
    begin("death");
    if (in.receive().data() == "locked") {
      tproc::entry kept = tproc::lookup(name("kept")).value();
      {
        tproc::hold held = guarded.mutex.lock();
        EXPECT(held.is_recovered() && guarded.value == 70);
        held.consistent();
      }
      EXPECT(has(70));
      tproc::watch(kept);
      EXPECT(kept.state == TPROC_ENTRY_ENDED && kept.status == 256 + SIGKILL);
      EXPECT(tproc::lookup(name("kept"))->state == TPROC_ENTRY_ENDED);
    }
    EXPECT(code_of([&] { (void)in.receive(); }) == EPIPE);
    int code;
    do code = code_of([&] { out.send(tproc::message("")); });  // one end goes after the other
    while (code == 0);
    EXPECT(code == EPIPE);
  }

  // ---- the user

  void use_messages() {
    begin("inline");
    std::string bytes(in.receive().data());
    EXPECT(bytes.size() == TPROC_MESSAGE_MAX);
    std::reverse(bytes.begin(), bytes.end());
    tell(bytes);
    hear("");

    begin("block");
    auto block = hear("block");
    auto *data = static_cast<unsigned char *>(block.get());
    EXPECT(tproc_owner_of(data) == getpid());
    for (unsigned i = 0; i < 1000; i++) data[i]++;
    tell("changed", std::move(block));
    block = tproc::make_block(5000);
    static_cast<unsigned char *>(block.get())[4999] = 9;
    tell("own", std::move(block));

    begin("free");
    tproc::block(reinterpret_cast<void *>(hear_number())).reset();
    tell("freed");

    begin("arena");
    block = hear("arena");
    void *root = nullptr;
    EXPECT(tproc_owner_of(block.get()) == getpid());
    EXPECT(tproc_arena_root(block.get(), "it.Other/1", &root) == EPROTOTYPE);
    EXPECT(tproc_arena_root(block.get(), "it.Node/1", &root) == 0);
    auto list = tproc::graph<Node>::of_any_type(std::move(block));
    EXPECT(&*list == root && list->value == 4 && list->next->value == 3);
    list->next = add_node(list, 5, list->next);
    tell("grown", list.release());

    begin("give");
    tproc::block given(reinterpret_cast<void *>(hear_number()));
    EXPECT(tproc_owner_of(given.get()) == getpid() && static_cast<unsigned char *>(given.get())[63] == 5);
    given.reset();
    tell("freed");
  }

  void use_registry(int peer) {
    begin("registry");
    tproc::entry found = tproc::await(name("entry"), "it.Entry/1");
    EXPECT(found.version == 7 && found.size == 128 && found.pid == peer && found.state == TPROC_ENTRY_LIVE);
    EXPECT(code_of([] { (void)tproc::lookup(name("entry"), "it.Other/1"); }) == EPROTOTYPE);
    EXPECT(tproc::lookup(name("entry"), "it.Entry/1").has_value());
    EXPECT(!tproc::watch_until(soon(), found));
    tell("found");
    tproc::watch(found);
    EXPECT(!tproc::lookup(name("entry")));
    tell("gone");
  }

  void use_locks() {
    begin("mutex");
    hear("locked");
    EXPECT(!guarded.mutex.try_lock() && !guarded.mutex.lock_until(soon()));
    tell("busy");
    hear("free");
    EXPECT(has(41));
    set(42);
    tell("done");

    begin("condition");
    {
      tproc::hold held = guarded.mutex.lock();
      tell("waiting");
      await_condition(held, 50);
      guarded.value = 51;
      condition.notify_all();
    }

    begin("event");
    event.wait([&] { return has(60); });
    set(61);
    event.signal();

    begin("semaphore");
    semaphore.acquire();
    EXPECT(semaphore.try_acquire() && !semaphore.try_acquire() && !semaphore.acquire_until(soon()));
    tell("taken");
    semaphore.acquire();
    tell("got");

    begin("barrier");
    tell(std::to_string(pass_barrier()));
    barrier.leave();

    begin("once");
    int calls = 0;
    hear("once");
    once.call([&] { calls++; });
    EXPECT(calls == 0);
    tell("not again");
  }

  void use_channels() {
    begin("batch");
    auto batch = tproc::receiver::open(name("batch"));
    tell("open");
    std::vector<tproc::message> messages;
    while (messages.size() < 3) {
      tproc::selection ends[] = {batch};
      tproc::select(ends);
      EXPECT(ends[0].is_ready());
      batch.receive_batch(messages, 8);
    }
    for (std::size_t i = 0; i < 3; i++) EXPECT(messages[i].data() == std::string(1, static_cast<char>(i)));
    EXPECT(code_of([&] { (void)batch.receive(); }) == EPIPE);
    tell("three");

    begin("close");
    auto shut = tproc::receiver::open(name("shut"));
    EXPECT(!shut.try_receive());
    shut.close();
    tell("shut");
  }

  [[noreturn]] void use_death() {
    begin("death");
    const auto kept = tproc::publish(name("kept"), "", tproc_alloc(8), 8, 0, TPROC_ENTRY_KEPT);
    begin("end");
    std::fflush(stdout);
    const tproc::hold held = guarded.mutex.lock();
    guarded.value = 70;
    tell("locked");
    std::raise(SIGKILL);
    std::abort();
  }
};

void make() {
  const auto guarded = tproc::make_unique<Guarded>();
  const auto condition = tproc::make_unique<tproc::condition>();
  const auto event = tproc::make_unique<tproc::event>();
  const auto semaphore = tproc::make_unique<tproc::semaphore>(2u);
  const auto barrier = tproc::make_unique<tproc::barrier>(2u);
  const auto once = tproc::make_unique<tproc::once>();
  const tproc::publication published[] = {tproc::publish(name("mutex"), "it.Mutex/1", guarded),
                                          tproc::publish(name("condition"), "it.Condition/1", condition),
                                          tproc::publish(name("event"), "it.Event/1", event),
                                          tproc::publish(name("semaphore"), "it.Semaphore/1", semaphore),
                                          tproc::publish(name("barrier"), "it.Barrier/1", barrier),
                                          tproc::publish(name("once"), "it.Once/1", once)};
  const auto block = tproc::make_block(128);
  auto entry = tproc::publish(name("entry"), "it.Entry/1", block.get(), 128, 7);
  auto out = tproc::sender::create(16);
  auto in = tproc::receiver::create(16);
  out.publish(name("there"));
  in.publish(name("back"));
  Conformance all{std::move(out), std::move(in), *guarded, *condition, *event, *semaphore, *barrier, *once};
  const int peer = static_cast<int>(all.hear_number());
  all.tell(std::to_string(getpid()));
  all.make_messages();
  all.make_gift(peer);
  all.make_registry(entry);
  all.make_locks();
  all.make_channels();
  begin("errors");
  all.wrong_calls();
  all.make_death();
  begin("end");
}

template <typename T>
T &find(const char *of, const char *type) {
  T *found = tproc::as<T>(tproc::await(name(of), type));
  EXPECT(found != nullptr);
  return *found;
}

[[noreturn]] void use() {
  auto in = tproc::receiver::open(name("there"));
  auto out = tproc::sender::open(name("back"));
  Conformance all{std::move(out),
                  std::move(in),
                  find<Guarded>("mutex", "it.Mutex/1"),
                  find<tproc::condition>("condition", "it.Condition/1"),
                  find<tproc::event>("event", "it.Event/1"),
                  find<tproc::semaphore>("semaphore", "it.Semaphore/1"),
                  find<tproc::barrier>("barrier", "it.Barrier/1"),
                  find<tproc::once>("once", "it.Once/1")};
  all.tell(std::to_string(getpid()));
  const int peer = static_cast<int>(all.hear_number());
  all.use_messages();
  all.use_registry(peer);
  all.use_locks();
  all.use_channels();
  begin("errors");
  all.wrong_calls();
  all.use_death();
}

}  // namespace

int main(int argc, char **argv) try {
  if (argc < 3) return 2;
  prefix = argv[2];
  if (argc > 3) tproc::attach(argv[3]);
  step = "start";
  std::string(argv[1]) == "make" ? make() : use();
  return 0;
} catch (const std::exception &failed) {
  std::fflush(stdout);
  std::fprintf(stderr, "C++, step %s: %s\n", step, failed.what());
  return 1;
}
