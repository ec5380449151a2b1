// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0::ops {

/// The dimensions of a tensor. The file calls it "Shape", which is the name of a core type here.
///   input [...]    output [n] s64: dimensions start to end - 1
/// Units: negative start and end count from the back; then both are clamped to the rank.
/// Source: ONNX Shape-15.
struct ShapeOf {
  struct Attributes {
    std::int64_t start = 0;
    std::int64_t end = std::numeric_limits<std::int64_t>::max();
    static constexpr auto fields() {
      return Fields{field("start", &Attributes::start), field("end", &Attributes::end)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Shape", .inputs = {"input"}, .outputs = {"output"}, .reads_shapes_only = true};
  static constexpr TypeRow types[] = {{{any}, {s64}}};
  static constexpr const char* cpp_name = "ShapeOf";

  static int bound(std::int64_t value, int rank) {
    return static_cast<int>(std::clamp<std::int64_t>(value < 0 ? value + rank : value, 0, rank));
  }
  static Status infer(const Attributes& attributes, InferContext& context) {
    const int rank = context.rank(0);
    return context.output(0, Shape{std::max(0, bound(attributes.end, rank) - bound(attributes.start, rank))});
  }
};
static_assert(Operator<ShapeOf>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ShapeOf> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true;

  static Status run(const ops::ShapeOf::Attributes& attributes, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const auto output = context.output().as<std::int64_t>();
    const int start = ops::ShapeOf::bound(attributes.start, shape.rank());
    for (std::size_t i = 0; i < output.size(); ++i) output[i] = shape[start + static_cast<int>(i)];
    return {};
  }
};

}  // namespace lithe::inline v0::portable
