/*
 * tproc.hpp: the C++ names for tproc.h, whose comments say all there is to know, and the shared heap for objects of
 * C++. Needs C++17, adds no library.
 */
#ifndef TPROC_HPP
#define TPROC_HPP

#include <tproc.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <scoped_allocator>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace tproc {

/** Whether this process is a threadproc. */
inline bool is_threadproc() noexcept { return tproc_is_threadproc() != 0; }

/** tproc_ready. @return whether it has waited, and argc and argv are new */
inline bool ready(int &argc, char **&argv) noexcept { return tproc_ready(&argc, &argv, nullptr) != 0; }

/** The scratch page; nullptr when there is no host. */
inline void *scratch() noexcept { return tproc_scratch(); }

/** Bytes in the scratch page; 0 when there is no host. */
inline std::size_t scratch_size() noexcept { return tproc_scratch_size(); }

/**
 * The scratch page seen as a T, for example a struct of std::atomic that all programs of a host agree on. All-zero
 * bytes must be a valid T, because that is what the first program finds. Nothing is constructed or destroyed.
 *
 * @return nullptr when there is no host, or when the page is too small for a T
 */
template <typename T>
T *scratch_as() noexcept {
  static_assert(std::is_standard_layout_v<T>, "every program must see the same layout");
  static_assert(std::is_trivially_destructible_v<T>, "no destructor runs for what is in the scratch page");
  return sizeof(T) <= scratch_size() ? static_cast<T *>(scratch()) : nullptr;
}

/**
 * An allocator of the shared heap. It has no state, so that a container may be destroyed by another program than has
 * filled it, if all of them are built with the same standard library. Each block is the allocating program's own, and
 * ends with it unless it is given away (tproc_give, block by block).
 */
template <typename T>
struct allocator {
  using value_type = T;
  using is_always_equal = std::true_type;

  allocator() noexcept = default;
  template <typename Other>
  allocator(const allocator<Other> &) noexcept {}  // NOLINT(google-explicit-constructor): as allocators are

  /** @throws std::bad_alloc also when there is no shared heap */
  T *allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    void *block = tproc_aligned_alloc(alignof(T), count * sizeof(T));
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T *>(block);
  }
  void deallocate(T *block, std::size_t) noexcept { tproc_free(block); }

  friend bool operator==(const allocator &, const allocator &) noexcept { return true; }
  friend bool operator!=(const allocator &, const allocator &) noexcept { return false; }
};

/** Containers whose memory is the shared heap's, all the way down: tproc::vector<tproc::string>. */
template <typename T>
using vector = std::vector<T, allocator<T>>;
using string = std::basic_string<char, std::char_traits<char>, allocator<char>>;

/** Ends an object in the shared heap, with the code of the program that does it, and frees its block. */
template <typename T>
struct deleter {
  static_assert(!std::is_polymorphic_v<T>, "a virtual table is the code of one program");
  void operator()(T *object) const noexcept {
    object->~T();
    tproc_free(object);
  }
};

/** An object in the shared heap. Released and adopted, it goes from program to program as a pointer. */
template <typename T>
using unique_ptr = std::unique_ptr<T, deleter<T>>;

/** Makes an object in the shared heap. @throws std::bad_alloc also when there is none; what the constructor throws */
template <typename T, typename... Arguments>
unique_ptr<T> make_unique(Arguments &&...arguments) {
  static_assert(!std::is_array_v<T>, "tproc::vector is for many");
  T *block = allocator<T>().allocate(1);
  try {
    return unique_ptr<T>(::new (static_cast<void *>(block)) T(std::forward<Arguments>(arguments)...));
  } catch (...) {
    tproc_free(block);
    throw;
  }
}

/**
 * The shared heap for std::pmr. A pmr container points to this object of one program: others may read what is in it,
 * but only that program may change or destroy it.
 */
class memory_resource final : public std::pmr::memory_resource {
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    void *block = tproc_aligned_alloc(alignment, size);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void *block, std::size_t, std::size_t) override { tproc_free(block); }
  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override {
    return dynamic_cast<const memory_resource *>(&other) != nullptr;
  }
};

/** Until when a wait may last. */
using deadline = std::chrono::steady_clock::time_point;

namespace detail {

inline void check(int failed, const char *step) {
  if (failed != 0) throw std::system_error(failed, std::generic_category(), step);
}

inline timespec time_of(deadline until) noexcept {
  using namespace std::chrono;
  if (until.time_since_epoch() < nanoseconds::zero()) return timespec{};  // long ago
  const auto whole = floor<seconds>(until.time_since_epoch());
  timespec time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(whole.count());
  time.tv_nsec = static_cast<decltype(time.tv_nsec)>(nanoseconds(until.time_since_epoch() - whole).count());
  return time;
}

/** Whether a call was in time. */
inline bool in_time(int code, const char *step) {
  if (code != ETIMEDOUT) check(code, step);
  return code != ETIMEDOUT;
}

/** A name or a type as the registry has it. @throws std::system_error EINVAL: it is too long, or has a NUL */
template <std::size_t Most>
class text {
 public:
  explicit text(std::string_view from) {
    const bool fits = from.size() <= Most && from.find('\0') == std::string_view::npos;
    check(fits ? 0 : EINVAL, "a name or type for tproc's registry");
    from.copy(bytes_, Most);
  }
  const char *c_str() const noexcept { return bytes_; }

