// SPDX-License-Identifier: Apache-2.0
// The support vector machines of ai.onnx.ml.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/pairwise_coupling.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/ops/tabular.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// What both machines say of their kernel.
struct Machine {
  std::string kernel;
  std::vector<float> parameters, coefficients, vectors, rho;

  explicit Machine(NodeImport& node)
      : kernel(node.attribute_string("kernel_type", "LINEAR")),
        parameters(node.attribute_floats("kernel_params")),
        coefficients(node.attribute_floats("coefficients")),
        vectors(node.attribute_floats("support_vectors")),
        rho(node.attribute_floats("rho")) {
    parameters.resize(3);
  }
};

/// x [N, F] times the transpose of `rows`, `count` rows of F numbers.
ValueId products(Compose& c, ValueId x, const std::vector<float>& rows, std::size_t count) {
  if (count == 0 || rows.size() % count != 0 || rows.empty())
    c.node.refuse("it has " + std::to_string(rows.size()) + " numbers for " + std::to_string(count) +
                  " rows");
  const Shape shape{static_cast<index_t>(count), static_cast<index_t>(rows.size() / count)};
  return c.apply<ops::FullyConnected>({x, numbers(c.node, rows, shape)});
}

/// The squared distances [N, S] of x [N, F] from the support vectors, counted from their mean, so that little cancels.
ValueId squared_distances(Compose& c, ValueId x, std::vector<float> vectors, std::size_t count) {
  const std::size_t features = vectors.size() / count;
  std::vector<float> mean(features), squares(count);
  for (std::size_t f = 0; f < features; ++f) {
    double sum = 0;
    for (std::size_t s = 0; s < count; ++s) sum += static_cast<double>(vectors[s * features + f]);
    mean[f] = static_cast<float>(sum / static_cast<double>(count));
  }
  for (std::size_t s = 0; s < count; ++s) {
    double sum = 0;
    for (std::size_t f = 0; f < features; ++f) {
      float& v = vectors[s * features + f];
      v -= mean[f];
      sum += static_cast<double>(v) * static_cast<double>(v);
    }
    squares[s] = static_cast<float>(sum);
  }
  x = c.sub(x, numbers(c.node, mean));
  const ValueId own = c.reduce<ops::ReduceSumSquare>(x, {1}, true);
  const ValueId twice = c.scaled(products(c, x, vectors, count), 2);
  return c.sub(c.add(own, numbers(c.node, squares)), twice);
}

/// The kernel of x [N, F] with each of `count` support vectors, [N, S].
ValueId kernels(Compose& c, const Machine& machine, ValueId x, std::size_t count) {
  const float gamma = machine.parameters[0], offset = machine.parameters[1], degree = machine.parameters[2];
  if (machine.kernel == "RBF") {
    if (count == 0 || machine.vectors.size() % count != 0) c.node.refuse("its support vectors do not fit");
    return c.apply<ops::Exp>({c.scaled(squared_distances(c, x, machine.vectors, count), -gamma)});
  }
  const ValueId dots = products(c, x, machine.vectors, count);
  if (machine.kernel == "LINEAR") return dots;
  const ValueId shifted = c.add(c.scaled(dots, gamma), c.node.scalar(offset));
  if (machine.kernel == "POLY") return c.apply<ops::Pow>({shifted, c.node.scalar(degree)});
  if (machine.kernel == "SIGMOID") return c.apply<ops::Tanh>({shifted});
  c.node.refuse("attribute kernel_type = \"" + machine.kernel + "\" is not known");
}

/// SVMRegressor-1.
void import_regressor(NodeImport& node) {
  Compose c(node);
  const Machine machine(node);
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(0, node.attribute_int("n_supports", 0)));
  if (machine.rho.empty()) node.refuse("it has no rho");
  const ValueId x = c.cast(rows_of_features(c), DType::f32);
  ValueId y = count == 0 ? products(c, x, machine.coefficients, 1)
                         : products(c, kernels(c, machine, x, count), machine.coefficients, 1);
  y = c.add(y, node.scalar(machine.rho[0]));
  if (node.attribute_int("one_class", 0) != 0)
    y = c.where(c.apply<ops::Greater>({y, node.scalar(0)}), node.scalar(1), node.scalar(-1));
  node.output(0, transformed(c, y, node.attribute_string("post_transform", "NONE")));
}

