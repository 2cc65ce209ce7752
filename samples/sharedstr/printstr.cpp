// Prints the std::string at each address given as an argument, or, without arguments, at each address read from its
// input. An ordinary program: it knows nothing of tproc. Run on its own it can only crash, for the address is another
// program's; hosted together with allocstr it prints what that program keeps.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

bool print(const std::string &text) {
  char *end = nullptr;
  const std::uintptr_t address = std::strtoull(text.c_str(), &end, 0);
  if (address == 0 || end == text.c_str() || *end != '\0') {
    std::cerr << "printstr: not an address: " << text << '\n';
    return false;
  }
  std::cout << *reinterpret_cast<const std::string *>(address) << std::endl;
  return true;
}

}  // namespace

int main(int argc, char *argv[]) {
  bool good = true;
  for (int i = 1; i < argc; i++) {
    good = print(argv[i]) && good;
  }
  if (argc < 2) {
    std::string line;
    while (std::getline(std::cin, line)) {
      good = print(line) && good;
    }
  }
  return good ? 0 : 2;
}
