// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lithe/core/operator.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// One input of a test node: a shape with random contents, unless contents are given.
///   {1, 9, 7, 3}                    random, of the type row's dtype
///   Input{2, 3}.as(s32)             only type rows with this dtype here
///   Input::ints({0, -1})            s64 (or `.as(s32)`), contents known to infer
///   Input::values({2, 2}, {...})    these numbers
class Input {
 public:
  Input(std::initializer_list<std::int64_t> dims) : shape_(dims) {}
  Input(const Shape& shape) : shape_(shape) {}  // NOLINT(google-explicit-constructor)

  static Input values(const Shape& shape, std::vector<double> values) {
    Input input{shape};
    if (static_cast<index_t>(values.size()) != shape.elements())
      throw std::invalid_argument("Input::values: one number per element");
    input.values_ = std::move(values);
    return input;
  }
  static Input scalar(double value) { return values({}, {value}); }
  static Input ints(const std::vector<std::int64_t>& values) {
    Input input = Input::values({static_cast<index_t>(values.size())}, {values.begin(), values.end()});
    input.integers_ = values;
    return std::move(input).known();
  }
  static Input absent() {
    Input input{};
    input.present_ = false;
    return input;
  }

  Input as(DType dtype) && {
    dtype_ = dtype;
    return std::move(*this);
  }
  /// The range that real numbers are drawn from; its default depends on the dtype.
  Input between(double low, double high) && {
    range_ = {low, high};
    return std::move(*this);
  }
  /// The contents are constant: kernels may pack them. Inputs that the operator names filter or bias are so
  /// by default.
  Input constant(bool is = true) && {
    constant_ = is;
    return std::move(*this);
  }
  /// The contents are known to infer (a constant or a host input), or are not, though they were given.
  Input known(bool is = true) && {
    known_ = is;
    return std::move(*this);
  }
  /// If it is quantized: one scale for all, instead of what the input's name suggests.
  Input per_tensor() && {
    scale_axis_ = -1;
    return std::move(*this);
  }
  /// If it is quantized: a scale for each index of `axis`; `count` scales run over `axis` and the next one
  /// together.
  Input per_channel(int axis, index_t count = 0) && {
    scale_axis_ = axis;
    scale_count_ = count;
    return std::move(*this);
  }
  /// If it is quantized: this scale and zero point.
  Input quantized(float scale, std::int32_t zero_point) && {
    fixed_ = TestQuantization{{scale}, {zero_point}, -1, 0, {}};
    return std::move(*this);
  }
  /// Quantized with these scales along `axis`, zero points 0, whatever the row says of quantization.
  Input quantized_along(int axis, std::vector<float> scales) && {
    const std::vector<std::int32_t> zeros(scales.size(), 0);
    fixed_ = TestQuantization{std::move(scales), zeros, axis, 0, {}};
    return std::move(*this);
  }
  /// The same by blocks of the last axis, the scales stored as bf16.
  Input quantized_by_block(index_t block, const std::vector<float>& scales) && {
    TestQuantization q{{}, std::vector<std::int32_t>(scales.size(), 0), shape_.rank() - 1, block, {}};
    for (float s : scales) {
      q.rounded.emplace_back(s);
      q.scale.push_back(q.rounded.back());
    }
    fixed_ = std::move(q);
    return std::move(*this);
  }

  const Shape& shape() const { return shape_; }
  bool present() const { return present_; }
  DType dtype() const { return dtype_; }
  bool is_known() const { return known_; }
  const std::optional<std::vector<double>>& contents() const { return values_; }
  /// What `ints` was given, exact where a double is not.
  const std::vector<std::int64_t>& integers() const { return integers_; }
  std::optional<std::pair<double, double>> range() const { return range_; }
  std::optional<bool> constness() const { return constant_; }
  std::optional<int> scale_axis() const { return scale_axis_; }
  index_t scale_count() const { return scale_count_; }
  const std::optional<TestQuantization>& fixed_quantization() const { return fixed_; }

 private:
  Shape shape_;
  DType dtype_ = DType::none;
  bool present_ = true, known_ = false;
  std::optional<bool> constant_;
  std::optional<std::vector<double>> values_;
  std::vector<std::int64_t> integers_;
  std::optional<std::pair<double, double>> range_;
  std::optional<int> scale_axis_;
  index_t scale_count_ = 0;
  std::optional<TestQuantization> fixed_;
};

/// Fills a tensor with reproducible numbers that suit its dtype: [-2, 2] for floats, small integers, the
/// whole range where quantized; but -127 to 127 where an s8 has zero points 0, as filters have: some
/// processors have no other kernel than the portable one for -128 (tests/xnn/least_weight_test.cpp).
void fill_random(StoredTensor& tensor, std::optional<std::pair<double, double>> range, std::uint32_t seed);

/// The dtypes of one case: a type row with its `any` bound.
struct Types {
  std::vector<DType> inputs, outputs;
  friend bool operator==(const Types&, const Types&) = default;
};

/// The type rows as cases: `any` stands for one dtype of every element width (and bool), or for the one an
/// input asks for.
std::vector<Types> concrete_rows(std::span<const TypeRow> rows, const std::vector<Input>& inputs,
                                 int outputs);

}  // namespace lithe::test
