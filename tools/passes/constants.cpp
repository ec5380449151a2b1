// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/constants.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "lithe/core/half.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/permutation.hpp"

namespace lithe::passes {
namespace {

/// Calls `visit` with an empty span of the element type of `dtype`; false for sub-byte and 8-bit
/// floating-point types.
template <class Visit>
bool with_element(DType dtype, Visit visit) {
  switch (dtype) {
    case DType::f32:
      visit(float{});
      return true;
    case DType::f64:
      visit(double{});
      return true;
    case DType::f16:
      visit(half{});
      return true;
    case DType::bf16:
      visit(bfloat16{});
      return true;
    case DType::s8:
      visit(std::int8_t{});
      return true;
    case DType::s16:
      visit(std::int16_t{});
      return true;
    case DType::s32:
      visit(std::int32_t{});
      return true;
    case DType::s64:
      visit(std::int64_t{});
      return true;
    case DType::u8:
    case DType::boolean:
      visit(std::uint8_t{});
      return true;
    case DType::u16:
      visit(std::uint16_t{});
      return true;
    case DType::u32:
      visit(std::uint32_t{});
      return true;
    case DType::u64:
      visit(std::uint64_t{});
      return true;
    default:
      return false;
  }
}

/// To float so that rounding the result again to 16 bits rounds once in all: inexact results get an odd last
/// bit.
float round_to_odd(double value) {
  auto f = static_cast<float>(value);
  if (static_cast<double>(f) == value || !std::isfinite(f) || f == 0.0F) return f;
  if (std::fabs(static_cast<double>(f)) > std::fabs(value)) f = std::nextafter(f, 0.0F);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(f) | 1U);
}

template <class T>
T rounded(double value) {
  if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>)
    return T(round_to_odd(value));
  else if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(value);
  else
    return static_cast<T>(std::clamp(std::nearbyint(value),
                                     static_cast<double>(std::numeric_limits<T>::min()),
                                     static_cast<double>(std::numeric_limits<T>::max())));
}

}  // namespace

std::optional<std::vector<std::int64_t>> ints_of(const Constant* constant) {
  if (constant == nullptr || !is_integer(constant->dtype) || element_bytes(constant->dtype) == 0 ||
      constant->dtype == DType::u64)
    return std::nullopt;
  std::vector<std::int64_t> values(static_cast<std::size_t>(constant->shape.elements()));
  const TensorView view = constant->view();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = integer_at(view, static_cast<index_t>(i));
  return values;
}

std::optional<std::vector<double>> doubles_of(const Constant* constant) {
  if (constant == nullptr) return std::nullopt;
  std::vector<double> values;
  const bool known = with_element(constant->dtype, [&](auto element) {
    using T = decltype(element);
    for (const T& v : constant->as<T>()) {
      if constexpr (std::is_arithmetic_v<T>)
        values.push_back(static_cast<double>(v));
      else
        values.push_back(static_cast<double>(static_cast<float>(v)));
    }
  });
  return known ? std::optional(std::move(values)) : std::nullopt;
}

std::optional<double> scalar_of(const Constant* constant) {
  if (constant == nullptr || constant->shape.elements() != 1) return std::nullopt;
  const auto values = doubles_of(constant);
  return values ? std::optional((*values)[0]) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> constant_axes(const Graph& graph, const Node& node, int i,
                                                       int rank) {
  auto axes = ints_of(graph.constant(input(node, i)));
  if (!axes) return std::nullopt;
  for (std::int64_t& a : *axes)
    if (a = normalize_axis(a, rank); a < 0) return std::nullopt;
  return axes;
}

ConstantPtr make_numbers(DType dtype, const Shape& shape, std::span<const double> elements) {
  auto constant = std::make_shared<Constant>();
  constant->dtype = dtype;
  constant->shape = shape;
  with_element(dtype, [&](auto element) {
    using T = decltype(element);
    constant->bytes.resize(elements.size() * sizeof(T));
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const T value = rounded<T>(elements[i]);
      std::memcpy(constant->bytes.data() + i * sizeof(T), &value, sizeof(T));
    }
  });
  return constant;
}

bool fits(DType dtype, std::span<const double> elements) {
  double largest = 0;
  for (const double e : elements) {
    if (std::isnan(e)) return false;
    largest = std::max(largest, std::fabs(e));
  }
  const double limit = dtype == DType::f16   ? 65504
                       : dtype == DType::f64 ? std::numeric_limits<double>::max()
                                             : std::numeric_limits<float>::max(),
               smallest = dtype == DType::f16   ? 0x1p-14
                          : dtype == DType::f64 ? std::numeric_limits<double>::min()
                                                : std::numeric_limits<float>::min();
  return largest <= limit && (largest == 0 || largest >= smallest);
}

bool is_mask(std::span<const double> elements) {
  const auto other = std::find_if(elements.begin(), elements.end(), [](double e) { return e != 0; });
  return other != elements.end() && std::find(elements.begin(), elements.end(), 0.0) != elements.end() &&
         std::all_of(other, elements.end(), [&](double e) { return e == 0 || e == *other; });
}

ConstantPtr make_ints(std::span<const std::int64_t> values) {
  return graph::make_constant<std::int64_t>({static_cast<index_t>(values.size())}, values);
}

ConstantPtr reshaped(const Constant& constant, const Shape& shape) {
  auto result = std::make_shared<Constant>(constant);
  result->shape = shape;
  return result;
}

ConstantPtr transposed(const Constant& constant, const Permutation& p) {
  const auto width = static_cast<std::size_t>(element_bytes(constant.dtype));
  if (width == 0 || static_cast<int>(p.size()) != constant.shape.rank()) return nullptr;
  auto result = std::make_shared<Constant>();
  result->dtype = constant.dtype;
  result->bytes.resize(constant.bytes.size());
  std::vector<index_t> strides;
  for (std::int32_t axis : p) {
    result->shape.push_back(constant.shape[axis]);
    strides.push_back(constant.shape.product(axis + 1, constant.shape.rank()));
  }
  std::vector<index_t> at(p.size(), 0);
  const auto total = static_cast<std::size_t>(result->shape.elements());
  for (std::size_t i = 0; i < total; ++i) {
    index_t from = 0;
    for (std::size_t a = 0; a < at.size(); ++a) from += at[a] * strides[a];
    std::memcpy(result->bytes.data() + i * width,
                constant.bytes.data() + static_cast<std::size_t>(from) * width, width);
    for (std::size_t a = at.size(); a-- > 0;) {
      if (++at[a] < result->shape[static_cast<int>(a)]) break;
      at[a] = 0;
    }
  }
  return result;
}

bool same_contents(const ConstantPtr& a, const ConstantPtr& b) {
  if (a == b) return true;
  return a && b && a->dtype == b->dtype && a->shape == b->shape && a->bytes == b->bytes;
}

}  // namespace lithe::passes
