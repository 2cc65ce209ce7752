// A worker of a Spark executor's: multiplies two columns. A price that is no number is its bug: it crashes.
#include <cmath>
#include <cstdlib>
#include <tproc_arrow.hpp>

int main() {
  return tproc::arrow::serve([](tproc::arrow::request &request) {
    const auto price = request.column("price").as<double>();
    const auto count = request.column("count").as<int32_t>();
    tproc::arrow::result result(request, request.rows());
    auto total = result.add<double>("total");
    for (int64_t i = 0; i < request.rows(); i++) {
      if (std::isnan(price[i])) std::abort();
      total[i] = price[i] * count[i];
    }
    result.send();
  });
}
