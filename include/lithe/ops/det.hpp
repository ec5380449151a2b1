// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"

namespace lithe::inline v0::ops {

/// The determinant of square matrices.
///   input [..., M, M]    output [...]
/// Of a matrix without elements it is 1.
/// Errors: Code::shape for a rank below 2, or matrices that are not square.
/// Source: ONNX Det-22; elimination with partial pivoting, in double precision.
struct Det {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Det", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32}, {f32}}, {{f16}, {f16}}, {{bf16}, {bf16}}, {{f64}, {f64}}};

  static Status infer(const Attributes&, InferContext& context) {
    const Shape& input = context.shape(0);
    if (input.rank() < 2 || input[input.rank() - 1] != input[input.rank() - 2])
      return {Code::shape, "a determinant needs square matrices"};
    Shape output;
    for (int i = 0; i < input.rank() - 2; ++i) output.push_back(input[i]);
    return context.output(0, output);
  }
};
static_assert(Operator<Det>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Det> Op>
struct Kernel<Op> {
  /// The workspace holds one matrix.
  static Status reshape(const NoAttributes&, ReshapeContext& context) {
    const auto m = static_cast<std::uint64_t>(context.inputs[0].shape.back());
    return ops::detail::ask_workspace(context, sizeof(double) * m * m);
  }

  static Status run(const NoAttributes&, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype, [&]<class T>() {
      const Shape& shape = context.input(0).shape;
      const index_t m = shape.back(), count = shape.product(0, shape.rank() - 2);
      const auto* from = static_cast<const T*>(context.input(0).data);
      auto* to = static_cast<T*>(context.output().data);
      auto* matrix = reinterpret_cast<double*>(context.workspace().data());
      for (index_t i = 0; i < count; ++i, from += m * m) {
        for (index_t k = 0; k < m * m; ++k) matrix[k] = static_cast<double>(from[k]);
        to[i] = static_cast<T>(determinant(matrix, m));
      }
    });
  }

 private:
  static double determinant(double* a, index_t m) {
    double result = 1;
    for (index_t column = 0; column < m; ++column) {
      index_t pivot = column;
      for (index_t row = column + 1; row < m; ++row)
        if (std::abs(a[row * m + column]) > std::abs(a[pivot * m + column])) pivot = row;
      const double diagonal = a[pivot * m + column];
      if (diagonal == 0) return 0;
      if (pivot != column) {
        result = -result;
        for (index_t k = column; k < m; ++k) std::swap(a[pivot * m + k], a[column * m + k]);
      }
      result *= diagonal;
      for (index_t row = column + 1; row < m; ++row) {
        const double factor = a[row * m + column] / diagonal;
        for (index_t k = column; k < m; ++k) a[row * m + k] -= factor * a[column * m + k];
      }
    }
    return result;
  }
};

}  // namespace lithe::inline v0::portable
