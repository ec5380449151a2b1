// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/reduce.hpp"

namespace lithe::inline v0::ops {

/// The attributes of reductions. Where the input `axes` is absent or empty, all axes are reduced, or none
/// with noop_with_empty_axes.
struct ReduceAttributes {
  bool keepdims = true, noop_with_empty_axes = false;
  static constexpr auto fields() {
    return Fields{field("keepdims", &ReduceAttributes::keepdims),
                  field("noop_with_empty_axes", &ReduceAttributes::noop_with_empty_axes)};
  }
  /// The axes that are reduced of a tensor of this rank.
  /// Errors: Code::invalid_model for an axis out of range or named twice.
  Result<detail::AxisSet> reduced(const IntList& axes, int rank) const {
    return noop_with_empty_axes ? detail::axis_set(axes, rank) : detail::axis_set_or_all(axes, rank);
  }
};

namespace detail {

inline constexpr auto sums = join(floats, std::array{DType::s32, DType::s64, DType::u32, DType::u64}, {});
inline constexpr auto means = join(reals, std::array{DType::s32, DType::s64, DType::u32, DType::u64}, {});

/// What all rows below share: elements along axes become one.
///   input [...]    axes [R] s64 optional; negative numbers count from the back
///   output: the input's shape, where a reduced axis is 1, or left out without keepdims
/// 16-bit floats are reduced in float. Integers wrap.
/// Errors: Code::needs_value while `axes` is unknown; Code::invalid_model for an axis out of range or named
/// twice, or a quantization out of range; Code::shape for an integer mean of no elements; Code::unsupported
/// for an 8-bit mean of more than 2^23 elements.
template <OpName name, const auto& element_types, Accuracy how_far = Accuracy::rounding, bool is_mean = false>
struct Reduce {
  using Attributes = ReduceAttributes;
  static constexpr bool reduce_row = true, divides = is_mean, two_passes = false;
  static constexpr const auto& elements = element_types;
  static constexpr OpSpec spec{
      .name = name.text, .inputs = {"input", "axes?"}, .outputs = {"output"}, .accuracy = how_far};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{TypeRow{{element_types.dtypes[i], DType::s64}, {element_types.dtypes[i]}}...};
  }(std::make_index_sequence<element_types.dtypes.size()>{});

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    IntList axes;
    if (context.has(1)) {
      LITHE_ASSIGN_OR_RETURN(axes, context.ints(1));
    }
    LITHE_ASSIGN_OR_RETURN(const AxisSet reduced, a.reduced(axes, input.rank()));
    std::int64_t count = 1;
    for (int i = 0; i < input.rank(); ++i)
      if (reduced.has(i)) count *= input[i];
    if (is_mean && count == 0 && !is_float(context.dtype(0)))
      return {Code::shape, "an integer mean of no elements"};
    LITHE_TRY(check_quantization(context, element_types.plain));
    if (is_mean && is_quantized_8bit(context.dtype(0))) LITHE_TRY(check_quantized_mean(context, count));
    return context.output(0, reduced_shape(input, reduced, a.keepdims));
  }

  // A row overrides what differs: `map`, what an element adds; `combine`, two partial results as one;
  // `start`, the result of no elements; `finish`, the output from the total.
  template <class T>
  static T map(T x, T) {
    return x;
  }
  template <class T>
  static T combine(T a, T b) {
    return add(a, b);
  }
  template <class T>
  static T start(DType) {
    return T{};
  }
  template <class T>
  static T finish(T total, T, index_t) {
    return total;
  }

 protected:
  template <class T>
  static T add(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else
      return a + b;
  }
  template <class T>
  static T multiply(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else
      return a * b;
  }
  template <class T>
  static T magnitude(T x) {
    if constexpr (std::is_integral_v<T>)
      return x < 0 ? static_cast<T>(0 - static_cast<std::uint64_t>(x)) : x;
    else
      return std::abs(x);
  }
};

/// Up to channel_block results in the making. Every 256 elements are combined apart first, for accuracy.
template <class Op, class T>
class Reduction {
 public:
  Reduction(DType dtype, const T* shifts) : shifts_(shifts) {
    std::fill_n(totals_, channel_block, Op::template start<T>(dtype));
    std::copy_n(totals_, channel_block, recent_);
    start_ = totals_[0];
  }
  void add(const T* __restrict x, index_t count) {
    for_block(count, [&](index_t i) { recent_[i] = Op::combine(recent_[i], Op::map(x[i], shifts_[i])); });
    if (++added_ == 256) flush();
  }
  /// Combines all results into the first one.
  void fold() {
    flush();
    for (index_t width = channel_block / 2; width > 0; width /= 2)
      for (index_t i = 0; i < width; ++i) totals_[i] = Op::combine(totals_[i], totals_[i + width]);
  }
  const T* totals() {
    flush();
    return totals_;
  }

