// A library in C++, whose exceptions leave or do not.
#include <stdexcept>
#include <string>

extern "C" int throws_out(int value) {
  if (value > 0) throw std::runtime_error("left by " + std::to_string(value));
  return value;
}

extern "C" int catches(int value) {
  try {
    return throws_out(value);
  } catch (const std::exception &) {
    return -1;
  }
}

/* Out of a function that Java has been called by. */
extern "C" int catches_of_callback(int (*callback)(int), int value) {
  try {
    return callback(value);
  } catch (...) {
    return -2;
  }
}
