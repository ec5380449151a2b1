// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// Puts each element where MaxPool found it; all other elements are 0.
///   input, indices [N, C, D1, ..., Dn]    output [N, C, E1, ..., En], Ei = (Di - 1) * stride + kernel - pads
///   output_shape [n + 2] optional: enlarges the output at the end of each axis
/// An index counts elements of the output before output_shape enlarges it. Of equal indices the last one
/// counts.
/// Units: kernel_shape (n), strides (n; empty: 1) and pads (2 n: all begins, then all ends; empty: 0) count
/// elements.
/// Errors: Code::invalid_model for an attribute out of range or of another length; Code::shape if the two
/// inputs' shapes differ, or an output dimension would be negative or above output_shape's; Code::unsupported
/// for quantized and sub-byte elements; Code::out_of_range from run for an index outside.
/// Source: ONNX MaxUnpool-22.
struct MaxUnpool {
  struct Attributes {
    IntList kernel_shape{}, strides{}, pads{};
    static constexpr auto fields() {
      return Fields{field("kernel_shape", &Attributes::kernel_shape), field("strides", &Attributes::strides),
                    field("pads", &Attributes::pads)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "MaxUnpool", .inputs = {"input", "indices", "output_shape?"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64, s64}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    if (context.quantization(0) != nullptr || context.output_quantization() != nullptr)
      return {Code::unsupported, "MaxUnpool of a quantized tensor"};
    if (context.shape(0) != context.shape(1)) return {Code::shape, "input and indices have different shapes"};
    LITHE_ASSIGN_OR_RETURN(Shape output, unpooled(a, context.shape(0)));
    if (!context.has(2)) return context.output(0, output);
    LITHE_ASSIGN_OR_RETURN(const IntList wanted, context.ints(2));
    if (wanted.size() != output.rank()) return {Code::shape, "output_shape must have a number for each axis"};
    for (int i = 0; i < wanted.size(); ++i)
      if (wanted[i] < output[i]) return {Code::shape, "output_shape is smaller than what the windows cover"};
    return context.output(0, Shape(std::span(wanted.begin(), wanted.end())));
  }

  /// The shape that the indices count in.
  static Result<Shape> unpooled(const Attributes& a, const Shape& input) {
    const int axes = input.rank() - 2;
    if (axes < 1) return Status{Code::shape, "the input must be [N, C, ...]"};
    if (a.kernel_shape.size() != axes || (!a.strides.empty() && a.strides.size() != axes) ||
        (!a.pads.empty() && a.pads.size() != 2 * axes))
      return Status{Code::invalid_model, "kernel_shape, strides or pads have another length"};
    Shape output{input[0], input[1]};
    for (int i = 0; i < axes; ++i) {
      const auto pad = [&](int k) { return a.pads.empty() ? 0 : clipped(a.pads[k]); };
      const detail::WindowAxis axis{.kernel = clipped(a.kernel_shape[i]),
                                    .stride = a.strides.empty() ? 1 : clipped(a.strides[i]),
                                    .before = pad(i),
                                    .after = pad(axes + i)};
      LITHE_TRY(detail::check(axis));
      const std::int64_t size =
          (std::int64_t{input[i + 2]} - 1) * axis.stride + axis.kernel - axis.before - axis.after;
      if (size < 0 || input[i + 2] == 0) return Status{Code::shape, "an output dimension would be negative"};
      output.push_back(size);
    }
    std::uint64_t bytes = 0;
    if (!output.checked_bytes(DType::u8, std::uint64_t{1} << 40, bytes))
      return Status{Code::shape, "the output is too large"};
    return output;
  }

 private:
  /// As an index_t; what is out of range stays out of range.
  static index_t clipped(std::int64_t v) {
    return v < -1 ? -1 : v > detail::max_window ? detail::max_window + 1 : static_cast<index_t>(v);
  }
};
static_assert(Operator<MaxUnpool>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::MaxUnpool> Op>
struct Kernel<Op> {
  static Status run(const ops::MaxUnpool::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    LITHE_ASSIGN_OR_RETURN(const Shape unpooled, ops::MaxUnpool::unpooled(a, input.shape));
    const auto width = static_cast<std::size_t>(element_bytes(input.dtype));
    if (output.elements() == 0) return {};
    std::memset(output.data, 0, output.bytes());
    const auto* from = static_cast<const std::byte*>(input.data);
    for (const std::int64_t index : context.input(1).as<std::int64_t>()) {
      if (index < 0 || index >= unpooled.elements())
        return {Code::out_of_range, "an index of a MaxUnpool lies outside its output"};
      index_t rest = static_cast<index_t>(index), to = 0, pitch = 1;
      for (int axis = unpooled.rank() - 1; axis >= 0; --axis) {
        to += rest % unpooled[axis] * pitch;
        rest /= unpooled[axis];
        pitch *= output.shape[axis];
      }
      std::memcpy(static_cast<std::byte*>(output.data) + static_cast<std::size_t>(to) * width, from, width);
      from += width;
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
