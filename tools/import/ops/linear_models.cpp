// SPDX-License-Identifier: Apache-2.0
// The linear models of ai.onnx.ml.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/ops/tabular.hpp"

namespace lithe::import {
namespace {

/// The scores [N, rows] of a linear model, before its post_transform.
graph::ValueId scores_of(Compose& c, std::size_t rows) {
  const std::vector<float> coefficients = c.node.attribute_floats("coefficients"),
                           intercepts = c.node.attribute_floats("intercepts");
  if (rows == 0) c.node.refuse("it has no targets");
  const std::size_t features = coefficients.size() / rows;
  if (features * rows != coefficients.size() || (!intercepts.empty() && intercepts.size() != rows))
    c.node.refuse("it has " + std::to_string(coefficients.size()) + " coefficients and " +
                  std::to_string(intercepts.size()) + " intercepts for " + std::to_string(rows) + " targets");
  const graph::ValueId x = c.cast(rows_of_features(c), DType::f32);
  std::vector<graph::ValueId> inputs{
      x, numbers(c.node, coefficients, Shape{static_cast<index_t>(rows), static_cast<index_t>(features)})};
  if (!intercepts.empty()) inputs.push_back(numbers(c.node, intercepts));
  return c.apply<ops::FullyConnected>(std::move(inputs));
}

/// LinearRegressor-1.
void import_linear_regressor(NodeImport& node) {
  Compose c(node);
  const auto targets = static_cast<std::size_t>(std::max<std::int64_t>(0, node.attribute_int("targets", 1)));
  const graph::ValueId scores = scores_of(c, targets);
  node.output(0, transformed(c, scores, node.attribute_string("post_transform", "NONE")));
}

/// LinearClassifier-1. One row of coefficients for two classes scores the second.
void import_linear_classifier(NodeImport& node) {
  Compose c(node);
  const ClassLabels labels(node, "classlabels_ints", "classlabels_strings");
  node.attribute_int("multi_class", 0);
  const std::size_t intercepts = node.attribute_floats("intercepts").size(),
                    rows = intercepts == 0 ? labels.count() : intercepts;
  if (rows != labels.count() && !(rows == 1 && labels.count() == 2))
    node.refuse("it has " + std::to_string(rows) + " rows of coefficients for " +
                std::to_string(labels.count()) + " classes");
  graph::ValueId scores = scores_of(c, rows);
  if (labels.count() == 1) node.refuse("it has one class");
  labels.output(node, rows == 1 ? second_class(c, scores, 0) : best_class(c, scores));
  if (rows == 1) scores = both_classes(c, scores);
  node.output(1, transformed(c, scores, node.attribute_string("post_transform", "NONE")));
}

}  // namespace

void register_linear_models(ImporterTable& table) {
  table.add("LinearClassifier", import_linear_classifier, 1, tabular);
  table.add("LinearRegressor", import_linear_regressor, 1, tabular);
}

}  // namespace lithe::import
