// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Fills a tensor with one value.
///   shape [rank] s64    value: one element    output: of that shape
/// Errors: Code::needs_value while `shape` is not known; Code::shape where `shape` is not a vector of sizes
/// or `value` is not one element; Code::invalid_model where value and output are quantized differently;
/// Code::unsupported for sub-byte elements.
/// Source: ONNX ConstantOfShape-9, with its attribute `value` as an input.
struct ConstantOfShape {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "ConstantOfShape", .inputs = {"shape", "value"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{s64, any}, {any}}};

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.output_dtype()));
    LITHE_TRY(detail::same_scale(context, 1, 0));
    if (context.shape(1).elements() != 1) return {Code::shape, "the value to fill with must be one element"};
    LITHE_ASSIGN_OR_RETURN(const IntList sizes, context.ints(0));
    Shape shape;
    for (std::int64_t size : sizes) shape.push_back(size);
    return context.output(0, shape);
  }
};
static_assert(Operator<ConstantOfShape>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ConstantOfShape> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    const Tensor& output = context.output();
    ops::detail::by_width(element_bytes(output.dtype), [&]<class T>() {
      T value;
      std::memcpy(&value, context.input(1).data, sizeof(T));
      auto* to = static_cast<std::byte*>(output.data);
      const auto n = static_cast<std::size_t>(output.elements());
      for (std::size_t i = 0; i < n; ++i) std::memcpy(to + i * sizeof(T), &value, sizeof(T));
    });
    return {};
  }
};

}  // namespace lithe::inline v0::portable
