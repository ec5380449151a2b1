// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0::ops {

/// The number of elements of a tensor.
///   input [...]    output [] s64
/// Source: ONNX Size-13.
struct Size {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Size", .inputs = {"input"}, .outputs = {"output"}, .reads_shapes_only = true};
  static constexpr TypeRow types[] = {{{any}, {s64}}};

  static Status infer(const Attributes&, InferContext& context) { return context.output(0, Shape{}); }
};
static_assert(Operator<Size>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Size> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true;

  static Status run(const NoAttributes&, RunContext& context) {
    context.output().as<std::int64_t>()[0] = context.input(0).elements();
    return {};
  }
};

}  // namespace lithe::inline v0::portable
