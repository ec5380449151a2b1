// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/lines.hpp"

namespace lithe::inline v0::ops {

struct CumulativeAttributes {
  bool exclusive = false, reverse = false;
  static constexpr auto fields() {
    return Fields{field("exclusive", &CumulativeAttributes::exclusive),
                  field("reverse", &CumulativeAttributes::reverse)};
  }
};

namespace detail {

inline constexpr auto cumulative_numbers =
    join(floats, std::array{DType::s32, DType::s64, DType::u32, DType::u64}, {});

/// What the rows below share: an output element combines all input elements up to its place along an axis.
///   input [...], rank at least 1    axis: one number, s32 or s64, in [-rank, rank)    output: the input's
///   shape
/// Units: `exclusive` leaves out the element itself: the first output is 0, or 1 for products. `reverse`
/// starts from the end. 16-bit floats accumulate in float; integers wrap.
/// Errors: Code::shape for a scalar input, or an axis that is not one number; Code::out_of_range from run for
/// an axis out of range.
/// Source: ONNX CumSum-14, CumProd-26.
template <OpName name>
struct Cumulative {
  using Attributes = CumulativeAttributes;
  static constexpr bool cumulative_row = true;
  static constexpr OpSpec spec{.name = name.text,
                               .inputs = {"input", "axis"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr std::size_t n = cumulative_numbers.dtypes.size();
    return std::array{TypeRow{{cumulative_numbers.dtypes[i % n], i < n ? DType::s64 : DType::s32},
                              {cumulative_numbers.dtypes[i % n]}}...};
  }(std::make_index_sequence<2 * cumulative_numbers.dtypes.size()>{});

  static Status infer(const Attributes&, InferContext& context) {
    if (context.rank(0) == 0) return {Code::shape, "a scalar has no axis to accumulate along"};
    if (context.rank(1) > 1 || context.shape(1).elements() != 1)
      return {Code::shape, "the axis to accumulate along must be one number"};
    return context.output(0, context.shape(0));
  }
};

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept CumulativeOperator = requires { requires Op::cumulative_row; };

struct CumSum : detail::Cumulative<"CumSum"> {
  template <class T>
  static constexpr T start = T{0};
  template <class T>
  static T combine(T a, T b) {
    return a + b;
  }
};
struct CumProd : detail::Cumulative<"CumProd"> {
  template <class T>
  static constexpr T start = T{1};
  template <class T>
  static T combine(T a, T b) {
    return a * b;
  }
};
static_assert(Operator<CumSum>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::CumulativeOperator Op>
struct Kernel<Op> {
  static Status run(const ops::CumulativeAttributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const int axis = normalize_axis(integer_at(context.input(1), 0), input.shape.rank());
    if (axis < 0) return {Code::out_of_range, "the axis to accumulate along is outside the input's rank"};
    const ops::detail::Lines lines(input.shape, axis);
    const Tensor& output = context.output();
    switch (input.dtype) {
      case DType::f64:
        accumulate<double>(a, lines, input, output);
        return {};
      case DType::s32:
      case DType::s64:
      case DType::u32:
      case DType::u64:  // unsigned arithmetic wraps, whatever the sign
        accumulate<std::uint64_t>(a, lines, input, output);
        return {};
      default:
        accumulate<float>(a, lines, input, output);
        return {};
    }
  }

 private:
  template <class T>
  static void accumulate(const ops::CumulativeAttributes& a, const ops::detail::Lines& lines,
                         const TensorView& input, const Tensor& output) {
    namespace detail = ops::detail;
    T buffer[detail::chunk], totals[detail::chunk], results[detail::chunk];
    const auto step = [&](T& total, T x) {
      const T before = total;
      total = Op::combine(total, x);
      return a.exclusive ? before : total;
    };
    lines.for_blocks(detail::chunk, [&](index_t start, index_t count) {
      std::fill_n(totals, count, Op::template start<T>);
      if (lines.stride == 1) {  // a line's elements lie side by side
        for (index_t done = 0; done < lines.length; done += detail::chunk) {
          const index_t n = std::min(detail::chunk, lines.length - done);
          const index_t first = start + (a.reverse ? lines.length - done - n : done);
          const T* x = detail::load(input, first, n, buffer);
          for (index_t j = 0; j < n; ++j) {
            const index_t k = a.reverse ? n - 1 - j : j;
            results[k] = step(totals[0], x[k]);
          }
          detail::store(output, first, n, results);
        }
        return;
      }
      for (index_t k = 0; k < lines.length; ++k) {
        const index_t first = start + (a.reverse ? lines.length - 1 - k : k) * lines.stride;
        const T* x = detail::load(input, first, count, buffer);
        for (index_t j = 0; j < count; ++j) results[j] = step(totals[j], x[j]);
        detail::store(output, first, count, results);
      }
    });
  }
};

/// The portable kernels of all operators of this header.
using CumulativeKernels = KernelList<Kernel<ops::CumProd>, Kernel<ops::CumSum>>;

}  // namespace lithe::inline v0::portable
