// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/operator.hpp"
#include "lithe/core/shape.hpp"

/// What layers answer to `multiply_adds`; 0 where a shape is empty.
namespace lithe::inline v0::ops::detail {

inline std::uint64_t products(index_t times, index_t elements, index_t among) {
  return among == 0 ? 0 : static_cast<std::uint64_t>(times) * static_cast<std::uint64_t>(elements / among);
}

/// Each output element takes the taps of its channel in a filter [O, ...].
inline std::uint64_t filter_products(const NodeInfo& node) {
  const Shape& filter = node.input(1).shape;
  return products(node.output().shape.elements(), filter.elements(), filter[0]);
}

/// The same of a filter [KH, KW, C, M].
inline std::uint64_t depthwise_products(const NodeInfo& node) {
  const Shape& filter = node.input(1).shape;
  return products(node.output().shape.elements(), filter.elements(), filter[2] * filter[3]);
}

/// Each input element meets the taps of its channel in a filter [O, ..., C / group].
inline std::uint64_t transposed_products(const NodeInfo& node) {
  const Shape& input = node.input(0).shape;
  return products(input.elements(), node.input(1).shape.elements(), input.back());
}

/// Each of B sequences of T steps, input [T, B, I], meets all of `weight` and `recurrence` in each step.
inline std::uint64_t recurrent_products(const NodeInfo& node) {
  const Shape& input = node.input(0).shape;
  return products(input[0] * input[1], node.input(1).shape.elements() + node.input(2).shape.elements(), 1);
}

}  // namespace lithe::inline v0::ops::detail
