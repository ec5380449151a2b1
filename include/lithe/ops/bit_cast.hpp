// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// The same bits as elements of another type of the same width.
///   input [...]    output: the input's shape, of the dtype that the file declares
/// Errors: Code::dtype for another width; Code::unsupported for quantized tensors.
/// Source: ONNX BitCast-26.
struct BitCast {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "BitCast", .inputs = {"input"}, .outputs = {"output"}, .alias = true};
  static constexpr TypeRow types[] = {{{any}, {any_output}}};

  static Status infer(const Attributes&, InferContext& context) {
    if (bits(context.dtype(0)) != bits(context.output_dtype()))
      return {Code::dtype, "bits can only be read as a type of the same width"};
    if (context.quantization(0) != nullptr || context.output_quantization() != nullptr)
      return {Code::unsupported, "the bits of a quantized tensor"};
    return context.output(0, context.shape(0));
  }
};
static_assert(Operator<BitCast>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::BitCast> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    return ops::detail::copy_all(context.input(0), context.output());
  }
};

}  // namespace lithe::inline v0::portable