 private:
  void flush() {
    for (index_t i = 0; i < channel_block; ++i) {
      totals_[i] = Op::combine(totals_[i], recent_[i]);
      recent_[i] = start_;
    }
    added_ = 0;
  }

  T recent_[channel_block], totals_[channel_block], start_;
  const T* shifts_;
  int added_ = 0;
};

/// Computes the totals of one block of `count` results; each(visit) calls visit(offset, length) for every run
/// of elements that belong to the block.
template <class Op, TypeSet types, class T, class Each>
void reduce_block(const TensorView& input, bool contiguous, const T* shifts, index_t count, Each each,
                  T* totals) {
  Reduction<Op, T> reduction(input.dtype, shifts);
  T buffer[chunk];
  each([&](index_t offset, index_t length) {
    for (index_t i = 0; i < length; i += channel_block) {
      const index_t n = std::min(length - i, channel_block);
      reduction.add(load<types>(input, offset + i, n, buffer), n);
    }
  });
  if (contiguous) reduction.fold();
  std::copy_n(reduction.totals(), count, totals);
}

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept ReduceOperator = requires { requires Op::reduce_row; };

// Each row is an operator.

/// The sum; 0 of no elements. Source: ONNX ReduceSum-13.
struct ReduceSum : detail::Reduce<"ReduceSum", detail::sums> {};
/// The mean; NaN for no floats. Integers are rounded towards zero. Quantized s8 and u8: the mean of the
/// stored integers is requantized, rounded to nearest even.
/// Source: ONNX ReduceMean-18.
struct ReduceMean : detail::Reduce<"ReduceMean", detail::means, Accuracy::rounding, true> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  template <class T>
  static T finish(T total, T, index_t count) {
    return total / static_cast<T>(count);
  }
};
/// The largest element; NaN if any is NaN. No elements give -infinity, or the integer type's smallest number.
/// Source: ONNX ReduceMax-20.
struct ReduceMax : detail::Reduce<"ReduceMax", detail::everything, Accuracy::exact> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  template <class T>
  static T combine(T a, T b) {
    return a < b || b != b ? b : a;
  }
  template <class T>
  static T start(DType dtype) {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return is_signed_integer(dtype) ? static_cast<T>(~std::uint64_t{0} << (bits(dtype) - 1)) : T{};
  }
};
/// The smallest element; NaN if any is NaN. No elements give infinity, or the integer type's largest number.
/// Source: ONNX ReduceMin-20.
struct ReduceMin : detail::Reduce<"ReduceMin", detail::everything, Accuracy::exact> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T combine(T a, T b) {
    return b < a || b != b ? b : a;
  }
  template <class T>
  static T start(DType dtype) {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    return static_cast<T>(~std::uint64_t{0} >> (64 - bits(dtype) + (is_signed_integer(dtype) ? 1 : 0)));
  }
};
/// The product; 1 of no elements. Source: ONNX ReduceProd-18.
struct ReduceProd : detail::Reduce<"ReduceProd", detail::sums> {
  template <class T>
  static T combine(T a, T b) {
    return multiply(a, b);
  }
  template <class T>
  static T start(DType) {
    return T{1};
  }
};
/// The sum of the squares. Source: ONNX ReduceSumSquare-18.
struct ReduceSumSquare : detail::Reduce<"ReduceSumSquare", detail::sums> {
  template <class T>
  static T map(T x, T) {
    return multiply(x, x);
  }
};
/// The sum of the absolute values. Source: ONNX ReduceL1-18.
struct ReduceL1 : detail::Reduce<"ReduceL1", detail::sums> {
  template <class T>
  static T map(T x, T) {
    return magnitude(x);
  }
};
/// The square root of the sum of the squares; integers are rounded towards zero. Source: ONNX ReduceL2-18.
struct ReduceL2 : detail::Reduce<"ReduceL2", detail::sums> {
  template <class T>
  static T map(T x, T) {
    return multiply(x, x);
  }
  template <class T>
  static T finish(T total, T, index_t) {
    if constexpr (std::is_floating_point_v<T>)
      return std::sqrt(total);
    else
      return static_cast<T>(std::sqrt(static_cast<double>(total)));
  }
};
/// log(sum of exp(x)), computed as log(sum of exp(x - max)) + max so that it does not overflow.
/// Source: ONNX ReduceLogSumExp-18.
struct ReduceLogSumExp : detail::Reduce<"ReduceLogSumExp", detail::floats> {
  static constexpr bool two_passes = true;
  template <class T>
  static T map(T x, T max) {
    return std::exp(x - max);
  }
  template <class T>
  static T finish(T total, T max, index_t) {
    return std::log(total) + max;
  }
};

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::ReduceOperator Op>
struct Kernel<Op> {
  template <TypeSet types = every_type>
  static Status run(const ops::ReduceAttributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    IntList axes;
    for (index_t i = 0; context.has(1) && i < context.input(1).elements(); ++i)
      axes.push_back(integer_at(context.input(1), i));
    LITHE_ASSIGN_OR_RETURN(const ops::detail::AxisSet reduced, a.reduced(axes, input.shape.rank()));
    if (!(ops::detail::reduced_shape(input.shape, reduced, a.keepdims) == output.shape))
      return {Code::out_of_range, "the axes of a reduction changed after its shape was inferred"};
    if constexpr (Op::divides)
      if (ops::detail::is_quantized_8bit(input.dtype))
        return ops::detail::for_quantized_type<types>(
            input.dtype, [&]<class T>() { quantized_mean<T>(context, reduced); });
    constexpr TypeSet others = Op::divides ? types.without(DType::s8, DType::u8) : types;
    return ops::detail::with_arithmetic<Op::elements, others>(
        input, [&]<class T>(T) { reduce<others, T>(input, output, reduced); });
  }

