// A worker in C++: words of the request come back in reverse order, and exceptions leave the handler. With an argument,
// step by step.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <tproc.hpp>

static int steps() {
  tproc::worker worker;
  tproc_request request{};
  while (worker.receive(request)) {
    std::string text(tproc::data(request));
    std::reverse(text.begin(), text.end());
    tproc::respond(request, text);
    if (!worker.finish(request, text.empty() ? 7 : 0)) break;
  }
  return 0;
}

int main(int argc, char **) {
  int served = 0;
  if (argc > 1) return steps();
  return tproc::serve([&served](tproc_request &request) {
    std::string text(tproc::data(request));
    served++;
    if (text == "throw") throw std::runtime_error("request " + std::to_string(served));
    if (text == "throw a number") throw 5;
    std::reverse(text.begin(), text.end());
    tproc::respond(request, text);
  });
}
