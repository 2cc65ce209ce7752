// A worker that is given Arrow columns. The first value of the column "do" says what for; without one they come back.
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <tproc_arrow.hpp>
#include <vector>

namespace arrow = tproc::arrow;

namespace {

std::deque<arrow::batch> kept;

void echo(arrow::request &request) {
  arrow::result result(request, request.rows());
  for (int64_t i = 0; i < request.columns(); i++) result.pass(request.column(i));
  result.send();
}

/* One column of each kind that results can be written with. */
void compute(arrow::request &request) {
  const auto x = request.column("x").as<double>();
  arrow::result result(request, request.rows());
  auto twice = result.add<double>("twice");
  auto [wholes, valid] = result.add_nullable<int32_t>("whole");
  auto *positive = result.add_booleans("positive");
  auto text = result.add_texts("text", static_cast<size_t>(request.rows()) * 32);
  for (int64_t i = 0; i < request.rows(); i++) {
    twice[i] = 2 * x[i];
    wholes[i] = static_cast<int32_t>(x[i]);
    if (wholes[i] != x[i]) valid.set_null(i);
    result.set_bit(positive, i, x[i] > 0);
    if (x[i] < 0) {
      text.append_null();
    } else {
      text.append(std::to_string(wholes[i]));
    }
  }
  result.pass(request.column("x"), "was");
  result.send();
}

/* Reads what is in each other. */
void read(arrow::request &request) {
  const auto lists = request.column("lists");
  const auto numbers = lists.child(0);
  const auto words = request.column("words");
  const auto records = request.column("records");
  arrow::result result(request, request.rows());
  auto sums = result.add<int64_t>("sums");
  auto texts = result.add_texts("texts", 64 * static_cast<size_t>(request.rows()));
  for (int64_t row = 0; row < request.rows(); row++) {
    const auto [from, to] = lists.range(row);
    const auto all = numbers.as<int32_t>();
    sums[row] = lists.is_null(row) ? -1 : std::accumulate(all.begin() + from, all.begin() + to, int64_t{0});
    const auto word = words.dictionary().text(words.as<int32_t>()[row]);
    const auto name = records.child(0);
    texts.append(std::string(word) + "," + (name.is_null(row) ? "none" : std::string(name.text(row))));
  }
  result.send();
}

void count(arrow::request &request, int64_t number) {
  arrow::result result(request, 1);
  result.add<int64_t>("count")[0] = number;
  result.send();
}

void keep(arrow::request &request) {
  const int64_t rows = request.rows();
  arrow::result result(request, 1);
  result.add<int64_t>("count")[0] = rows;
  kept.push_back(request.keep());
  result.send();
}

/* On another thread: release callbacks may be called by any. */
void let_go() {
  std::thread([] { kept.clear(); }).join();
}

void overflow_the_room(arrow::request &request) {
  arrow::result result(request, request.rows(), 64);
  auto first = result.add<int32_t>("first");
  auto second = result.add<double>("second");
  for (int64_t i = 0; i < request.rows(); i++) {
    first[i] = static_cast<int32_t>(i);
    second[i] = static_cast<double>(i) / 2;
  }
  result.send();
}

void serve(arrow::request &request) {
  if (request.rows() == 0 || request.column(0).name() != "do") return echo(request);
  switch (request.column(0).as<int32_t>()[0]) {
    case 1:
      return compute(request);
    case 2:
      return read(request);
    case 3:
      return keep(request);
    case 4:
      let_go();
      return count(request, 0);
    case 5:
      throw std::runtime_error("as it was told");
    case 6:
      keep(request);
      throw std::runtime_error("it keeps them");
    case 7:
      std::abort();
    case 8:
      keep(request);
      std::_Exit(3);
    case 9:
      return overflow_the_room(request);
    case 10:
      return count(request, request.column("x").as<int16_t>()[0]);
    case 11:
      return;
    default:
      return echo(request);
  }
}

}  // namespace

int main() { return arrow::serve(serve); }
