/*
 * tproc_arrow.h for C++17: a request's columns as views, results that are written where Java reads them, and a handler
 * that may throw. Example in docs/arrow.md.
 */
#ifndef TPROC_ARROW_HPP
#define TPROC_ARROW_HPP

#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "tproc_arrow.h"

namespace tproc::arrow {

namespace detail {

[[noreturn]] inline void refuse(std::string_view column, const std::string &why) {
  throw std::invalid_argument("column '" + std::string(column) + "': " + why);
}

inline bool bit(const void *bits, int64_t index) noexcept {
  return (static_cast<const uint8_t *>(bits)[index / 8] >> (index % 8) & 1) != 0;
}

inline void set_bit(uint8_t *bits, int64_t index, bool value) noexcept {
  const auto mask = static_cast<uint8_t>(1 << (index % 8));
  bits[index / 8] = static_cast<uint8_t>(value ? bits[index / 8] | mask : bits[index / 8] & ~mask);
}

/** The format of a number's type, for results. */
template <typename T>
constexpr const char *format_of() {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8, "a number of at most 8 bytes");
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? "f" : "g";
  constexpr const char *is_signed[] = {"c", "s", "i", "l"}, *is_unsigned[] = {"C", "S", "I", "L"};
  constexpr int step = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return std::is_signed_v<T> ? is_signed[step] : is_unsigned[step];
}

}  // namespace detail

/** Values of one type, one after the other. */
template <typename T>
class values {
 public:
  values(T *first, int64_t count) noexcept : first_(first), count_(count) {}
  T *begin() const noexcept { return first_; }
  T *end() const noexcept { return first_ + count_; }
  T *data() const noexcept { return first_; }
  int64_t size() const noexcept { return count_; }
  T &operator[](int64_t index) const noexcept { return first_[index]; }

 private:
  T *first_;
  int64_t count_;
};

/** A look at a column, as long as its array is there. */
class column {
 public:
  column(const ArrowSchema &schema, const ArrowArray &array) : schema_(&schema), array_(&array) {
    if (schema.format == nullptr || tproc_arrow_layout_of(schema.format, &layout_) != 0) {
      detail::refuse(name(), "a type that is not known: '" + std::string(format()) + "'");
    }
    if (array.n_buffers != layout_.buffers) detail::refuse(name(), "it has not the buffers of its type");
  }

  std::string_view name() const noexcept { return schema_->name == nullptr ? "" : schema_->name; }
  std::string_view format() const noexcept { return schema_->format == nullptr ? "" : schema_->format; }
  int64_t size() const noexcept { return array_->length; }
  const ArrowSchema &schema() const noexcept { return *schema_; }
  const ArrowArray &array() const noexcept { return *array_; }

  bool is_null(int64_t row) const noexcept {
    if (layout_.buffers == 0) return format() == "n";
    return array_->buffers[0] != nullptr && !detail::bit(array_->buffers[0], array_->offset + row);
  }

  /** Whether there are nulls; counts them, when the array does not say. */
  bool has_nulls() const noexcept {
    if (array_->null_count >= 0) return array_->null_count > 0;
    for (int64_t row = 0; row < size(); row++) {
      if (is_null(row)) return true;
    }
    return false;
  }