 private:
  char bytes_[Most + 1]{};
};

/** The type that an entry has to have; nullptr: any. */
class wanted_type {
 public:
  explicit wanted_type(std::optional<std::string_view> type) {
    if (type) text_.emplace(*type);
  }
  const char *c_str() const noexcept { return text_ ? text_->c_str() : nullptr; }

 private:
  std::optional<text<TPROC_TYPE_MAX>> text_;
};

}  // namespace detail

/** A hold on a mutex, of the thread that has locked it. Its end unlocks. */
class hold {
 public:
  hold(hold &&other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)), recovered_(other.recovered_) {}
  hold &operator=(hold &&) = delete;
  ~hold() {
    if (mutex_ != nullptr) tproc_mutex_unlock(mutex_);
  }

  /** Whether an owner has died with the mutex: put right what it guards, then consistent(). */
  bool is_recovered() const noexcept { return recovered_; }

  /** What the mutex guards is right again. @throws std::system_error EINVAL when no owner has died */
  void consistent() {
    detail::check(tproc_mutex_consistent(mutex_), "tproc_mutex_consistent");
    recovered_ = false;
  }

 private:
  friend class mutex;
  friend class condition;
  hold(tproc_mutex *locked, bool recovered) noexcept : mutex_(locked), recovered_(recovered) {}

  tproc_mutex *mutex_;
  bool recovered_;
};

/** A lock that is passed on when its owner dies, for an object in the shared heap: tproc_mutex. */
class mutex {
 public:
  mutex() noexcept = default;
  mutex(const mutex &) = delete;
  mutex &operator=(const mutex &) = delete;

  /** @throws std::system_error EDEADLK: the thread has it already; ENOTRECOVERABLE … as tproc_mutex_lock */
  [[nodiscard]] hold lock() { return *held(tproc_mutex_lock(&mutex_), 0); }

  /** As lock(); nothing when another thread has it. */
  [[nodiscard]] std::optional<hold> try_lock() { return held(tproc_mutex_trylock(&mutex_), EBUSY); }

  /** As lock(); nothing when the deadline has passed. */
  [[nodiscard]] std::optional<hold> lock_until(deadline until) {
    const timespec time = detail::time_of(until);
    return held(tproc_mutex_timedlock(&mutex_, &time), ETIMEDOUT);
  }

 private:
  std::optional<hold> held(int code, int none) {
    if (code != 0 && code == none) return std::nullopt;
    if (code != EOWNERDEAD) detail::check(code, "tproc_mutex_lock");
    return hold(&mutex_, code == EOWNERDEAD);
  }

  tproc_mutex mutex_{};
};

/** Waiting for what a mutex guards to change, for an object in the shared heap: tproc_cond. */
class condition {
 public:
  condition() noexcept = default;
  condition(const condition &) = delete;
  condition &operator=(const condition &) = delete;

  /** Waits until notify_all(), or without a reason: look in a loop. The hold says when an owner has died meanwhile. */
  void wait(hold &held) { waited(held, nullptr); }

  /** As wait(). Returns false when the deadline has passed. */
  bool wait_until(hold &held, deadline until) {
    const timespec time = detail::time_of(until);
    return waited(held, &time);
  }

  void notify_all() noexcept { tproc_cond_broadcast(&condition_); }

 private:
  bool waited(hold &held, const timespec *time) {
    const int code = tproc_cond_wait(&condition_, held.mutex_, time);
    if (code == ENOTRECOVERABLE) held.mutex_ = nullptr;
    if (code == EOWNERDEAD) held.recovered_ = true;
    if (code != EOWNERDEAD && code != ETIMEDOUT) detail::check(code, "tproc_cond_wait");
    return code != ETIMEDOUT;
  }

  tproc_cond condition_{};
};

/** Waiting for a condition that is somewhere else in shared memory, for an object in the shared heap: tproc_event. */
class event {
 public:
  event() noexcept = default;
  event(const event &) = delete;
  event &operator=(const event &) = delete;

  /** Waits until a condition holds: it is called first, and at each signal, and when a program has died. */
  template <typename Condition>
  void wait(Condition &&condition) {
    waited(condition, nullptr);
  }

  /** As wait(). Returns false when the deadline has passed, and the condition does not hold. */
  template <typename Condition>
  bool wait_until(deadline until, Condition &&condition) {
    const timespec time = detail::time_of(until);
    return waited(condition, &time);
  }

  /** After a change of the condition: wakes all who wait. */
  void signal() noexcept { tproc_event_signal(&event_); }

 private:
  template <typename Condition>
  bool waited(Condition &condition, const timespec *time) {
    while (!condition()) {
      const std::uint32_t key = tproc_event_prepare(&event_);
      if (condition()) return true;
      if (!detail::in_time(tproc_event_wait(&event_, key, time), "tproc_event_wait")) return condition();
    }
    return true;
  }

