// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"

namespace lithe::inline v0::ops {

/// Matrix product over the last two axes; the axes before them broadcast.
///   a [..., M, K], or [..., K, M] with transpose_a    b [..., K, N], or [..., N, K] with transpose_b
///   output [..., M, N]
/// A vector a is [1, K] and a vector b is [K, 1]; the output does not have that axis of size 1. Integers
/// wrap.
/// Errors: Code::shape for a scalar, for K or batch dimensions that disagree, or for a transposed vector.
/// Source: ONNX MatMul-13 (numpy.matmul), transposes as in com.microsoft.FusedMatMul-1.
struct MatMul {
  struct Attributes {
    bool transpose_a = false, transpose_b = false;
    static constexpr auto fields() {
      return Fields{field("transpose_a", &Attributes::transpose_a),
                    field("transpose_b", &Attributes::transpose_b)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "MatMul", .inputs = {"a", "b"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, f32}, {f32}}, {{f16, f16}, {f16}}, {{f64, f64}, {f64}},
                                      {{s32, s32}, {s32}}, {{s64, s64}, {s64}}, {{u32, u32}, {u32}},
                                      {{u64, u64}, {u64}}};
  static std::uint64_t multiply_adds(const Attributes& attributes, const NodeInfo& node) {
    const Shape& a = node.input(0).shape;
    const int inner = a.rank() - (attributes.transpose_a && a.rank() > 1 ? 2 : 1);
    return inner < 0 ? 0 : static_cast<std::uint64_t>(node.output().shape.elements() * a[inner]);
  }

  static Status infer(const Attributes& attributes, InferContext& context) {
    const Shape& a = context.shape(0);
    const Shape& b = context.shape(1);
    if (a.rank() == 0 || b.rank() == 0) return {Code::shape, "MatMul takes no scalars"};
    if ((attributes.transpose_a && a.rank() == 1) || (attributes.transpose_b && b.rank() == 1))
      return {Code::shape, "a vector cannot be transposed"};
    const detail::MatMulDims dims = detail::matmul_dims(a, b, attributes.transpose_a, attributes.transpose_b);
    if (dims.k != dims.b_k) return {Code::shape, "the inner dimensions of the matrices disagree"};
    const int batch_a = std::max(a.rank() - 2, 0), batch_b = std::max(b.rank() - 2, 0),
              batch = std::max(batch_a, batch_b);
    Shape output;
    for (int i = 0; i < batch; ++i) {
      const index_t da = i < batch - batch_a ? 1 : a[i - (batch - batch_a)];
      const index_t db = i < batch - batch_b ? 1 : b[i - (batch - batch_b)];
      if (da != db && da != 1 && db != 1) return {Code::shape, "the batch dimensions do not broadcast"};
      output.push_back(da == 1 ? db : da);
    }
    if (a.rank() > 1) output.push_back(dims.m);
    if (b.rank() > 1) output.push_back(dims.n);
    return context.output(0, output);
  }
};
static_assert(Operator<MatMul>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::MatMul> Op>
struct Kernel<Op> {
  using Attributes = ops::MatMul::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_element_type<every_type, float, half, double, std::int32_t, std::int64_t,
                                         std::uint32_t, std::uint64_t>(
        context.output().dtype, [&]<class T>() { return run_as<T>(a, context); });
  }

 private:
  /// The number of the matrix of `tensor` that belongs to matrix `batch` of the output; dimensions of 1
  /// broadcast.
  static index_t matrix_of(const Shape& tensor, const Shape& batches, int batch_rank, index_t batch) {
    const int own = std::max(tensor.rank() - 2, 0);
    index_t index = 0, step = 1;
    for (int i = batch_rank - 1, j = own - 1; j >= 0; --i, --j) {
      if (tensor[j] != 1) index += batch % batches[i] * step;
      step *= tensor[j];
      batch /= batches[i];
    }
    return index;
  }

  template <class T>
  static Status run_as(const Attributes& attributes, RunContext& context) {
    const TensorView &a = context.input(0), &b = context.input(1);
    const auto dims =
        ops::detail::matmul_dims(a.shape, b.shape, attributes.transpose_a, attributes.transpose_b);
    const Shape& shape = context.output().shape;
    if (shape.elements() == 0) return {};
    const int batch_rank = std::max({a.shape.rank() - 2, b.shape.rank() - 2, 0});
    T* c = static_cast<T*>(context.output().data);
    for (index_t batch = 0; batch < shape.product(0, batch_rank); ++batch, c += dims.m * dims.n) {
      const T* left =
          static_cast<const T*>(a.data) + matrix_of(a.shape, shape, batch_rank, batch) * dims.m * dims.k;
      const T* right =
          static_cast<const T*>(b.data) + matrix_of(b.shape, shape, batch_rank, batch) * dims.k * dims.n;
      ops::detail::multiply<T>(
          {left, attributes.transpose_a ? 1 : dims.k, attributes.transpose_a ? dims.m : 1},
          {right, attributes.transpose_b ? 1 : dims.n, attributes.transpose_b ? dims.k : 1}, c, dims);
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
