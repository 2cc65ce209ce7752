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
#include <exception>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace tproc {

/** Whether this process is a threadproc. */
inline bool is_threadproc() noexcept { return tproc_is_threadproc() != 0; }

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

}  // namespace tproc

#endif