  tproc_event event_{};
};

/** Permits, for an object in the shared heap: tproc_semaphore. One that a program dies with is gone. */
class semaphore {
 public:
  explicit semaphore(std::uint32_t permits = 0) noexcept { semaphore_.count = permits; }
  semaphore(const semaphore &) = delete;
  semaphore &operator=(const semaphore &) = delete;

  /** Takes a permit, and sleeps until there is one. */
  void acquire() { detail::check(tproc_semaphore_wait(&semaphore_, nullptr), "tproc_semaphore_wait"); }

  /** Takes a permit if there is one. */
  bool try_acquire() noexcept { return tproc_semaphore_trywait(&semaphore_) == 0; }

  /** As acquire(). Returns false when the deadline has passed. */
  bool acquire_until(deadline until) {
    const timespec time = detail::time_of(until);
    return detail::in_time(tproc_semaphore_wait(&semaphore_, &time), "tproc_semaphore_wait");
  }

  /** Adds a permit. @throws std::system_error EOVERFLOW */
  void release() { detail::check(tproc_semaphore_post(&semaphore_), "tproc_semaphore_post"); }

 private:
  tproc_semaphore semaphore_{};
};

/** Threads of any programs that wait for each other, again and again, for an object in the shared heap: tproc_barrier.
 */
class barrier {
 public:
  explicit barrier(std::uint32_t parties) noexcept { barrier_.parties = parties; }
  barrier(const barrier &) = delete;
  barrier &operator=(const barrier &) = delete;

  /**
   * Arrives, and waits for the others. Returns true to one of them.
   *
   * @throws std::system_error ECANCELED: the round was broken; EUSERS … as tproc_barrier_wait
   */
  bool wait() { return passed(tproc_barrier_wait(&barrier_, nullptr)); }

  /** As wait(). @throws std::system_error also ETIMEDOUT: the deadline has passed, and this has broken the round */
  bool wait_until(deadline until) {
    const timespec time = detail::time_of(until);
    return passed(tproc_barrier_wait(&barrier_, &time));
  }

  /** No round waits for the calling thread any more. @throws std::system_error ENOENT: it was no party */
  void leave() { detail::check(tproc_barrier_leave(&barrier_), "tproc_barrier_leave"); }

 private:
  static bool passed(int code) {
    if (code != TPROC_BARRIER_SERIAL) detail::check(code, "tproc_barrier_wait");
    return code == TPROC_BARRIER_SERIAL;
  }

  tproc_barrier barrier_{};
};

/** Something that is to be done once by one of all programs, for an object in the shared heap: tproc_once. */
class once {
 public:
  once() noexcept = default;
  once(const once &) = delete;
  once &operator=(const once &) = delete;

  /** Calls a function unless that has been done. After an exception of its, or its death, the next caller does it. */
  template <typename Function>
  void call(Function &&function) {
    const int begun = tproc_once_begin(&once_);
    if (begun == EALREADY) return;
    detail::check(begun, "tproc_once_begin");
    ending end{&once_};
    std::forward<Function>(function)();
    end.done = 1;
  }

 private:
  struct ending {
    struct tproc_once *of;
    int done = 0;
    ~ending() { tproc_once_end(of, done); }
  };

  struct tproc_once once_ {};
};

namespace detail {

/** What one language has made, another uses. */
template <typename Own, typename Raw>
inline constexpr bool same_layout = sizeof(Own) == sizeof(Raw) &&
                                    alignof(Own) == alignof(Raw) && std::is_standard_layout_v<Own>;

static_assert(same_layout<mutex, tproc_mutex> && same_layout<condition, tproc_cond>);
static_assert(same_layout<event, tproc_event> && same_layout<semaphore, tproc_semaphore>);
static_assert(same_layout<barrier, tproc_barrier> && same_layout<once, struct tproc_once>);

}  // namespace detail

/** Lets this process, which is not hosted, take part in the shared heap of the host that listens at a path. */
inline void attach(const char *socket) { detail::check(tproc_attach(socket), "tproc_attach"); }

/** Frees a block of bytes. */
struct free_block {
  void operator()(void *bytes) const noexcept { tproc_free(bytes); }
};

/** A block of the shared heap that this process owns; tproc_usable_size says how large it is. */
using block = std::unique_ptr<void, free_block>;

/** Allocates a block, uninitialised. @throws std::bad_alloc */
inline block make_block(std::size_t size) {
  void *bytes = tproc_alloc(size);
  if (bytes == nullptr) throw std::bad_alloc();
  return block(bytes);
}

/** Makes what is owned a process's, or TPROC_HOST's. @throws std::system_error ESRCH …, and it is the caller's still */
template <typename T, typename Deleter>
void give(std::unique_ptr<T, Deleter> &&owned, int pid = TPROC_HOST) {
  detail::check(tproc_give(owned.get(), pid), "tproc_give");
  (void)owned.release();
}

