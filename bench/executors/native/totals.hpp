// What all workers do with a batch: a price times a count, and the sum of the row's other bytes if it has some.
#ifndef TOTALS_HPP
#define TOTALS_HPP

#include <cmath>
#include <cstdint>
#include <cstdlib>

// The bug of all of them: a price that is no number.
inline void totals(int64_t rows, const double *price, const int32_t *count, const uint8_t *payload, int64_t width,
                   double *total) {
  for (int64_t i = 0; i < rows; i++) {
    if (std::isnan(price[i])) std::abort();
    total[i] = price[i] * count[i];
  }
  if (payload == nullptr) return;
  for (int64_t i = 0; i < rows; i++) {
    uint32_t sum = 0;
    for (int64_t k = 0; k < width; k++) sum += payload[i * width + k];
    total[i] += sum;
  }
}

#endif
