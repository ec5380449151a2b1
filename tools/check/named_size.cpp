// SPDX-License-Identifier: Apache-2.0
#include "tools/check/named_size.hpp"

#include <algorithm>
#include <cstddef>

namespace lithe::check {

namespace {

constexpr std::int64_t largest = std::int64_t{1} << 31;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Sums of products of numbers, names and parentheses; what it does not understand makes it fail.
class Expression {
 public:
  Expression(std::string_view text, const std::function<std::uint64_t(std::string_view)>& size)
      : text_(text), size_(size) {}

  std::optional<std::uint64_t> value() {
    const std::int64_t result = sum(0);
    skip_spaces();
    if (failed_ || !computes_ || !text_.empty() || result < 0) return std::nullopt;
    return static_cast<std::uint64_t>(result);
  }

 private:
  std::int64_t sum(int depth) {
    std::int64_t result = product(depth);
    while (!failed_) {
      if (take("+"))
        result = bounded(result + product(depth));
      else if (take("-"))
        result = bounded(result - product(depth));
      else
        break;
      computes_ = true;
    }
    return result;
  }

  std::int64_t product(int depth) {
    std::int64_t result = factor(depth);
    while (!failed_) {
      if (take("*")) {
        result = bounded(result * factor(depth));
      } else if (take("//") || take("/")) {
        const std::int64_t divisor = factor(depth);
        failed_ = failed_ || divisor <= 0 || result < 0;
        result = failed_ ? 0 : result / divisor;
      } else {
        break;
      }
      computes_ = true;
    }
    return result;
  }

  std::int64_t factor(int depth) {
    constexpr int deepest = 32;
    if (depth > deepest) failed_ = true;
    if (failed_) return 0;
    if (take("(")) {
      const std::int64_t inner = sum(depth + 1);
      failed_ = failed_ || !take(")");
      return inner;
    }
    std::size_t length = 0;
    if (!text_.empty() && is_digit(text_[0])) {
      std::int64_t number = 0;
      for (; length < text_.size() && is_digit(text_[length]) && !failed_; ++length)
        number = bounded(10 * number + (text_[length] - '0'));
      text_.remove_prefix(length);
      return number;
    }
    while (length < text_.size() &&
           (begins_name(text_[length]) || (length > 0 && (is_digit(text_[length]) || text_[length] == '.'))))
      ++length;
    if (length == 0) return fail();
    const std::string_view name = text_.substr(0, length);
    text_.remove_prefix(length);
    return bounded(static_cast<std::int64_t>(std::min<std::uint64_t>(size_(name), 2 * largest)));
  }

  bool take(std::string_view sign) {
    skip_spaces();
    if (!text_.starts_with(sign)) return false;
    text_.remove_prefix(sign.size());
    skip_spaces();
    return true;
  }
  void skip_spaces() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }
  std::int64_t bounded(std::int64_t number) {
    return number > largest || number < -largest ? fail() : number;
  }
  std::int64_t fail() {
    failed_ = true;
    return 0;
  }

  std::string_view text_;
  const std::function<std::uint64_t(std::string_view)>& size_;
  bool failed_ = false;
  bool computes_ = false;  ///< a plain name or number is no expression
};

}  // namespace

std::optional<std::uint64_t> named_size(std::string_view name,
                                        const std::function<std::uint64_t(std::string_view)>& size) {
  return Expression(name, size).value();
}

}  // namespace lithe::check
