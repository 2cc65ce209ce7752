// A worker of a Flink operator's: multiplies two columns. A price that is no number is its bug: it crashes.
// totals [MILLISECONDS]: takes so long over each batch.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <tproc_arrow.hpp>

int main(int argc, char **argv) {
  const std::chrono::milliseconds pause(argc > 1 ? std::atoi(argv[1]) : 0);
  return tproc::arrow::serve([pause](tproc::arrow::request &request) {
    const auto price = request.column("price").as<double>();
    const auto count = request.column("count").as<int32_t>();
    tproc::arrow::result result(request, request.rows());
    auto total = result.add<double>("total");
    for (int64_t i = 0; i < request.rows(); i++) {
      if (std::isnan(price[i])) std::abort();
      total[i] = price[i] * count[i];
    }
    std::this_thread::sleep_for(pause);
    result.pass(request.column("id"));
    result.send();
  });
}