/**
 * An allocator of one arena. A container with it finds its arena in whichever program it is in; what is in it takes the
 * same one by std::scoped_allocator_adaptor, as in arena_vector<arena_string>.
 */
template <typename T>
class arena_allocator {
 public:
  using value_type = T;

  explicit arena_allocator(tproc_arena *arena) noexcept : arena_(arena) {}
  template <typename Other>
  arena_allocator(const arena_allocator<Other> &other) noexcept  // NOLINT(google-explicit-constructor): as allocators
      : arena_(other.arena()) {}

  tproc_arena *arena() const noexcept { return arena_; }

  /** @throws std::bad_alloc when the arena is full */
  T *allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    void *room = tproc_arena_alloc(arena_, count * sizeof(T), alignof(T));
    if (room == nullptr) throw std::bad_alloc();
    return static_cast<T *>(room);
  }
  void deallocate(T *room, std::size_t count) noexcept { tproc_arena_free(arena_, room, count * sizeof(T)); }

  friend bool operator==(const arena_allocator &one, const arena_allocator &other) noexcept {
    return one.arena_ == other.arena_;
  }
  friend bool operator!=(const arena_allocator &one, const arena_allocator &other) noexcept { return !(one == other); }

 private:
  tproc_arena *arena_;
};

/** Containers that lie in an arena all the way down: arena_map<arena_string, arena_vector<double>>. */
template <typename T>
using nested_allocator = std::scoped_allocator_adaptor<arena_allocator<T>>;
using arena_string = std::basic_string<char, std::char_traits<char>, arena_allocator<char>>;
template <typename T>
using arena_vector = std::vector<T, nested_allocator<T>>;
template <typename Key, typename Value, typename Less = std::less<>>
using arena_map = std::map<Key, Value, Less, nested_allocator<std::pair<const Key, Value>>>;

/**
 * An object, with all that it leads to, in an arena of its own: it is sent, given and freed in one step, however much
 * that is. It ends as memory does: no destructor is called, so all that it has must lie in the arena.
 */
template <typename T>
class graph {
  static_assert(!std::is_polymorphic_v<T>, "a virtual table is the code of one program");

 public:
  /**
   * Makes one. The object gets these arguments, and an allocator of the arena if it takes one.
   *
   * @param capacity bytes for all there is to come
   * @param type for who receives it
   * @throws std::bad_alloc also when there is no shared heap
   */
  template <typename... Arguments>
  static graph make(std::size_t capacity, std::string_view type, Arguments &&...arguments) {
    graph made(block(tproc_arena_create(capacity)));
    if (made.block_ == nullptr) throw std::bad_alloc();
    nested_allocator<T> allocator(made.allocator());
    made.root_ = allocator.allocate(1);
    std::allocator_traits<nested_allocator<T>>::construct(allocator, made.root_, std::forward<Arguments>(arguments)...);
    const detail::text<TPROC_TYPE_MAX> named(type);
    detail::check(tproc_arena_set_root(made.arena(), made.root_, named.c_str()), "tproc_arena_set_root");
    return made;
  }

  /** What a block is that has been received. @throws std::system_error EPROTO, EPROTOTYPE: it is something else */
  graph(block received, std::string_view type) : block_(std::move(received)) {
    void *root = nullptr;
    const detail::text<TPROC_TYPE_MAX> wanted(type);
    detail::check(tproc_arena_root(block_.get(), wanted.c_str(), &root), "tproc_arena_root");
    root_ = static_cast<T *>(root);
  }

  /** The same, whatever its type is called. @throws std::system_error EPROTO */
  static graph of_any_type(block received) {
    graph found(std::move(received));
    void *root = nullptr;
    detail::check(tproc_arena_root(found.block_.get(), nullptr, &root), "tproc_arena_root");
    found.root_ = static_cast<T *>(root);
    return found;
  }

  T &operator*() const noexcept { return *root_; }
  T *operator->() const noexcept { return root_; }

  /** For what is to be put into it. */
  arena_allocator<char> allocator() const noexcept { return arena_allocator<char>(arena()); }

  /** Bytes of its block that are in use. */
  std::size_t used() const noexcept { return tproc_arena_used(arena()); }

  /** The block that has it all, to be given or published. */
  [[nodiscard]] block release() noexcept {
    root_ = nullptr;
    return std::move(block_);
  }

 private:
  explicit graph(block made) noexcept : block_(std::move(made)) {}
  tproc_arena *arena() const noexcept { return static_cast<tproc_arena *>(block_.get()); }

  block block_;
  T *root_ = nullptr;
};

/** A publication, as it was when it was read. */
using entry = tproc_entry;

/** What lies at an entry's address, as a T; nullptr when it is too small for one, or not aligned. */
template <typename T>
T *as(const entry &found) noexcept {
  const bool aligned = reinterpret_cast<std::uintptr_t>(found.address) % alignof(T) == 0;
  return aligned && sizeof(T) <= found.size ? static_cast<T *>(found.address) : nullptr;
}

