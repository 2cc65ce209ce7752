// Batches in place.
#include <tproc_arrow.hpp>

#include "totals.hpp"

int main() {
  return tproc::arrow::serve([](tproc::arrow::request &request) {
    const auto *price = request.column("price").as<double>().data();
    const auto *count = request.column("count").as<int32_t>().data();
    const uint8_t *payload = nullptr;
    int64_t width = 0;
    if (request.columns() == 3) {
      const auto column = request.column("payload");
      payload = static_cast<const uint8_t *>(column.array().buffers[1]);
      width = std::atoll(column.format().data() + 2);  // "w:1024"
    }
    tproc::arrow::result result(request, request.rows());
    totals(request.rows(), price, count, payload, width, result.add<double>("total").data());
    result.send();
  });
}
