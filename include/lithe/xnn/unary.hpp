// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lithe/ops/unary.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// An element-wise operator of XNNPACK with one input. It is made once and reshaped to rows of the last axis,
/// which may be strided. Strips of all shapes share it, because XNNPACK reshapes it without allocating.
class Elementwise {
 protected:
  Status make(xnn_unary_operator kind, const NodeInfo& node, const xnn_unary_params& params) {
    return make(kind, datatype(node.input(0).dtype), datatype(node.output().dtype), params_of(node.input(0)),
                params_of(node.output()), params);
  }
  Status make(xnn_unary_operator kind, xnn_datatype from, xnn_datatype to, const xnn_quantization_params& in,
              const xnn_quantization_params& out, const xnn_unary_params& params) {
    LITHE_TRY(initialize());
    weight_ = weight_of(kind);
    return check(xnn_create_unary_elementwise_nc(kind, from, to, &params, &in, &out, 0, op_.out()));
  }

 public:
  static constexpr bool strided_inputs = true, strided_outputs = true;

  template <class Attributes>
  [[gnu::cold]] Status reshape(const Attributes&, ReshapeContext& context) {
    return fit(context.inputs[0], context.outputs[0], context.threads);
  }
  template <class Attributes>
  Status run(const Attributes&, RunContext& context) {
    if (context.strip() != nullptr) LITHE_TRY(fit(context.input(0), context.output(), context.threads()));
    LITHE_TRY(check(xnn_setup_unary_elementwise_nc(op_.get(), context.input(0).data, context.output().data)));
    return check(
        xnn_run_operator(op_.get(), native(context.threads(), context.input(0).elements() * weight_)));
  }

 private:
  Status fit(const TensorView& input, const TensorView& output, const ThreadPool* threads) {
    return check(xnn_reshape_unary_elementwise_nc(
        op_.get(), static_cast<std::size_t>(input.shape.rows()), static_cast<std::size_t>(input.shape.back()),
        static_cast<std::size_t>(input.pitch), static_cast<std::size_t>(output.pitch),
        native(threads, input.elements() * weight_)));
  }
  /// The work of an element, where that of a simple operation is 1.
  static std::int64_t weight_of(xnn_unary_operator kind) {
    switch (kind) {
      case xnn_unary_elu:
      case xnn_unary_exp:
      case xnn_unary_gelu:
      case xnn_unary_log:
      case xnn_unary_sigmoid:
      case xnn_unary_tanh:
        return 8;
      default:
        return 1;
    }
  }

  Handle op_;
  std::int64_t weight_ = 1;
};

/// How XNNPACK runs an operator of ops/unary.hpp: a specialization is a row of the table below.
template <class Op>
struct UnaryRow;

/// unary_elementwise_nc in f32, in f16 where the row has it, and in quantized s8 and u8 by a table of 256
/// entries.
template <class Operator>
class Unary : public Elementwise {
 public:
  using Op = Operator;
  using Row = UnaryRow<Op>;
  static constexpr const char* name = Row::name;

  [[gnu::cold]] static bool supports(const typename Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (any_empty(node) || !runs_natively(dtype, node)) return false;
    if constexpr (requires { Row::supports(a, node); })
      if (!Row::supports(a, node)) return false;
    if (quantized(dtype)) return usable_activation(node.input(0)) && usable_activation(node.output());
    return dtype == DType::f32 || (dtype == DType::f16 && Row::f16);
  }

  Status create(const typename Op::Attributes& a, CreateContext& context) {
    xnn_unary_params params{};
    if constexpr (requires { Row::params(a); }) params = Row::params(a);
    return make(Row::kind, context.node, params);
  }
};

template <ops::detail::OpName kernel_name, xnn_unary_operator operator_kind, bool has_f16>
struct UnaryKind {
  static constexpr const char* name = kernel_name.text;
  static constexpr xnn_unary_operator kind = operator_kind;
  static constexpr bool f16 = has_f16;
};