/** What this process has published. Its end withdraws it. */
class publication {
 public:
  publication(publication &&other) noexcept : entry_(other.entry_) { other.entry_.id = 0; }
  publication &operator=(publication &&other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~publication() { withdraw(); }

  const tproc::entry &entry() const noexcept { return entry_; }

  /** Takes it back, if it is there still. */
  void withdraw() noexcept {
    if (entry_.id != 0) tproc_withdraw(&entry_);
    entry_.id = 0;
  }

 private:
  friend publication publish(std::string_view, std::string_view, void *, std::size_t, std::uint32_t, std::uint32_t);
  explicit publication(const tproc::entry &published) noexcept : entry_(published) {}

  tproc::entry entry_;
};

/**
 * Publishes memory until the publication ends, or the process does.
 *
 * @param version the publisher's own
 * @param flags TPROC_ENTRY_KEPT, or 0
 * @throws std::system_error EEXIST: a living process has the name; EINVAL … as tproc_publish
 */
[[nodiscard]] inline publication publish(std::string_view name, std::string_view type, void *address, std::size_t size,
                                         std::uint32_t version = 0, std::uint32_t flags = 0) {
  entry made{};
  std::char_traits<char>::copy(made.name, detail::text<TPROC_NAME_MAX>(name).c_str(), sizeof made.name);
  std::char_traits<char>::copy(made.type, detail::text<TPROC_TYPE_MAX>(type).c_str(), sizeof made.type);
  made.address = address;
  made.size = size;
  made.version = version;
  made.flags = flags;
  detail::check(tproc_publish(&made), "tproc_publish");
  return publication(made);
}

/** Publishes an object. */
template <typename T>
[[nodiscard]] publication publish(std::string_view name, std::string_view type, const unique_ptr<T> &object,
                                  std::uint32_t version = 0) {
  return publish(name, type, object.get(), sizeof(T), version);
}

/**
 * Finds what is published; nothing when there is none. One whose process has ended, and which is kept, says so: its
 * state is TPROC_ENTRY_ENDED.
 *
 * @param type what it has to be; none: anything
 * @throws std::system_error EPROTOTYPE: it is of another type
 */
[[nodiscard]] inline std::optional<entry> lookup(std::string_view name,
                                                 std::optional<std::string_view> type = std::nullopt) {
  entry found{};
  const detail::text<TPROC_NAME_MAX> named(name);
  const int code = tproc_lookup(named.c_str(), detail::wanted_type(type).c_str(), &found);
  if (code == ENOENT) return std::nullopt;
  if (code != EOWNERDEAD) detail::check(code, "tproc_lookup");
  return found;
}

namespace detail {

inline std::optional<entry> awaited(std::string_view name, std::optional<std::string_view> type, const timespec *time) {
  entry found{};
  const text<TPROC_NAME_MAX> named(name);
  const int code = tproc_await(named.c_str(), wanted_type(type).c_str(), time, &found);
  if (!in_time(code, "tproc_await")) return std::nullopt;
  return found;
}

inline bool watched(entry &publication, const timespec *time) {
  return in_time(tproc_watch(&publication, time), "tproc_watch");
}

}  // namespace detail

/** Sleeps until a name is published. @throws std::system_error EPROTOTYPE: it is of another type */
[[nodiscard]] inline entry await(std::string_view name, std::optional<std::string_view> type = std::nullopt) {
  return *detail::awaited(name, type, nullptr);
}

/** As await(); nothing when the deadline has passed. */
[[nodiscard]] inline std::optional<entry> await_until(deadline until, std::string_view name,
                                                      std::optional<std::string_view> type = std::nullopt) {
  const timespec time = detail::time_of(until);
  return detail::awaited(name, type, &time);
}

/** Sleeps until a publication is no more, or its process has ended; when it is kept, its state and status say how. */
inline void watch(entry &publication) { detail::watched(publication, nullptr); }

/** As watch(). Returns false when the deadline has passed. */
inline bool watch_until(deadline until, entry &publication) {
  const timespec time = detail::time_of(until);
  return detail::watched(publication, &time);
}

/** All that is published now. */
[[nodiscard]] inline std::vector<entry> entries() {
  std::vector<entry> all;
  std::uint32_t place = 0;
  entry each{};
  int code;
  while ((code = tproc_list(&place, &each)) == 0) all.push_back(each);
  if (code != ENOENT) detail::check(code, "tproc_list");
  return all;
}

/**
 * A message: up to 48 bytes, and perhaps a block, which it owns. An object in the block goes on living when the message
 * is sent, and ends with a message that is not; the receiver takes it as what it is.
 */
class message {
 public:
  message() noexcept = default;

  /** @throws std::system_error EINVAL: the bytes are too many */
  explicit message(std::string_view bytes) {
    detail::check(bytes.size() <= TPROC_MESSAGE_MAX ? 0 : EINVAL, "a message's bytes");
    raw_.length = static_cast<std::uint32_t>(bytes.copy(reinterpret_cast<char *>(raw_.data), bytes.size()));
  }
  message(std::string_view bytes, block with) : message(bytes) { raw_.block = with.release(); }
  template <typename T>
  message(std::string_view bytes, graph<T> with) : message(bytes, with.release()) {}
  template <typename T>
  message(std::string_view bytes, unique_ptr<T> with) : message(bytes) {
    raw_.block = with.release();
    end_ = [](void *object) noexcept { deleter<T>()(static_cast<T *>(object)); };
  }

