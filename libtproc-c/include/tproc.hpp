/*
 * tproc.hpp: the C++ names for tproc.h, whose comments say all there is to know. Needs C++17, adds no library.
 */
#ifndef TPROC_HPP
#define TPROC_HPP

#include <tproc.h>

#include <cstddef>
#include <type_traits>

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

}  // namespace tproc

#endif
