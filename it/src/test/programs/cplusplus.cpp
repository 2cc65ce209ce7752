// What tproc.hpp has: locks and waiting, the registry, channels; between threads, and a process and its forked
// children.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <tproc.hpp>

namespace {

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

tproc::deadline soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(10); }

template <typename Call>
int code_of(Call call) {
  try {
    call();
  } catch (const std::system_error &failed) {
    return failed.code().value();
  }
  return 0;
}

// A forked child does something, and then ends, or dies of it.
template <typename Work>
pid_t child(Work work) {
  const pid_t pid = fork();
  if (pid == 0) {
    work();
    _exit(0);
  }
  return pid;
}

void expect_end(pid_t pid, int signal = 0) {
  int status = -1;
  EXPECT(waitpid(pid, &status, 0) == pid);
  EXPECT(signal == 0 ? status == 0 : WTERMSIG(status) == signal);
}

// ---- waiting

struct Waiting {
  tproc::event changed;
  std::uint32_t value = 0;
  tproc::semaphore permits{1};
  tproc::barrier barrier{2};
  tproc::once once;
  std::uint32_t done = 0;

  bool has(std::uint32_t wanted) { return __atomic_load_n(&value, __ATOMIC_ACQUIRE) == wanted; }
  void set(std::uint32_t to) {
    __atomic_store_n(&value, to, __ATOMIC_RELEASE);
    changed.signal();
  }
};

void events(Waiting &shared) {
  EXPECT(!shared.changed.wait_until(soon(), [&] { return shared.has(1); }));
  const pid_t other = child([&] {
    shared.changed.wait([&] { return shared.has(1); });
    shared.set(2);
  });
  shared.set(1);
  shared.changed.wait([&] { return shared.has(2); });
  EXPECT(shared.changed.wait_until(soon(), [&] { return shared.has(2); }));
  expect_end(other);
}

void semaphores(Waiting &shared) {
  EXPECT(shared.permits.try_acquire() && !shared.permits.try_acquire());
  EXPECT(!shared.permits.acquire_until(soon()));
  const pid_t other = child([&] { shared.permits.release(); });
  shared.permits.acquire();
  expect_end(other);
  shared.permits.release();
  EXPECT(shared.permits.acquire_until(soon()));
  const auto full = tproc::make_unique<tproc::semaphore>(static_cast<std::uint32_t>(-1));
  EXPECT(code_of([&] { full->release(); }) == EOVERFLOW);
}

void barriers(Waiting &shared) {
  int last = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; i++) last += shared.barrier.wait();
    shared.barrier.leave();
  });
  int own = 0;
  for (int i = 0; i < 100; i++) own += shared.barrier.wait();
  other.join();
  EXPECT(own + last == 100);
  EXPECT(code_of([&] { tproc::make_unique<tproc::barrier>(2u)->leave(); }) == ENOENT);
  const auto two = tproc::make_unique<tproc::barrier>(2u);
  const pid_t party = child([&] {
    two->wait();
    raise(SIGKILL);
  });
  two->wait();
  EXPECT(code_of([&] { two->wait(); }) == ECANCELED);
  expect_end(party, SIGKILL);
  const auto alone = tproc::make_unique<tproc::barrier>(2u);
  EXPECT(code_of([&] { alone->wait_until(soon()); }) == ETIMEDOUT);
  const auto none = tproc::make_unique<tproc::barrier>(0u);
  EXPECT(code_of([&] { none->wait(); }) == EINVAL);
}

// It is done by who does not throw, and does not die.
void onces(Waiting &shared) {
  try {
    shared.once.call([] { throw std::runtime_error("it cannot be done"); });
    EXPECT(false);
  } catch (const std::runtime_error &) {
  }
  expect_end(child([&] { shared.once.call([] { raise(SIGKILL); }); }), SIGKILL);
  EXPECT(code_of([&] { shared.once.call([&] { shared.once.call([] {}); }); }) == EDEADLK);
  std::thread threads[4];
  for (auto &each : threads) each = std::thread([&] { shared.once.call([&] { shared.done++; }); });
  for (auto &each : threads) each.join();
  EXPECT(shared.done == 1);
  struct tproc_once once {};
  EXPECT(tproc_once_end(&once, 1) == EPERM && once.done == 0);
}

// ---- the registry

