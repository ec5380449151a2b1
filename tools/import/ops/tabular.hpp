// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/ops/arg_max.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/ops/compose.hpp"

/// What importers of ai.onnx.ml share: its operators take rows of features, and classifiers give labels and scores.
namespace lithe::import {

/// A constant of the numbers, of this shape.
template <class T>
graph::ValueId numbers(NodeImport& node, const std::vector<T>& values, const Shape& shape) {
  return node.constant(graph::make_constant<T>(shape, values), "numbers");
}
template <class T>
graph::ValueId numbers(NodeImport& node, const std::vector<T>& values) {
  return numbers(node, values, Shape{static_cast<index_t>(values.size())});
}

/// Input 0 as rows of features [N, F]; a vector is one row. Refuses other ranks.
inline graph::ValueId rows_of_features(Compose& c) {
  const graph::ValueId x = c.node.input(0);
  const int rank = c.node.required_rank(x);
  if (rank != 1 && rank != 2)
    c.node.refuse(c.node.op_type() + " takes rows of features [N, F], not " + std::to_string(rank) +
                  " dimensions");
  return rank == 1 ? c.unsqueeze(x, {0}) : x;
}

/// Softmax of what is not zero. A row of zeros stays, where ONNX Runtime gives NaN.
inline graph::ValueId softmax_zero(Compose& c, graph::ValueId x) {
  constexpr float none = 1e-7f;  // what counts as zero
  const DType dtype = c.node.dtype(x);
  const graph::ValueId largest = c.reduce<ops::ReduceMax>(x, {-1}, true), one = c.node.scalar(1, dtype),
                       empty =
                           c.apply<ops::LessOrEqual>({c.apply<ops::Abs>({x}), c.node.scalar(none, dtype)}),
                       powers = c.apply<ops::Exp>({c.sub(x, largest)}),
                       rest = c.mul(x, c.apply<ops::Exp>({c.apply<ops::Neg>({largest})})),
                       sum = c.reduce<ops::ReduceSum>(c.where(empty, c.node.scalar(0, dtype), powers), {-1},
                                                      true),
                       divisor = c.where(c.apply<ops::Equal>({sum, c.node.scalar(0, dtype)}), one, sum);
  return c.div(c.where(empty, rest, powers), divisor);
}

/// The inverse of the normal distribution, by Winitzki's approximation of the inverse error function.
inline graph::ValueId probit(Compose& c, graph::ValueId p) {
  constexpr float a = 0.147f, pi = 3.14159265f, sqrt2 = 1.41421356f;
  const DType dtype = c.node.dtype(p);
  const auto number = [&](float v) { return c.node.scalar(v, dtype); };
  const graph::ValueId x = c.sub(c.scaled(p, 2), number(1)),
                       log = c.apply<ops::Log>({c.mul(c.sub(number(1), x), c.add(number(1), x))}),
                       v = c.add(number(2 / (pi * a)), c.scaled(log, 0.5f)),
                       root = c.apply<ops::Sqrt>({c.sub(c.mul(v, v), c.scaled(log, 1 / a))}),
                       size = c.apply<ops::Sqrt>({c.sub(root, v)}),
                       negative = c.apply<ops::Less>({x, number(0)});
  return c.where(negative, c.scaled(size, -sqrt2), c.scaled(size, sqrt2));
}

/// `scores` [N, C] after a post_transform, SOFTMAX_ZERO and PROBIT by the formulas of ONNX's reference.
inline graph::ValueId transformed(Compose& c, graph::ValueId scores, const std::string& post_transform) {
  if (post_transform == "NONE") return scores;
  if (post_transform == "LOGISTIC") return c.apply<ops::Sigmoid>({scores});
  if (post_transform == "SOFTMAX") return c.softmax(scores);
  if (post_transform == "SOFTMAX_ZERO") return softmax_zero(c, scores);
  if (post_transform == "PROBIT") return probit(c, scores);
  c.node.refuse("attribute post_transform = \"" + post_transform + "\" is not known");
}

/// Scores [N, 1] of the second of two classes as scores of both, those of the first negative.
inline graph::ValueId both_classes(Compose& c, graph::ValueId scores) {
  return c.concat({c.apply<ops::Neg>({scores}), scores}, 1);
}

/// The place of the largest score in each row, s64 [N].
inline graph::ValueId best_class(Compose& c, graph::ValueId scores) {
  ops::ArgAttributes attributes;
  attributes.axis = 1;
  attributes.keepdims = false;
  return c.apply<ops::ArgMax>({scores}, attributes);
}

/// 1 where the scores [N, 1] of the second of two classes lie above `threshold`, else 0: s64 [N].
inline graph::ValueId second_class(Compose& c, graph::ValueId scores, float threshold) {
  const graph::ValueId above =
      c.apply<ops::Greater>({scores, c.node.scalar(threshold, c.node.dtype(scores))});
  return c.reshape(c.cast(above, DType::s64), {-1});
}

/// The labels of a classifier.
struct ClassLabels {
  std::vector<std::int64_t> numbers;
  std::vector<std::string> texts;

  /// Reads the attributes; refuses a node that has neither or both.
  ClassLabels(NodeImport& node, std::string_view numbers_name, std::string_view texts_name)
      : numbers(node.attribute_ints(numbers_name)), texts(node.attribute_strings(texts_name)) {
    if (numbers.empty() == texts.empty())
      node.refuse("it needs one of " + std::string(numbers_name) + " and " + std::string(texts_name));
  }
  std::size_t count() const { return std::max(numbers.size(), texts.size()); }

  /// Makes the labels of the classes with these places, s64 [N], the node's output 0. Texts stay places, and the
  /// texts go into the model's metadata.
  void output(NodeImport& node, graph::ValueId places) const {
    std::vector<std::int64_t> same(numbers.size());
    std::iota(same.begin(), same.end(), 0);
    if (!texts.empty())
      node.set_texts(places, texts);
    else if (numbers != same)
      places = node.emit<ops::Gather>({}, {import::numbers(node, numbers), places});
    node.output(0, places);
  }
};

}  // namespace lithe::import
