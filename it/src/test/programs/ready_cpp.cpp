// ready_cpp WHAT WORD...: with "ends" it ends; else it loads, waits for its start, and says what it has got.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string>
#include <tproc.hpp>
#include <vector>

int main(int argc, char **argv) {
  if (argc > 1 && std::string(argv[1]) == "ends") return 3;
  std::vector<long> loaded(1000);
  std::iota(loaded.begin(), loaded.end(), 1);
  const bool waited = tproc::ready(argc, argv);
  std::cout << (waited ? "waited" : "ordinary") << ' ' << std::accumulate(loaded.begin(), loaded.end(), 0L) << '\n';
  for (int i = 2; i < argc; i++) std::cout << argv[i] << '\n';
  const char *word = std::getenv("WORD");
  const mode_t mask = umask(0);
  char directory[4096];
  std::string line;
  std::getline(std::cin, line);
  std::cout << (word != nullptr ? word : "none") << '\n'
            << std::oct << mask << std::dec << '\n'
            << (getcwd(directory, sizeof directory) != nullptr ? directory : "?") << '\n'
            << line << '\n'
            << getpid() << std::endl;
}