template <>
struct UnaryRow<ops::Abs> : UnaryKind<"xnn::abs_nc", xnn_unary_abs, true> {};
template <>
struct UnaryRow<ops::Ceil> : UnaryKind<"xnn::ceiling_nc", xnn_unary_ceiling, true> {};
template <>
struct UnaryRow<ops::Exp> : UnaryKind<"xnn::exp_nc", xnn_unary_exp, false> {};
template <>
struct UnaryRow<ops::Floor> : UnaryKind<"xnn::floor_nc", xnn_unary_floor, true> {};
template <>
struct UnaryRow<ops::HardSwish> : UnaryKind<"xnn::hardswish_nc", xnn_unary_hardswish, true> {};
template <>
struct UnaryRow<ops::Neg> : UnaryKind<"xnn::negate_nc", xnn_unary_negate, true> {};
template <>
struct UnaryRow<ops::Round> : UnaryKind<"xnn::bankers_rounding_nc", xnn_unary_bankers_rounding, true> {};
template <>
struct UnaryRow<ops::Tanh> : UnaryKind<"xnn::tanh_nc", xnn_unary_tanh, true> {};

template <>
struct UnaryRow<ops::Elu> : UnaryKind<"xnn::elu_nc", xnn_unary_elu, true> {
  static bool supports(const ops::Elu::Attributes& a, const NodeInfo&) {
    return a.alpha > 0 && std::isnormal(a.alpha);
  }
  static xnn_unary_params params(const ops::Elu::Attributes& a) { return {.elu = {a.alpha}}; }
};
template <>
struct UnaryRow<ops::Gelu> : UnaryKind<"xnn::gelu_nc", xnn_unary_gelu, false> {
  static bool supports(const ops::Gelu::Attributes& a, const NodeInfo&) {
    return a.approximate == ops::GeluApproximation::none;
  }
};
template <>
struct UnaryRow<ops::LeakyRelu> : UnaryKind<"xnn::leaky_relu_nc", xnn_unary_leaky_relu, true> {
  /// XNNPACK keeps the slopes for 8-bit tensors in 16-bit fixed point.
  [[gnu::cold]] static bool supports(const ops::LeakyRelu::Attributes& a, const NodeInfo& node) {
    if (!std::isfinite(a.alpha)) return false;
    if (!quantized(node.input(0).dtype)) return true;
    if (!usable_activation(node.input(0)) || !usable_activation(node.output())) return false;
    const float positive = scale_of(node.input(0)) / scale_of(node.output()), negative = positive * a.alpha;
    return positive >= 0x1p-8f && positive <= 0x1p7f && negative <= 0x1p7f && negative >= -0x1.FFFC00p+6f &&
           std::abs(negative) >= 0x1p-8f;
  }
  static xnn_unary_params params(const ops::LeakyRelu::Attributes& a) { return {.leaky_relu = {a.alpha}}; }
};
template <>
struct UnaryRow<ops::Log> : UnaryKind<"xnn::log_nc", xnn_unary_log, false> {};
template <>
struct UnaryRow<ops::Sigmoid> : UnaryKind<"xnn::sigmoid_nc", xnn_unary_sigmoid, true> {};
template <>
struct UnaryRow<ops::Sqrt> : UnaryKind<"xnn::square_root_nc", xnn_unary_square_root, true> {};
template <>
struct UnaryRow<ops::Relu> : UnaryKind<"xnn::relu_nc", xnn_unary_clamp, true> {
  static xnn_unary_params params(const ops::Relu::Attributes&) {
    return {.clamp = {0, std::numeric_limits<float>::infinity()}};
  }
};

using UnaryKernels = KernelList<Unary<ops::Abs>, Unary<ops::Ceil>, Unary<ops::Elu>, Unary<ops::Exp>,
                                Unary<ops::Floor>, Unary<ops::Gelu>, Unary<ops::HardSwish>,
                                Unary<ops::LeakyRelu>, Unary<ops::Log>, Unary<ops::Neg>, Unary<ops::Relu>,
                                Unary<ops::Round>, Unary<ops::Sigmoid>, Unary<ops::Sqrt>, Unary<ops::Tanh>>;

}  // namespace lithe::inline v0::xnn
