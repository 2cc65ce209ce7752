// Keeps each line of its input in a std::string and prints where that string object is. An ordinary program: it knows
// nothing of tproc. Hosted, the addresses it prints are good in every program of the same host, and in Java.

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <list>
#include <string>

int main() {
  std::list<std::string> kept;  // a list never moves its elements, so an address stays good until the end of input
  std::string line;
  while (std::getline(std::cin, line)) {
    kept.push_back(line);
    std::printf("0x%jx\n", static_cast<std::uintmax_t>(reinterpret_cast<std::uintptr_t>(&kept.back())));
    std::fflush(stdout);
  }
  return 0;
}