  /** The values of a type of fixed width, also those of nulls. @throws std::invalid_argument when it has another width
   */
  template <typename T>
  values<const T> as() const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (layout_.buffers != 2 || layout_.buffer[1] != TPROC_ARROW_FIXED || layout_.bits != 8 * int64_t{sizeof(T)}) {
      detail::refuse(name(),
                     "format '" + std::string(format()) + "' has no values of " + std::to_string(sizeof(T)) + " bytes");
    }
    return {static_cast<const T *>(array_->buffers[1]) + array_->offset, size()};
  }

  /** A value of a column of booleans. */
  bool boolean(int64_t row) const {
    if (format() != "b") detail::refuse(name(), "format '" + std::string(format()) + "' is not of booleans");
    return detail::bit(array_->buffers[1], array_->offset + row);
  }

  /** A value of a column of strings or bytes. */
  std::string_view text(int64_t row) const {
    if (layout_.buffers != 3) detail::refuse(name(), "format '" + std::string(format()) + "' is not of strings");
    const auto [from, to] = range(row);
    return {static_cast<const char *>(array_->buffers[2]) + from, static_cast<size_t>(to - from)};
  }

  /** Where a list's values lie in its child, or a string's bytes: from the first up to the second. */
  std::pair<int64_t, int64_t> range(int64_t row) const {
    const int64_t at = array_->offset + row;
    if (layout_.list > 0) return {at * layout_.list, (at + 1) * layout_.list};
    if (layout_.buffers < 2 || layout_.buffer[1] != TPROC_ARROW_OFFSETS) {
      detail::refuse(name(), "format '" + std::string(format()) + "' is not of lists");
    }
    const void *offsets = array_->buffers[1];
    return {tproc_arrow_offset(offsets, layout_.bits, at), tproc_arrow_offset(offsets, layout_.bits, at + 1)};
  }

  int64_t children() const noexcept { return array_->n_children; }
  column child(int64_t index) const { return {*schema_->children[index], *array_->children[index]}; }

  bool has_dictionary() const noexcept { return array_->dictionary != nullptr; }
  /** The values that the indices of this column stand for. */
  column dictionary() const {
    if (!has_dictionary()) detail::refuse(name(), "it has no dictionary");
    return {*schema_->dictionary, *array_->dictionary};
  }

 private:
  const ArrowSchema *schema_;
  const ArrowArray *array_;
  tproc_arrow_layout layout_{};
};

/** Columns that were moved out of a request: Java's still, until the end of this object. May be ended by any thread. */
class batch {
 public:
  batch() noexcept = default;
  batch(batch &&other) noexcept : schema_(other.schema_), array_(other.array_) { other.forget(); }
  batch &operator=(batch &&other) noexcept {
    if (this != &other) {
      release();
      schema_ = other.schema_;
      array_ = other.array_;
      other.forget();
    }
    return *this;
  }
  ~batch() { release(); }

  int64_t rows() const noexcept { return array_.length; }
  int64_t columns() const noexcept { return array_.n_children; }
  arrow::column column(int64_t index) const { return {*schema_.children[index], *array_.children[index]}; }
  /** @throws std::invalid_argument when there is none of that name */
  arrow::column column(std::string_view name) const { return find(schema_, array_, name); }

  /** Tells Java that the columns are not needed any more. */
  void release() noexcept {
    if (schema_.release != nullptr) schema_.release(&schema_);
    if (array_.release != nullptr) array_.release(&array_);
    forget();
  }

 private:
  friend class request;

  static arrow::column find(const ArrowSchema &schema, const ArrowArray &array, std::string_view name) {
    for (int64_t i = 0; i < schema.n_children; i++) {
      const char *its = schema.children[i]->name;
      if (its != nullptr && name == its) return {*schema.children[i], *array.children[i]};
    }
    throw std::invalid_argument("there is no column '" + std::string(name) + "'");
  }

  void forget() noexcept {
    schema_ = ArrowSchema{};
    array_ = ArrowArray{};
  }

  ArrowSchema schema_{};
  ArrowArray array_{};
};

/** A request of Java's: columns, in place. */
class request {
 public:
  explicit request(tproc_arrow_request &raw) noexcept : raw_(&raw) {}

  int64_t rows() const noexcept { return raw_->array.length; }
  int64_t columns() const noexcept { return raw_->array.n_children; }
  arrow::column column(int64_t index) const { return {*raw_->schema.children[index], *raw_->array.children[index]}; }
  /** @throws std::invalid_argument when there is none of that name */
  arrow::column column(std::string_view name) const { return batch::find(raw_->schema, raw_->array, name); }

  /** Moves the columns out, to stay valid after the request. It has none from here on. */
  batch keep() noexcept {
    batch kept;
    kept.schema_ = std::exchange(raw_->schema, ArrowSchema{});
    kept.array_ = raw_->array;
    raw_->array.release = nullptr;
    raw_->array.n_children = raw_->array.length = 0;
    return kept;
  }