void registry() {
  auto value = tproc::make_unique<long>(7);
  EXPECT(!tproc::lookup("it.cpp"));
  EXPECT(!tproc::await_until(soon(), "it.cpp", "long/1"));
  {
    auto published = tproc::publish("it.cpp", "long/1", value, 3);
    const auto found = tproc::lookup("it.cpp", "long/1");
    EXPECT(found && found->version == 3 && found->pid == getpid() && found->id == published.entry().id);
    EXPECT(*tproc::as<long>(*found) == 7 && tproc::as<long double>(*found) == nullptr);
    EXPECT(tproc::await("it.cpp").id == found->id);
    EXPECT(code_of([&] { (void)tproc::publish("it.cpp", "long/1", value); }) == EEXIST);
    EXPECT(code_of([] { (void)tproc::lookup("it.cpp", "other"); }) == EPROTOTYPE);
    EXPECT(code_of([] { (void)tproc::lookup(std::string(96, 'n')); }) == EINVAL);
    EXPECT(code_of([] { (void)tproc::lookup(std::string_view("a\0b", 3)); }) == EINVAL);
    EXPECT(code_of([&] { (void)tproc::publish("", "", value); }) == EINVAL);
    bool listed = false;
    for (const tproc::entry &each : tproc::entries()) listed |= each.id == found->id;
    EXPECT(listed);
    tproc::entry watched = *found;
    EXPECT(!tproc::watch_until(soon(), watched));
    std::thread other([&] { published.withdraw(); });
    tproc::watch(watched);
    other.join();
    auto again = tproc::publish("it.cpp", "long/1", value);
    const auto moved = std::move(again);
    EXPECT(tproc::lookup("it.cpp"));
  }
  EXPECT(!tproc::lookup("it.cpp"));
}

// What a child had published, and was to be kept, says how it ended.
void kept() {
  auto ready = tproc::receiver::create(1);
  ready.publish("it.cpp.ready");
  const pid_t other = child([] {
    auto told = tproc::sender::open("it.cpp.ready");
    auto published = tproc::publish("it.cpp.kept", "", tproc_alloc(8), 8, 1, TPROC_ENTRY_KEPT);
    told.send(tproc::message("ready"));
    raise(SIGKILL);
  });
  (void)ready.receive();
  tproc::entry found = *tproc::lookup("it.cpp.kept");
  tproc::watch(found);
  EXPECT(found.state == TPROC_ENTRY_ENDED);
  EXPECT(tproc::lookup("it.cpp.kept")->state == TPROC_ENTRY_ENDED);
  expect_end(other, SIGKILL);
  EXPECT(tproc_withdraw(&found) == 0);
}

// ---- channels

struct Words {
  tproc::vector<tproc::string> words;
};

void messages() {
  auto words = tproc::make_unique<Words>();
  words->words.emplace_back("long enough for a block of its own");
  const void *inner = words->words.data();
  EXPECT(code_of([] { tproc::message(std::string(49, 'x')); }) == EINVAL);
  { const tproc::message unsent("words", std::move(words)); }
  EXPECT(tproc_owner_of(inner) == 0);
  tproc::message none;
  EXPECT(code_of([&] { (void)none.take<long>(); }) == EINVAL);
  tproc::message small("", tproc::make_block(16));
  EXPECT(code_of([&] { (void)small.take<Waiting>(); }) == EINVAL);
  EXPECT(small.has_block() && tproc_owner_of(small.take().get()) == getpid() && !small.has_block());
}

void one_by_one() {
  auto to = tproc::sender::create(2);
  auto from = *tproc::receiver::open_until(soon(), (to.publish("it.cpp.channel"), "it.cpp.channel"));
  EXPECT(to.senders() == 1 && from.receivers() == 1);
  EXPECT(!from.try_receive() && !from.receive_until(soon()));
  auto words = tproc::make_unique<Words>();
  words->words.emplace_back("moved");
  to.send(tproc::message("one", std::move(words)));
  EXPECT(to.try_send(tproc::message("two")));
  tproc::message third("three", tproc::make_block(8));
  EXPECT(!to.try_send(std::move(third)) && !to.send_until(soon(), std::move(third)));
  EXPECT(third.has_block());
  {
    tproc::message one = from.receive();
    const auto got = one.take<Words>();
    EXPECT(one.data() == "one" && got->words.at(0) == "moved" && !one.has_block());
  }
  EXPECT(from.try_receive()->data() == "two");
  to.send(std::move(third));
  EXPECT(!third.has_block());
  to.close();
  to.close();
  EXPECT(from.receive_until(soon())->has_block());
  EXPECT(code_of([&] { (void)from.receive(); }) == EPIPE);
  EXPECT(code_of([&] { to.send(tproc::message("four")); }) == EBADF);
  EXPECT(!tproc::receiver::open_until(soon(), "it.cpp.none"));
  EXPECT(!tproc::sender::open_until(soon(), "it.cpp.none"));
}

void several() {
  auto both = tproc::channel::create(4, TPROC_SENDER | TPROC_RECEIVER);
  tproc::message out[6];
  for (auto &each : out) each = tproc::message("m", tproc::make_block(8));
  EXPECT(both.send_batch(out, 6) == 4 && !out[3].has_block() && out[4].has_block());
  std::vector<tproc::message> in;
  EXPECT(both.receive_batch(in, 3) == 3 && in.size() == 3 && in[2].has_block());
  EXPECT(both.receive_batch(in, 3) == 1 && in.size() == 4);
  EXPECT(code_of([] { tproc::channel::create(3, TPROC_SENDER); }) == EINVAL);

  // A block that was freed on its way is told after what came before it.
  tproc::block block = tproc::make_block(8);
  void *const freed = block.get();
  both.send(tproc::message("fine"));
  both.send(tproc::message("", std::move(block)));
  tproc_free(freed);
  EXPECT(code_of([&] { both.receive_batch(in, 4); }) == EBADMSG && in.back().data() == "fine");

  auto closed = tproc::channel::open(both.id(), TPROC_SENDER);
  const auto moved = std::move(closed);
  EXPECT(both.senders() == 2);
}

