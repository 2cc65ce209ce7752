// A worker in C++: words of the request come back in reverse order, and exceptions leave the handler.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <tproc.hpp>

int main() {
  int served = 0;
  return tproc::serve([&served](tproc_request &request) {
    std::string text(tproc::data(request));
    served++;
    if (text == "throw") throw std::runtime_error("request " + std::to_string(served));
    if (text == "throw a number") throw 5;
    std::reverse(text.begin(), text.end());
    tproc::respond(request, text);
  });
}