  tproc_arrow_request &raw() const noexcept { return *raw_; }

 private:
  tproc_arrow_request *raw_;
};

/** Strings of a result, written one after the other. */
class texts {
 public:
  /** @throws std::length_error when rows or bytes are more than were said */
  void append(std::string_view text) {
    if (row_ == rows_ || static_cast<int64_t>(text.size()) > room_ - offsets_[row_]) {
      throw std::length_error("more text than there is room for");
    }
    if (!text.empty()) std::memcpy(bytes_ + offsets_[row_], text.data(), text.size());
    offsets_[row_ + 1] = offsets_[row_] + static_cast<int32_t>(text.size());
    row_++;
  }

  void append_null() {
    append({});
    detail::set_bit(validity_, row_ - 1, false);
  }

 private:
  friend class result;
  texts(uint8_t *validity, int32_t *offsets, char *bytes, int64_t rows, int64_t room) noexcept
      : validity_(validity), offsets_(offsets), bytes_(bytes), rows_(rows), room_(room) {}

  uint8_t *validity_;
  int32_t *offsets_;
  char *bytes_;
  int64_t rows_;
  int64_t room_;
  int64_t row_ = 0;
};

/** Which rows of a column have a value: all, at first. */
class validity {
 public:
  explicit validity(uint8_t *bits) noexcept : bits_(bits) {}
  void set_null(int64_t row) const noexcept { detail::set_bit(bits_, row, false); }

 private:
  uint8_t *bits_;
};

/** A result that is written where Java reads it. send() sends it; without it nothing is. */
class result {
 public:
  /** @param bytes how much memory the columns need, about; without it, twice as much as those of the request */
  explicit result(request &from, int64_t rows, size_t bytes = 0) : raw_(&from.raw()), rows_(rows) {
    if (rows < 0) throw std::invalid_argument("a negative number of rows");
    if (bytes == 0) return;
    const int failed = tproc_arrow_reserve(raw_, bytes);
    if (failed != 0) throw std::system_error(failed, std::generic_category(), "tproc_arrow_reserve");
  }
  result(const result &) = delete;
  result &operator=(const result &) = delete;

  /** A column of numbers without nulls, to be filled by the caller. */
  template <typename T>
  values<T> add(std::string_view name) {
    return {static_cast<T *>(add_fixed(name, detail::format_of<T>(), sizeof(T) * size(), nullptr)), rows_};
  }

  /** A column of numbers that may be null. */
  template <typename T>
  std::pair<values<T>, validity> add_nullable(std::string_view name) {
    uint8_t *bits = all_valid();
    void *memory = add_fixed(name, detail::format_of<T>(), sizeof(T) * size(), bits);
    return {values<T>(static_cast<T *>(memory), rows_), validity(bits)};
  }

  /** A column of booleans, all false at first; set_bit sets one. */
  uint8_t *add_booleans(std::string_view name) {
    void *memory = add_fixed(name, "b", (size() + 7) / 8, nullptr);
    std::memset(memory, 0, (size() + 7) / 8);
    return static_cast<uint8_t *>(memory);
  }
  static void set_bit(uint8_t *booleans, int64_t row, bool value) noexcept { detail::set_bit(booleans, row, value); }

  /** A column of strings. @param bytes how many bytes they have together, at most */
  texts add_texts(std::string_view name, size_t bytes) {
    if (bytes > INT32_MAX) throw std::length_error("a column of strings has at most 2 GiB");
    uint8_t *bits = all_valid();
    auto *offsets = static_cast<int32_t *>(memory(sizeof(int32_t) * (size() + 1)));
    auto *text = static_cast<char *>(memory(bytes));
    std::memset(offsets, 0, sizeof(int32_t) * (size() + 1));
    node &added = add_node(name, "u", bits != nullptr);
    added.own.n_buffers = 3;
    added.buffers[0] = bits;
    added.buffers[1] = offsets;
    added.buffers[2] = text;
    return {bits, offsets, text, rows_, static_cast<int64_t>(bytes)};
  }

