// Batches through pipes: rows, width of the payload, then the columns as they are; the totals go back.
#include <vector>

#include "descriptors.hpp"
#include "totals.hpp"

int main() {
  std::vector<double> price, total;
  std::vector<int32_t> count;
  std::vector<uint8_t> payload;
  for (int64_t head[2]; read_all(0, head, sizeof head);) {
    const auto rows = static_cast<size_t>(head[0]), width = static_cast<size_t>(head[1]);
    price.resize(rows);
    count.resize(rows);
    total.resize(rows);
    payload.resize(rows * width);
    if (!read_all(0, price.data(), rows * sizeof(double)) || !read_all(0, count.data(), rows * sizeof(int32_t)) ||
        !read_all(0, payload.data(), rows * width)) {
      return 1;
    }
    totals(head[0], price.data(), count.data(), width == 0 ? nullptr : payload.data(), head[1], total.data());
    if (!write_all(1, total.data(), rows * sizeof(double))) return 1;
  }
}