  message(message &&other) noexcept : raw_(other.raw_), end_(other.end_) { other.raw_.block = nullptr; }
  message &operator=(message &&other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~message() {
    if (raw_.block != nullptr) end_(raw_.block);
  }

  std::string_view data() const noexcept { return {reinterpret_cast<const char *>(raw_.data), raw_.length}; }

  bool has_block() const noexcept { return raw_.block != nullptr; }

  /** The block, which is the caller's from here on; null when there is none. */
  [[nodiscard]] block take() noexcept { return block(std::exchange(raw_.block, nullptr)); }

  /**
   * The object in the block, which is the caller's from here on: that it is a T is the sender's word.
   *
   * @throws std::system_error EINVAL: there is no block, or it is too small for a T, or not aligned
   */
  template <typename T>
  [[nodiscard]] unique_ptr<T> take() {
    const bool aligned = reinterpret_cast<std::uintptr_t>(raw_.block) % alignof(T) == 0;
    const bool fits = raw_.block != nullptr && aligned && sizeof(T) <= tproc_usable_size(raw_.block);
    detail::check(fits ? 0 : EINVAL, "an object in a message's block");
    return unique_ptr<T>(static_cast<T *>(std::exchange(raw_.block, nullptr)));
  }

 private:
  friend class channel;

  tproc_message raw_{};
  void (*end_)(void *) noexcept = [](void *bytes) noexcept { tproc_free(bytes); };
};

/**
 * An open end of a bounded queue between programs: tproc_channel. Its end closes it. What sends alone is a sender, what
 * receives alone a receiver.
 */
class channel {
 public:
  /** Makes a channel. @param flags as of tproc_channel_create @throws std::system_error as that says */
  static channel create(std::uint32_t cells, unsigned flags) {
    channel made;
    detail::check(tproc_channel_create(&made.raw_, cells, flags), "tproc_channel_create");
    return made;
  }

  /** Opens an end of a published channel; sleeps until the name is there. @throws std::system_error EUSERS … */
  static channel open(std::string_view name, unsigned roles) { return *opened(name, roles, nullptr); }

  /** As open(); nothing when the deadline has passed. */
  static std::optional<channel> open_until(deadline until, std::string_view name, unsigned roles) {
    const timespec time = detail::time_of(until);
    return opened(name, roles, &time);
  }

  /** Opens an end of a channel whose id was told. */
  static channel open(std::uint64_t id, unsigned roles) {
    channel made;
    detail::check(tproc_channel_open_id(&made.raw_, id, roles), "tproc_channel_open_id");
    return made;
  }

