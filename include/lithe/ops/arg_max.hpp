// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/lines.hpp"
#include "lithe/ops/detail/reduce.hpp"

namespace lithe::inline v0::ops {

struct ArgAttributes {
  std::int64_t axis = 0;
  bool keepdims = true, select_last_index = false;
  static constexpr auto fields() {
    return Fields{field("axis", &ArgAttributes::axis), field("keepdims", &ArgAttributes::keepdims),
                  field("select_last_index", &ArgAttributes::select_last_index)};
  }
};

namespace detail {

/// What the rows below share: the place of the largest or smallest element along an axis. Of equal elements
/// it is the first, or the last with select_last_index; NaN counts as larger and smaller than all numbers.
///   input [...], rank at least 1    output s64: the input's shape, where the axis is 1, or left out without
///   keepdims
/// Units: axis may be negative (from the back). Quantized tensors are compared as they are stored.
/// Errors: Code::invalid_model for an axis out of range; Code::shape for an axis of size 0.
/// Source: ONNX ArgMax-13, ArgMin-13.
template <OpName name, bool largest>
struct Arg {
  using Attributes = ArgAttributes;
  static constexpr bool arg_row = true, is_max = largest;
  static constexpr OpSpec spec{.name = name.text, .inputs = {"input"}, .outputs = {"output"}};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{TypeRow{{everything.dtypes[i]}, {DType::s64}}...};
  }(std::make_index_sequence<everything.dtypes.size()>{});
  static constexpr bool extremes_decide = true;

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    const int axis = normalize_axis(a.axis, input.rank());
    if (axis < 0) return {Code::invalid_model, "axis is outside the input's rank"};
    if (input[axis] == 0) return {Code::shape, "no element is the largest or smallest of none"};
    AxisSet reduced;
    reduced.add(axis);
    return context.output(0, reduced_shape(input, reduced, a.keepdims));
  }
};

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept ArgOperator = requires { requires Op::arg_row; };

struct ArgMax : detail::Arg<"ArgMax", true> {};
struct ArgMin : detail::Arg<"ArgMin", false> {};
static_assert(Operator<ArgMax>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::ArgOperator Op>
struct Kernel<Op> {
  static Status run(const ops::ArgAttributes& a, RunContext& context) {
    TensorView input = context.input(0);
    input.quantization = nullptr;
    return ops::detail::with_arithmetic<ops::detail::everything>(
        input, [&]<class T>(T) { find<T>(a, input, static_cast<std::int64_t*>(context.output().data)); });
  }

 private:
  /// Whether `x` takes the place of `best`, which comes before it.
  template <class T>
  static bool better(T x, T best, bool last) {
    if (best != best) return last && x != x;
    return x != x || (Op::is_max ? x > best : x < best) || (last && x == best);
  }

  template <class T>
  static void find(const ops::ArgAttributes& a, const TensorView& input, std::int64_t* output) {
    namespace detail = ops::detail;
    const detail::Lines lines(input.shape, normalize_axis(a.axis, input.shape.rank()));
    T buffer[detail::chunk], best[detail::chunk] = {};
    lines.for_blocks(detail::chunk, [&](index_t start, index_t count) {
      if (lines.stride == 1) {
        // a line's elements lie side by side
        *output = 0;
        best[0] = *detail::load(input, start, 1, buffer);
        for (index_t k = 0; k < lines.length; k += detail::chunk) {
          const index_t n = std::min(detail::chunk, lines.length - k);
          const T* x = detail::load(input, start + k, n, buffer);
          for (index_t j = 0; j < n; ++j)
            if (better(x[j], best[0], a.select_last_index)) {
              best[0] = x[j];
              *output = k + j;
            }
        }
      } else {
        for (index_t k = 0; k < lines.length; ++k) {
          const T* x = detail::load(input, start + k * lines.stride, count, buffer);
          for (index_t j = 0; j < count; ++j)
            if (k == 0 || better(x[j], best[j], a.select_last_index)) {
              best[j] = x[j];
              output[j] = k;
            }
        }
      }
      output += count;
    });
  }
};

/// The portable kernels of all operators of this header.
using ArgKernels = KernelList<Kernel<ops::ArgMax>, Kernel<ops::ArgMin>>;

}  // namespace lithe::inline v0::portable
