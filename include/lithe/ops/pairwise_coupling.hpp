// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"

namespace lithe::inline v0::ops {

/// Turns the probabilities of pairs of classes into those of the classes.
///   input [N, P], P = C * (C - 1) / 2: for each pair i < j, in order, the probability of i where it is i or j, in
///   (0, 1)    output [N, C], the sum of each row is 1
/// It repeats until no class is off by more than 0.005 / C, at most 100 times.
/// Errors: Code::shape if the input is no [N, P] of 2 to 256 classes.
/// Source: Wu, Lin, Weng: Probability estimates for multi-class classification by pairwise coupling, algorithm 2, as
/// ONNX's SVMClassifier-1 uses it.
struct PairwiseCoupling {
  using Attributes = NoAttributes;
  static constexpr index_t most_classes = 256;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "PairwiseCoupling", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32}, {f32}}, {{f64}, {f64}}};

  static Status infer(const Attributes&, InferContext& context) {
    const Shape& input = context.shape(0);
    if (input.rank() != 2) return {Code::shape, "the pairs of classes must be [N, P]"};
    index_t classes = 2;
    while (classes < most_classes && classes * (classes - 1) / 2 < input[1]) ++classes;
    if (classes * (classes - 1) / 2 != input[1])
      return {Code::shape, "P is no number of pairs of 2 to 256 classes"};
    return context.output(0, {input[0], classes});
  }
};
static_assert(Operator<PairwiseCoupling>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::PairwiseCoupling> Op>
struct Kernel<Op> {
  using Attributes = ops::PairwiseCoupling::Attributes;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    const index_t classes = context.outputs[0].shape[1];
    context.workspace(
        static_cast<std::size_t>(classes * (classes + 1) * element_bytes(context.inputs[0].dtype)));
    return {};
  }

  template <TypeSet types = every_type>
  static Status run(const Attributes&, RunContext& context) {
    return ops::detail::for_element_type<types, float, double>(context.input(0).dtype,
                                                               [&]<class T>() { couple_rows<T>(context); });
  }

 private:
  template <class T>
  static void couple_rows(RunContext& context) {
    const Shape& shape = context.output().shape;
    const index_t classes = shape[1], pairs = context.input(0).shape[1];
    const auto* from = static_cast<const T*>(context.input(0).data);
    auto* to = static_cast<T*>(context.output().data);
    auto* matrix = reinterpret_cast<T*>(context.workspace().data());
    for (index_t n = 0; n < shape[0]; ++n, from += pairs, to += classes) {
      fill(from, matrix, classes);
      couple(matrix, matrix + classes * classes, to, classes);
    }
  }

  /// Makes the matrix [C, C] whose quadratic form is least at the probabilities.
  template <class T>
  static void fill(const T* pairs, T* matrix, index_t classes) {
    std::fill_n(matrix, classes * classes, T{0});
    for (index_t i = 0; i < classes; ++i)
      for (index_t j = i + 1; j < classes; ++j, ++pairs) {
        const T first = *pairs, second = 1 - *pairs;
        matrix[i * classes + i] += second * second;
        matrix[j * classes + j] += first * first;
        matrix[i * classes + j] = matrix[j * classes + i] = -first * second;
      }
  }

  /// `products` [C] is scratch memory.
  template <class T>
  static void couple(const T* matrix, T* products, T* p, index_t classes) {
    constexpr int most_rounds = 100;
    const T enough = static_cast<T>(0.005) / static_cast<T>(classes);
    std::fill_n(p, classes, 1 / static_cast<T>(classes));
    for (int round = 0; round < most_rounds; ++round) {
      T form = 0, error = 0;
      for (index_t i = 0; i < classes; ++i) {
        products[i] = 0;
        for (index_t j = 0; j < classes; ++j) products[i] += matrix[i * classes + j] * p[j];
        form += p[i] * products[i];
      }
      for (index_t i = 0; i < classes; ++i) error = std::max(error, std::abs(products[i] - form));
      if (error < enough) return;
      for (index_t i = 0; i < classes; ++i) {
        const T* row = matrix + i * classes;
        const T step = (form - products[i]) / row[i], scale = 1 / (1 + step);
        p[i] += step;
        form = (form + step * (step * row[i] + 2 * products[i])) * scale * scale;
        for (index_t j = 0; j < classes; ++j) {
          products[j] = (products[j] + step * row[j]) * scale;
          p[j] *= scale;
        }
      }
    }
  }
};

}  // namespace lithe::inline v0::portable