  channel(channel &&other) noexcept : raw_(std::exchange(other.raw_, tproc_channel{})) {}
  channel &operator=(channel &&other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~channel() { close(); }

  /** For open(), in any program. */
  std::uint64_t id() const noexcept { return raw_.id; }

  /** Publishes it, for open(). @throws std::system_error EEXIST … as tproc_publish */
  void publish(std::string_view name) const {
    detail::check(tproc_channel_publish(&raw_, detail::text<TPROC_NAME_MAX>(name).c_str()), "tproc_channel_publish");
  }

  unsigned senders() const { return peers().first; }
  unsigned receivers() const { return peers().second; }

  /** Closes it; no thread may be using it. Calls after the first do nothing. */
  void close() noexcept {
    if (raw_.queue != nullptr) tproc_channel_close(&raw_);
    raw_.queue = nullptr;
  }

  /**
   * Sends a message, and sleeps until there is room. Its block is the receiver's then.
   *
   * @throws std::system_error EPIPE: there is no receiver any more; EINVAL …. The message keeps its block then
   */
  void send(message &&sent) { sent_in_time(sent, nullptr); }

  /** As send(). Returns false when the deadline has passed; the message is as before then. */
  bool send_until(deadline until, message &&sent) {
    const timespec time = detail::time_of(until);
    return sent_in_time(sent, &time);
  }

  /** As send(). Returns false when there is no room; the message is as before then. */
  bool try_send(message &&sent) {
    const int code = tproc_channel_trysend(&raw_, &sent.raw_);
    if (code == EAGAIN) return false;
    detail::check(code, "tproc_channel_trysend");
    sent.raw_.block = nullptr;
    return true;
  }

  /**
   * Sends as many of several as there is room for, and sleeps until that is at least one.
   *
   * @return how many; the others keep their blocks
   */
  std::size_t send_batch(message *messages, std::size_t count) {
    std::vector<tproc_message> raw(count);
    for (std::size_t i = 0; i < count; i++) raw[i] = messages[i].raw_;
    std::size_t sent = 0;
    const int code = tproc_channel_send_batch(&raw_, raw.data(), count, &sent, nullptr);
    for (std::size_t i = 0; i < sent; i++) messages[i].raw_.block = nullptr;
    detail::check(code, "tproc_channel_send_batch");
    return sent;
  }

  /**
   * Receives a message, and sleeps until there is one.
   *
   * @throws std::system_error EPIPE: nothing is there, and no sender any more; EBADMSG … as tproc_channel_receive
   */
  [[nodiscard]] message receive() { return *received(nullptr); }

  /** As receive(); nothing when the deadline has passed. */
  [[nodiscard]] std::optional<message> receive_until(deadline until) {
    const timespec time = detail::time_of(until);
    return received(&time);
  }

  /** As receive(); nothing when there is none. */
  [[nodiscard]] std::optional<message> try_receive() {
    message got;
    const int code = tproc_channel_tryreceive(&raw_, &got.raw_);
    if (code != 0) got.raw_.block = nullptr;
    if (code == EAGAIN) return std::nullopt;
    detail::check(code, "tproc_channel_tryreceive");
    return got;
  }

  /**
   * Receives as many as there are, up to `most`, and sleeps until that is at least one.
   *
   * @param to gets them at its end, also those before a message that was refused
   * @return how many
   * @throws std::system_error as receive(); EBADMSG is of the one after these
   */
  std::size_t receive_batch(std::vector<message> &to, std::size_t most) {
    std::vector<tproc_message> raw(most);
    to.reserve(to.size() + most);
    std::size_t count = 0;
    const int code = tproc_channel_receive_batch(&raw_, raw.data(), most, &count, nullptr);
    for (std::size_t i = 0; i < count; i++) to.emplace_back().raw_ = raw[i];
    detail::check(code, "tproc_channel_receive_batch");
    return count;
  }

  /** Calls a function with each message, until no sender is left. */
  template <typename Function>
  void for_each(Function &&function) {
    message got;
    int code;
    while ((code = tproc_channel_receive(&raw_, &got.raw_, nullptr)) == 0) function(std::exchange(got, message()));
    got.raw_.block = nullptr;
    if (code != EPIPE) detail::check(code, "tproc_channel_receive");
  }

 private:
  friend class selection;
  friend class sender;
  friend class receiver;
  channel() noexcept = default;

  static std::optional<channel> opened(std::string_view name, unsigned roles, const timespec *time) {
    channel made;
    const detail::text<TPROC_NAME_MAX> named(name);
    const int code = tproc_channel_open(&made.raw_, named.c_str(), roles, time);
    if (!detail::in_time(code, "tproc_channel_open")) return std::nullopt;
    return made;
  }

  std::pair<unsigned, unsigned> peers() const {
    std::pair<unsigned, unsigned> counted;
    detail::check(tproc_channel_peers(&raw_, &counted.first, &counted.second), "tproc_channel_peers");
    return counted;
  }

  bool sent_in_time(message &sent, const timespec *time) {
    if (!detail::in_time(tproc_channel_send(&raw_, &sent.raw_, time), "tproc_channel_send")) return false;
    sent.raw_.block = nullptr;
    return true;
  }

  std::optional<message> received(const timespec *time) {
    message got;
    const int code = tproc_channel_receive(&raw_, &got.raw_, time);
    if (code != 0) got.raw_.block = nullptr;
    if (!detail::in_time(code, "tproc_channel_receive")) return std::nullopt;
    return got;
  }

  tproc_channel raw_{};
};

/** An end that sends. */
class sender : private channel {
 public:
  static sender create(std::uint32_t cells, unsigned flags = 0) {
    return sender(channel::create(cells, flags | TPROC_SENDER));
  }
  static sender open(std::string_view name) { return sender(channel::open(name, TPROC_SENDER)); }
  static std::optional<sender> open_until(deadline until, std::string_view name) {
    auto opened = channel::open_until(until, name, TPROC_SENDER);
    if (!opened) return std::nullopt;
    return sender(std::move(*opened));
  }

  using channel::close;
  using channel::id;
  using channel::publish;
  using channel::receivers;
  using channel::send;
  using channel::send_batch;
  using channel::send_until;
  using channel::senders;
  using channel::try_send;

 private:
  friend class selection;
  explicit sender(channel &&opened) noexcept : channel(std::move(opened)) {}
};

/** An end that receives. */
class receiver : private channel {
 public:
  static receiver create(std::uint32_t cells, unsigned flags = 0) {
    return receiver(channel::create(cells, flags | TPROC_RECEIVER));
  }
  static receiver open(std::string_view name) { return receiver(channel::open(name, TPROC_RECEIVER)); }
  static std::optional<receiver> open_until(deadline until, std::string_view name) {
    auto opened = channel::open_until(until, name, TPROC_RECEIVER);
    if (!opened) return std::nullopt;
    return receiver(std::move(*opened));
  }

  using channel::close;
  using channel::for_each;
  using channel::id;
  using channel::publish;
  using channel::receive;
  using channel::receive_batch;
  using channel::receive_until;
  using channel::receivers;
  using channel::senders;
  using channel::try_receive;

