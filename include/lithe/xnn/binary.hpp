// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cmath>
#include <cstddef>

#include "lithe/ops/binary.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// How XNNPACK runs an operator of ops/binary.hpp: a specialization is a row of the table below. Max and Min
/// are missing because XNNPACK's lose NaN.
template <class Op>
struct BinaryRow;

/// binary_elementwise_nd up to rank 6, in f32 and f16, and in quantized s8 and u8 where the row has them:
/// sums have the portable kernel's bits, products are within a step. XNNPACK has no clamp here: a second
/// operator clamps in place, unless 8-bit outputs saturate at the same values anyway.
template <class Operator>
class Binary {
 public:
  using Op = Operator;
  using Row = BinaryRow<Op>;
  static constexpr const char* name = Row::name;

  [[gnu::cold]] static bool supports(const typename Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (any_empty(node) || !runs_natively(dtype, node) || node.output().shape.rank() > max_dims) return false;
    const Clamp clamp = clamp_of(a);
    if (dtype == DType::f32 || dtype == DType::f16) return usable_clamp(clamp, dtype);
    if (!quantized(dtype)) return false;
    if (!usable_activation(node.input(0)) || !usable_activation(node.input(1)) ||
        !usable_activation(node.output()))
      return false;
    return Row::usable_scales(scale_of(node.input(0)) / scale_of(node.output()),
                              scale_of(node.input(1)) / scale_of(node.output()),
                              scale_of(node.input(0)) * scale_of(node.input(1)) / scale_of(node.output()));
  }

  [[gnu::cold]] Status create(const typename Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const xnn_quantization_params left = params_of(node.input(0)), right = params_of(node.input(1)),
                                  out = params_of(node.output());
    const xnn_datatype type = datatype(node.input(0).dtype);
    LITHE_TRY(check(xnn_create_binary_elementwise_nd(Row::kind, type, &left, &right, &out, 0, op_.out())));
    if (!cuts(clamp_of(a), node.output())) return {};
    const xnn_unary_params limits{.clamp = {clamp_of(a).min, clamp_of(a).max}};
    return check(
        xnn_create_unary_elementwise_nc(xnn_unary_clamp, type, type, &limits, &out, &out, 0, clamp_.out()));
  }

  [[gnu::cold]] Status reshape(const typename Op::Attributes&, ReshapeContext& context) {
    return fit(context.inputs[0].shape, context.inputs[1].shape, context.outputs[0].shape, context.threads);
  }

  Status run(const typename Op::Attributes&, RunContext& context) {
    if (context.strip() != nullptr)
      LITHE_TRY(
          fit(context.input(0).shape, context.input(1).shape, context.output().shape, context.threads()));
    void* out = context.output().data;
    const pthreadpool_t threads = native(context.threads(), context.output().elements());
    LITHE_TRY(
        check(xnn_setup_binary_elementwise_nd(op_.get(), context.input(0).data, context.input(1).data, out)));
    LITHE_TRY(check(xnn_run_operator(op_.get(), threads)));
    if (!clamp_) return {};
    LITHE_TRY(check(xnn_setup_unary_elementwise_nc(clamp_.get(), out, out)));
    return check(xnn_run_operator(clamp_.get(), threads));
  }

 private:
  static constexpr int max_dims = 6;

  /// Reshapes, which allocates nothing: strips of all shapes share the operators.
  Status fit(const Shape& a, const Shape& b, const Shape& output, const ThreadPool* pool) {
    LITHE_ASSIGN_OR_RETURN(const Shape shape, ops::detail::broadcast(a, b));
    if (shape != output) return {Code::shape, "the output of a strip is not what its inputs broadcast to"};
    std::array<std::size_t, max_dims> left{}, right{};
    for (int i = 0; i < a.rank(); ++i) left[static_cast<std::size_t>(i)] = static_cast<std::size_t>(a[i]);
    for (int i = 0; i < b.rank(); ++i) right[static_cast<std::size_t>(i)] = static_cast<std::size_t>(b[i]);
    const pthreadpool_t threads = native(pool, shape.elements());
    LITHE_TRY(
        check(xnn_reshape_binary_elementwise_nd(op_.get(), static_cast<std::size_t>(a.rank()), left.data(),
                                                static_cast<std::size_t>(b.rank()), right.data(), threads)));
    if (!clamp_) return {};
    const auto elements = static_cast<std::size_t>(shape.elements());
    return check(xnn_reshape_unary_elementwise_nc(clamp_.get(), 1, elements, elements, elements, threads));
  }

  static Clamp clamp_of(const typename Op::Attributes& a) {
    if constexpr (requires { a.clamp; })
      return a.clamp;
    else
      return {};
  }

  /// Whether the clamp cuts off values that the output's type holds.
  static bool cuts(const Clamp& clamp, const ValueInfo& output) {
    if (!quantized(output.dtype)) return clamp.active();
    const ops::detail::QuantizedRange left = stored_range(clamp, output), all = stored_range({}, output);
    return left.min != all.min || left.max != all.max;
  }

  Handle op_, clamp_;
};

/// Rows without an 8-bit kernel.
struct FloatsOnly {
  static bool usable_scales(float, float, float) { return false; }
};
/// Rows whose fixed-point multipliers in XNNPACK cover ratios of each input's scale to the output's in
/// [2^-10, 2^8).
struct SumScales {
  static bool usable_scales(float a, float b, float) {
    return a >= 0x1p-10f && a < 0x1p8f && b >= 0x1p-10f && b < 0x1p8f;
  }
};
/// Rows whose multiplier covers ratios of the scales' product to the output's scale in [2^-16, 2^8).
struct ProductScales {
  static bool usable_scales(float, float, float product) { return product >= 0x1p-16f && product < 0x1p8f; }
};

template <>
struct BinaryRow<ops::Add> : SumScales {
  static constexpr const char* name = "xnn::add_nd";
  static constexpr xnn_binary_operator kind = xnn_binary_add;
};
template <>
struct BinaryRow<ops::Div> : FloatsOnly {
  static constexpr const char* name = "xnn::divide_nd";
  static constexpr xnn_binary_operator kind = xnn_binary_divide;
};
template <>
struct BinaryRow<ops::Mul> : ProductScales {
  static constexpr const char* name = "xnn::multiply_nd";
  static constexpr xnn_binary_operator kind = xnn_binary_multiply;
};
template <>
struct BinaryRow<ops::PRelu> : FloatsOnly {
  static constexpr const char* name = "xnn::prelu_nd";
  static constexpr xnn_binary_operator kind = xnn_binary_prelu;
};
template <>
struct BinaryRow<ops::Sub> : SumScales {
  static constexpr const char* name = "xnn::subtract_nd";
  static constexpr xnn_binary_operator kind = xnn_binary_subtract;
};

using BinaryKernels =
    KernelList<Binary<ops::Add>, Binary<ops::Div>, Binary<ops::Mul>, Binary<ops::PRelu>, Binary<ops::Sub>>;

}  // namespace lithe::inline v0::xnn