  /** A column of the request, or of the caller's making, as it is. It has to be there until send() returns. */
  void pass(const column &whole, std::string_view name = {}) {
    if (whole.size() < rows_) detail::refuse(whole.name(), "it has less rows than the result");
    node &added = nodes_.emplace_back();
    added.name = name.empty() ? whole.name() : name;
    added.schema = whole.schema();
    added.schema.name = added.name.c_str();
    added.own = whole.array();
  }

  void send() {
    const size_t count = nodes_.size();
    const auto schemas = std::make_unique<ArrowSchema *[]>(count);
    const auto arrays = std::make_unique<ArrowArray *[]>(count);
    for (size_t i = 0; i < count; i++) {
      schemas[i] = &nodes_[i].schema;
      arrays[i] = &nodes_[i].own;
    }
    const void *none[1] = {nullptr};
    ArrowSchema schema{};
    ArrowArray array{};
    schema.format = "+s";
    schema.n_children = array.n_children = static_cast<int64_t>(count);
    schema.children = schemas.get();
    array.children = arrays.get();
    array.length = rows_;
    array.n_buffers = 1;
    array.buffers = none;
    check(tproc_arrow_respond(raw_, &schema, &array));
  }

 private:
  struct node {
    std::string name;
    ArrowSchema schema{};
    ArrowArray own{};
    const void *buffers[3] = {nullptr, nullptr, nullptr};
  };

  size_t size() const noexcept { return static_cast<size_t>(rows_); }

  void check(int failed) const {
    if (failed == 0) return;
    if (failed != EINVAL) throw std::system_error(failed, std::generic_category(), "tproc_arrow_respond");
    const auto text = raw_->refusal;
    throw std::invalid_argument(text);
  }

  void *memory(size_t bytes) const {
    void *got = tproc_arrow_alloc(raw_, bytes);
    if (got == nullptr) throw std::bad_alloc();
    return got;
  }

  uint8_t *all_valid() const {
    auto *bits = static_cast<uint8_t *>(memory((size() + 7) / 8));
    std::memset(bits, 0xff, (size() + 7) / 8);
    return bits;
  }

  node &add_node(std::string_view name, const char *format, bool is_nullable) {
    node &added = nodes_.emplace_back();
    added.name = name;
    added.schema.format = format;
    added.schema.name = added.name.c_str();
    added.schema.flags = is_nullable ? ARROW_FLAG_NULLABLE : 0;
    added.own.length = rows_;
    added.own.null_count = is_nullable ? -1 : 0;
    added.own.buffers = added.buffers;
    return added;
  }

  void *add_fixed(std::string_view name, const char *format, size_t bytes, const uint8_t *bits) {
    void *got = memory(bytes);
    node &added = add_node(name, format, bits != nullptr);
    added.own.n_buffers = 2;
    added.buffers[0] = bits;
    added.buffers[1] = got;
    return got;
  }

  tproc_arrow_request *raw_;
  int64_t rows_;
  std::deque<node> nodes_;  // a node stays where it is
};

/**
 * Serves the requests of the pool that has started this program, until the pool closes: tproc_arrow_serve.
 *
 * @param handler is called as handler(request &). An exception that leaves it is TPROC_EXCEPTION, and its what() the
 * message
 */
template <typename Handler>
int serve(Handler &&handler) {
  auto call = [](tproc_arrow_request *raw, void *context) noexcept {
    std::string_view what = "an exception that is no std::exception";
    try {
      request asked(*raw);
      (**static_cast<std::remove_reference_t<Handler> **>(context))(asked);
      return 0;
    } catch (const std::exception &thrown) {
      what = thrown.what();
      tproc_respond(raw->request, what.data(), what.size());
    } catch (...) {
      tproc_respond(raw->request, what.data(), what.size());
    }
    return TPROC_EXCEPTION;
  };
  auto *own = std::addressof(handler);  // also of a function, which is no object
  return tproc_arrow_serve(call, &own);
}

}  // namespace tproc::arrow

#endif