 private:
  friend class selection;
  explicit receiver(channel &&opened) noexcept : channel(std::move(opened)) {}
};

/** One of several ends that are waited for, which stay where they are meanwhile: select(). */
class selection {
 public:
  /** Until there is a message, or no sender any more. */
  selection(receiver &end) noexcept : selection(end, TPROC_RECEIVER) {}  // NOLINT(google-explicit-constructor)
  /** Until there is room, or no receiver any more. */
  selection(sender &end) noexcept : selection(end, TPROC_SENDER) {}  // NOLINT(google-explicit-constructor)
  /** Until there is the one or the other. */
  selection(channel &end, std::uint32_t role) noexcept : raw_{&end.raw_, role, 0} {}

  /** Whether select() has found it ready. Another may be quicker: try_send() and try_receive() decide. */
  bool is_ready() const noexcept { return raw_.ready != 0; }

  template <typename Selections>
  friend void select(Selections &&of);
  template <typename Selections>
  friend bool select_until(deadline until, Selections &&of);

 private:
  static bool selected(selection *of, std::size_t count, const timespec *time) {
    struct tproc_channel_select raw[TPROC_SELECT_MAX];
    detail::check(count <= TPROC_SELECT_MAX ? 0 : EINVAL, "tproc_channel_select");
    for (std::size_t i = 0; i < count; i++) raw[i] = of[i].raw_;
    const bool any = detail::in_time(tproc_channel_select(raw, count, time), "tproc_channel_select");
    for (std::size_t i = 0; i < count; i++) of[i].raw_.ready = any ? raw[i].ready : 0;
    return any;
  }

  struct tproc_channel_select raw_;
};

/** Sleeps until one of several is ready. @param of an array or a vector of up to TPROC_SELECT_MAX selections */
template <typename Selections>
void select(Selections &&of) {
  selection::selected(std::data(of), std::size(of), nullptr);
}

/** As select(). Returns false when the deadline has passed. */
template <typename Selections>
bool select_until(deadline until, Selections &&of) {
  const timespec time = detail::time_of(until);
  return selection::selected(std::data(of), std::size(of), &time);
}

/** A request's own bytes, until it is finished. */
inline std::string_view data(const tproc_request &request) noexcept {
  return {static_cast<const char *>(request.data), request.size};
}

/** Sets the response's bytes, which are copied. @throws std::system_error when there is no memory for them */
inline void respond(tproc_request &request, std::string_view bytes) {
  const int failed = tproc_respond(&request, bytes.data(), bytes.size());
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "tproc_respond");
}

/**
 * Serves the requests of the pool that has started this program, until the pool closes: tproc_serve.
 *
 * @param handler is called as handler(tproc_request &). Returns nothing, or a code as tproc_serve's does. An exception
 * that leaves it is TPROC_EXCEPTION, and its what() the message
 * @return as tproc_serve
 */
template <typename Handler>
int serve(Handler &&handler) {
  using Code = std::invoke_result_t<Handler &, tproc_request &>;
  static_assert(std::is_void_v<Code> || std::is_convertible_v<Code, int>, "a handler returns nothing, or a code");
  auto call = [](tproc_request *request, void *context) noexcept {
    try {
      auto &own = *static_cast<std::remove_reference_t<Handler> *>(context);
      if constexpr (std::is_void_v<Code>) {
        own(*request);
        return 0;
      } else {
        return static_cast<int>(own(*request));
      }
    } catch (const std::exception &thrown) {
      const std::string_view what = thrown.what();
      tproc_respond(request, what.data(), what.size());
    } catch (...) {
      constexpr std::string_view what = "an exception that is no std::exception";
      tproc_respond(request, what.data(), what.size());
    }
    return TPROC_EXCEPTION;
  };
  return tproc_serve(call, const_cast<void *>(static_cast<const void *>(std::addressof(handler))));
}

/** What serve() does, step by step: tproc_worker. One thread at a time uses it. */
class worker {
 public:
  /** Tells the pool that this program serves. @throws std::system_error ENOENT … as tproc_serve */
  worker() { detail::check(tproc_worker_open(&worker_), "tproc_worker_open"); }
  worker(const worker &) = delete;
  worker &operator=(const worker &) = delete;
  ~worker() { tproc_worker_close(&worker_); }

  /** Takes a request, which has to be finished then, and sleeps until there is one; false: the pool is closing. */
  bool receive(tproc_request &request) {
    const int code = tproc_worker_receive(&worker_, &request, nullptr);
    if (code != EPIPE) detail::check(code, "tproc_worker_receive");
    return code == 0;
  }

  /** Sends the response to a request. @param code 0, or what it has failed with. Returns false: the pool is gone */
  bool finish(tproc_request &request, int code = 0) {
    const int failed = tproc_worker_finish(&worker_, &request, code);
    if (failed != EPIPE) detail::check(failed, "tproc_worker_finish");
    return failed == 0;
  }

 private:
  struct tproc_worker worker_ {};
};

}  // namespace tproc

#endif
