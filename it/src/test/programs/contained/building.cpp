// Part of libcontained.so: its result is built where the caller wants it, before and after a callback. C++ copies none.
#include <cstdint>

namespace {

using Function = std::int64_t (*)(std::int64_t);

struct Large {
  std::int64_t values[5];

  Large(Function function, std::int64_t value) : values{value, value + 1, value + 2} {
    values[3] = function(reinterpret_cast<std::intptr_t>(values));
    values[4] = value + 4;
  }
};

}  // namespace

extern "C" Large build_around(Function function, std::int64_t value) { return Large(function, value); }
