// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/matmul.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/packing.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// What the kernels of MatMul share: batch_matrix_multiply_nc without transpose_a.
class BatchMatMul {
 protected:
  static std::uint32_t flags(const ops::MatMul::Attributes& a) {
    return a.transpose_b ? XNN_FLAG_TRANSPOSE_B : 0;
  }
  static ops::detail::MatMulDims dims(const ops::MatMul::Attributes& attributes, const Shape& a,
                                      const Shape& b) {
    return ops::detail::matmul_dims(a, b, attributes.transpose_a, attributes.transpose_b);
  }
  /// The number of matrices in a shape.
  static index_t matrices(const Shape& shape) {
    return shape.rank() < 3 ? 1 : shape.product(0, shape.rank() - 2);
  }

  [[gnu::cold]] Status reshape_product(const ops::MatMul::Attributes& attributes, ReshapeContext& context) {
    const Shape &a = context.inputs[0].shape, &b = context.inputs[1].shape;
    const ops::detail::MatMulDims sizes = dims(attributes, a, b);
    if (!packable(matrices(b), sizes.k, sizes.n))
      return {Code::out_of_memory, "a packed matrix is beyond the address space"};
    // XNNPACK reads the strides of the first batch dimension without checking that there is one.
    const int batch = std::max({a.rank() - 2, b.rank() - 2, 1});
    std::array<std::size_t, max_rank> batch_a{}, batch_b{};
    for (int i = 0; i < batch; ++i) {
      batch_a[static_cast<std::size_t>(i)] = batch_dim(a, i - batch);
      batch_b[static_cast<std::size_t>(i)] = batch_dim(b, i - batch);
    }
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    const auto reshape_operator = context.inputs[0].dtype == DType::f32
                                      ? xnn_reshape_batch_matrix_multiply_nc_f32
                                      : xnn_reshape_batch_matrix_multiply_nc_f16;
    std::size_t bytes = 0, align = 0;
    LITHE_TRY(check(reshape_operator(op_.get(), z(batch), batch_a.data(), batch_b.data(), z(sizes.m),
                                     z(sizes.k), z(sizes.n), &bytes, &align, native(context.threads))));
    context.workspace(bytes);
    return {};
  }
  Status run_product(RunContext& context) {
    const void *a = context.input(0).data, *b = context.input(1).data;
    void *out = context.output().data, *workspace = context.workspace().data();
    LITHE_TRY(check(
        context.input(0).dtype == DType::f32
            ? xnn_setup_batch_matrix_multiply_nc_f32(op_.get(), workspace, static_cast<const float*>(a),
                                                     static_cast<const float*>(b), static_cast<float*>(out))
            : xnn_setup_batch_matrix_multiply_nc_f16(op_.get(), workspace, a, b, out)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

  Handle op_;

 private:
  /// Batch dimension `from_matrix`, where -1 is the last one before the matrix; 1 where the shape has none.
  static std::size_t batch_dim(const Shape& shape, int from_matrix) {
    const int axis = shape.rank() - 2 + from_matrix;
    return axis >= 0 ? static_cast<std::size_t>(shape[axis]) : 1;
  }
};

/// batch_matrix_multiply_nc, f32 and f16, without transpose_a. Each run packs b into the workspace.
class MatMul : public BatchMatMul {
 public:
  using Op = ops::MatMul;
  static constexpr const char* name = "xnn::batch_matrix_multiply_nc";

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    return (dtype == DType::f32 || dtype == DType::f16) && runs_natively(dtype, node) && !a.transpose_a &&
           !any_empty(node);
  }
  Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    return check(context.node.input(0).dtype == DType::f32
                     ? xnn_create_batch_matrix_multiply_nc_f32(flags(a), op_.out())
                     : xnn_create_batch_matrix_multiply_nc_f16(flags(a), op_.out()));
  }
  Status reshape(const Op::Attributes& a, ReshapeContext& context) { return reshape_product(a, context); }
  Status run(const Op::Attributes&, RunContext& context) { return run_product(context); }
};

/// batch_matrix_multiply_nc_f32_const_weights, without transpose_a. A constant b is packed once by each
/// session, without sharing.
class ConstantMatMul : public BatchMatMul {
 public:
  using Op = ops::MatMul;
  static constexpr const char* name = "xnn::batch_matrix_multiply_nc_f32_const_weights";
  static constexpr std::uint32_t packed_inputs = 0b10;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return node.input(0).dtype == DType::f32 && node.input(1).constant() && !a.transpose_a &&
           !any_empty(node);
  }
  [[gnu::cold]] Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const ValueInfo& b = context.node.input(1);
    const ops::detail::MatMulDims sizes = dims(a, context.node.input(0).shape, b.shape);
    if (!packable(matrices(b.shape), sizes.k, sizes.n))
      return {Code::out_of_memory, "a packed matrix is beyond the address space"};
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    return check(xnn_create_batch_matrix_multiply_nc_f32_const_weights(
        z(matrices(b.shape)), z(sizes.k), z(sizes.n), static_cast<const float*>(b.data), flags(a),
        op_.out()));
  }
  Status reshape(const Op::Attributes& a, ReshapeContext& context) { return reshape_product(a, context); }
  Status run(const Op::Attributes&, RunContext& context) { return run_product(context); }
};

}  // namespace lithe::inline v0::xnn