/// The decisions [N, P] of one class against another, for each pair of classes: positive for the first.
ValueId decisions(Compose& c, const Machine& machine, const std::vector<std::int64_t>& sizes, ValueId x) {
  const std::size_t classes = sizes.size(), pairs = classes * (classes - 1) / 2;
  std::vector<std::size_t> first(classes);
  std::size_t count = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    first[k] = count;
    if (sizes[k] < 0) c.node.refuse("a class has fewer than no vectors");
    count += static_cast<std::size_t>(sizes[k]);
  }
  if (machine.coefficients.size() != (classes - 1) * count || machine.rho.size() != pairs)
    c.node.refuse("its coefficients or rho do not fit its classes and vectors");
  std::vector<float> weights(pairs * count);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < classes; ++i)
    for (std::size_t j = i + 1; j < classes; ++j, ++pair)
      for (const auto& [one, row] : {std::pair(i, j - 1), std::pair(j, i)})
        for (std::size_t s = first[one]; s < first[one] + static_cast<std::size_t>(sizes[one]); ++s)
          weights[pair * count + s] = machine.coefficients[row * count + s];
  const ValueId values = products(c, kernels(c, machine, x, count), weights, pairs);
  return c.add(values, numbers(c.node, machine.rho));
}

/// The class that wins most pairs, the first of equals: s64 [N].
ValueId elected(Compose& c, ValueId pair_scores, std::size_t classes) {
  const std::size_t pairs = classes * (classes - 1) / 2;
  std::vector<float> votes(classes * pairs), losses(classes);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < classes; ++i)  // a lost pair is one vote more for the second class
    for (std::size_t j = i + 1; j < classes; ++j, ++pair) {
      votes[i * pairs + pair] = 1;
      votes[j * pairs + pair] = -1;
      losses[j] += 1;
    }
  const ValueId won = c.cast(c.apply<ops::Greater>({pair_scores, c.node.scalar(0)}), DType::f32);
  return best_class(c, c.add(products(c, won, votes, classes), numbers(c.node, losses)));
}

/// The probabilities of the classes [N, C] by Platt's sigmoids over the pairs.
ValueId probabilities(Compose& c, ValueId pair_scores, const std::vector<float>& a,
                      const std::vector<float>& b) {
  constexpr float least = 1e-7f;
  const ValueId score = c.add(c.mul(pair_scores, numbers(c.node, a)), numbers(c.node, b));
  const ValueId first = c.apply<ops::Sigmoid>({c.apply<ops::Neg>({score})});
  const ValueId bounded =
      c.apply<ops::Min>({c.apply<ops::Max>({first, c.node.scalar(least)}), c.node.scalar(1 - least)});
  return c.apply<ops::PairwiseCoupling>({bounded});
}

/// SVMClassifier-1. Scores without probabilities: of two classes both, else those of the pairs.
void import_classifier(NodeImport& node) {
  Compose c(node);
  const Machine machine(node);
  const ClassLabels labels(node, "classlabels_ints", "classlabels_strings");
  const std::vector<std::int64_t> sizes = node.attribute_ints("vectors_per_class");
  const std::vector<float> prob_a = node.attribute_floats("prob_a"), prob_b = node.attribute_floats("prob_b");
  const std::string transform = node.attribute_string("post_transform", "NONE");
  const ValueId x = c.cast(rows_of_features(c), DType::f32);
  const std::size_t classes = labels.count();
  if (classes < 2) node.refuse("it has one class");
  if (machine.vectors.empty()) {
    if (machine.rho.empty()) node.refuse("it has no rho");
    const ValueId scores = c.add(products(c, x, machine.coefficients, classes), node.scalar(machine.rho[0]));
    labels.output(node, best_class(c, scores));
    node.output(1, transformed(c, scores, transform));
    return;
  }
  if (sizes.size() != classes) node.refuse("it has another number of classes than of vectors_per_class");
  const ValueId pairs = decisions(c, machine, sizes, x);
  if (prob_a.size() != prob_b.size() || (!prob_a.empty() && prob_a.size() != machine.rho.size()))
    node.refuse("prob_a and prob_b do not fit its classes");
  labels.output(node, elected(c, pairs, classes));
  const ValueId scores = !prob_a.empty() ? probabilities(c, pairs, prob_a, prob_b)
                         : classes == 2  ? both_classes(c, pairs)
                                         : pairs;
  node.output(1, transformed(c, scores, transform));
}

}  // namespace

void register_svm(ImporterTable& table) {
  table.add("SVMClassifier", import_classifier, 1, tabular);
  table.add("SVMRegressor", import_regressor, 1, tabular);
}

}  // namespace lithe::import