 private:
  static index_t reduced_elements(const Shape& shape, ops::detail::AxisSet reduced) {
    index_t count = 1;
    for (int i = 0; i < shape.rank(); ++i)
      if (reduced.has(i)) count *= shape[i];
    return count;
  }

  template <TypeSet types, class T>
  static void reduce(const TensorView& input, const Tensor& output, ops::detail::AxisSet reduced) {
    namespace detail = ops::detail;
    const index_t elements = reduced_elements(input.shape, reduced);
    detail::ReducedBlocks blocks(input.shape, reduced);
    blocks.for_each([&](index_t count, index_t first, auto each) {
      T shifts[detail::channel_block] = {}, results[detail::channel_block];
      if constexpr (Op::two_passes) {
        detail::reduce_block<ops::ReduceMax, types>(input, blocks.contiguous, shifts, count, each, results);
        for (index_t i = 0; i < detail::channel_block; ++i) {
          const T max = results[blocks.contiguous || i >= count ? 0 : i];
          shifts[i] = std::isfinite(max) ? max : T{};
        }
      }
      detail::reduce_block<Op, types>(input, blocks.contiguous, shifts, count, each, results);
      for (index_t i = 0; i < count; ++i) results[i] = Op::finish(results[i], shifts[i], elements);
      detail::store<types>(output, first, count, results);
    });
  }

  template <class T>
  static void quantized_mean(const RunContext& context, ops::detail::AxisSet reduced) {
    namespace detail = ops::detail;
    const TensorView& input = context.input(0);
    const detail::Mean<T> mean(context, {});
    const index_t elements = reduced_elements(input.shape, reduced);
    detail::ReducedBlocks blocks(input.shape, reduced);
    blocks.for_each([&](index_t count, index_t first, auto each) {
      detail::SumBlock<T> sums(count);
      each([&](index_t offset, index_t length) {
        const T* x = static_cast<const T*>(input.data) + offset;
        blocks.contiguous ? sums.add_run(x, length) : sums.add(x);
      });
      mean.store(sums, elements, elements, static_cast<T*>(context.output().data) + first);
    });
  }
};

/// The portable kernels of all operators of this header.
using ReduceKernels =
    KernelList<Kernel<ops::ReduceL1>, Kernel<ops::ReduceL2>, Kernel<ops::ReduceLogSumExp>,
               Kernel<ops::ReduceMax>, Kernel<ops::ReduceMean>, Kernel<ops::ReduceMin>,
               Kernel<ops::ReduceProd>, Kernel<ops::ReduceSum>, Kernel<ops::ReduceSumSquare>>;

}  // namespace lithe::inline v0::portable