void selections() {
  auto to = tproc::sender::create(1);
  to.publish("it.cpp.first");
  auto first = tproc::receiver::open("it.cpp.first");
  auto second = tproc::channel::create(1, TPROC_SENDER | TPROC_RECEIVER);
  tproc::selection ends[] = {first, {second, TPROC_RECEIVER}};
  EXPECT(!tproc::select_until(soon(), ends) && !ends[0].is_ready());
  std::thread other([&] { second.send(tproc::message("second")); });
  tproc::select(ends);
  other.join();
  EXPECT(!ends[0].is_ready() && ends[1].is_ready());
  std::vector<tproc::selection> room{to, {second, TPROC_SENDER}};
  tproc::select(room);
  EXPECT(room[0].is_ready() && !room[1].is_ready());
  to.close();
  tproc::select(ends);
  EXPECT(ends[0].is_ready());
  room.clear();
  EXPECT(code_of([&] { tproc::select(room); }) == EINVAL);
}

void until_no_sender_is_left() {
  auto from = tproc::receiver::create(8);
  from.publish("it.cpp.each");
  const pid_t other = child([] {
    auto to = tproc::sender::open("it.cpp.each");
    for (int i = 0; i < 1000; i++) to.send(tproc::message("m", tproc::make_unique<int>(i)));
  });
  int next = 0;
  from.for_each([&](tproc::message got) { next += *got.take<int>() == next ? 1 : 0; });
  EXPECT(next == 1000);
  expect_end(other);
}

void gifts() {
  auto value = tproc::make_unique<int>(1);
  EXPECT(code_of([&] { tproc::give(std::move(value), 1); }) == ESRCH && value);
  void *const given = value.get();
  tproc::give(std::move(value));
  EXPECT(!value && tproc_owner_of(given) == getppid());
  tproc_free(given);
  EXPECT(code_of([] { tproc::attach("/nowhere"); }) == EALREADY);
  EXPECT(code_of([] { tproc::worker(); }) == ENOENT);
}

// ---- arenas

bool is_aligned(const void *object, std::size_t alignment) {
  return object != nullptr && reinterpret_cast<std::uintptr_t>(object) % alignment == 0;
}

void arenas() {
  tproc::block block(tproc_arena_create(4096));
  auto *arena = static_cast<tproc_arena *>(block.get());
  const std::size_t empty = tproc_arena_used(arena);
  void *first = tproc_arena_alloc(arena, 0, 1), *second = tproc_arena_alloc(arena, 100, 1);
  EXPECT(is_aligned(first, 16) && is_aligned(second, 16) && is_aligned(tproc_arena_alloc(arena, 8, 256), 256));
  tproc_arena_free(arena, second, 100);
  EXPECT(tproc_arena_alloc(arena, 112, 16) == second);  // of its class
  EXPECT(tproc_arena_alloc(arena, 1, 3) == nullptr && errno == EINVAL);
  EXPECT(tproc_arena_alloc(arena, 4096, 1) == nullptr && errno == ENOMEM);
  EXPECT(tproc_arena_alloc(arena, static_cast<std::size_t>(-1), 1) == nullptr && errno == ENOMEM);

  void *root = nullptr;
  EXPECT(tproc_arena_root(arena, nullptr, &root) == EPROTO);  // it has none
  EXPECT(tproc_arena_set_root(arena, &block, "it.A/1") == EINVAL);
  EXPECT(tproc_arena_set_root(arena, second, std::string(48, 't').c_str()) == EINVAL);
  EXPECT(tproc_arena_set_root(arena, second, "it.A/1") == 0);
  EXPECT(tproc_arena_root(arena, "it.A/1", &root) == 0 && root == second);
  EXPECT(tproc_arena_root(arena, "it.A/2", &root) == EPROTOTYPE && tproc_arena_root(second, nullptr, &root) == EPROTO);

  // A buffer that grows at the end takes up no more than it is, up to more than a size class has.
  tproc::block large(tproc_arena_create(8 << 20));
  arena = static_cast<tproc_arena *>(large.get());
  for (std::size_t size = 1000; size < (6 << 20); size += size / 3) {
    void *buffer = tproc_arena_alloc(arena, size, 16);
    EXPECT(buffer != nullptr && tproc_arena_used(arena) >= empty + size && tproc_arena_used(arena) <= empty + 2 * size);
    tproc_arena_free(arena, buffer, size);
  }
  EXPECT(tproc_arena_used(arena) == empty);
}

}  // namespace

int main() {
  const auto shared = tproc::make_unique<Waiting>();
  events(*shared);
  semaphores(*shared);
  barriers(*shared);
  onces(*shared);
  registry();
  kept();
  messages();
  one_by_one();
  several();
  selections();
  until_no_sender_is_left();
  gifts();
  arenas();
}
