// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/softmax.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

graph::ConstantPtr integers(DType dtype, const Shape& shape, const std::vector<std::int64_t>& values) {
  if (dtype == DType::s64) return graph::make_constant<std::int64_t>(shape, values);
  const std::vector<std::int32_t> narrow(values.begin(), values.end());
  return graph::make_constant<std::int32_t>(shape, narrow);
}

/// The loss of log-probabilities [N, C, ...] for classes [N, ...], with a weight for each class, as a
/// selection along C: a class outside of [0, C) selects nothing, and so costs nothing.
class Loss {
 public:
  Loss(NodeImport& node, ValueId input)
      : node_(node), input_(input), target_(node.input(1)), dtype_(node.dtype(input)) {
    rank_ = node.required_rank(node.input(0));
    const auto& dims = node.value(node.input(0)).dims;
    if (rank_ < 2 || (*dims)[1] < 0) node.refuse(node.op_type() + " needs an input [N, C, ...] of a known C");
    classes_ = (*dims)[1];
  }

  ValueId result() {
    const std::string reduction = node_.attribute_string("reduction", "mean");
    if (reduction != "none" && reduction != "sum" && reduction != "mean")
      node_.refuse("attribute reduction = \"" + reduction + "\" is not supported");
    const ValueId chosen = selection();
    ValueId scores = node_.emit<ops::Neg>({}, {input_}, dtype_), weights = node_.scalar(1, dtype_);
    if (node_.has(2)) {
      weights = along_classes(node_.input(2));
      scores = node_.emit<ops::Mul>({}, {scores, weights}, dtype_);
    }
    const ValueId loss = summed(chosen, scores, {1});
    if (reduction == "none") return loss;
    std::vector<std::int64_t> all(static_cast<std::size_t>(rank_));
    std::iota(all.begin(), all.end(), 0);
    const ValueId total = summed(chosen, scores, all);
    if (reduction == "sum") return total;
    return node_.emit<ops::Div>({}, {total, summed(chosen, weights, all)}, dtype_);
  }

 private:
  /// [N, C, ...]: whether this is the class, and not to be ignored.
  ValueId selection() {
    const DType dtype = node_.dtype(target_);
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(classes_));
    std::iota(numbers.begin(), numbers.end(), 0);
    const ValueId classes =
        along_classes(node_.constant(integers(dtype, {static_cast<index_t>(classes_)}, numbers), "classes"));
    const ValueId target = node_.emit<ops::Unsqueeze>({}, {target_, node_.ints({1})}, dtype);
    const ValueId equal = node_.emit<ops::Equal>({}, {target, classes});
    if (!node_.has_attribute("ignore_index")) return equal;
    const std::int64_t ignored = node_.attribute_int("ignore_index", 0);
    const ValueId number = node_.constant(integers(dtype, {}, {ignored}), "ignored");
    return node_.emit<ops::And>(
        {}, {equal, node_.emit<ops::Not>({}, {node_.emit<ops::Equal>({}, {target, number})})});
  }
  /// [C] as [C, 1, ...].
  ValueId along_classes(ValueId value) {
    if (rank_ == 2) return value;
    std::vector<std::int64_t> shape(static_cast<std::size_t>(rank_ - 1), 1);
    shape[0] = classes_;
    return node_.emit<ops::Reshape>({}, {value, node_.ints(std::move(shape))}, node_.dtype(value));
  }
  ValueId summed(ValueId chosen, ValueId values, std::vector<std::int64_t> axes) {
    const ValueId kept = node_.emit<ops::Where>({}, {chosen, values, node_.scalar(0, dtype_)}, dtype_);
    ops::ReduceAttributes attributes;
    attributes.keepdims = false;
    return node_.emit<ops::ReduceSum>(attributes, {kept, node_.ints(std::move(axes))}, dtype_);
  }

  NodeImport& node_;
  ValueId input_, target_;
  DType dtype_;
  int rank_ = 0;
  std::int64_t classes_ = 0;
};

/// NegativeLogLikelihoodLoss-12, 13, 22.
void import_negative_log_likelihood_loss(NodeImport& node) {
  node.output(0, Loss(node, node.input(0)).result());
}

/// SoftmaxCrossEntropyLoss-12, 13: of the logarithms of a softmax, which are the second output.
void import_softmax_cross_entropy_loss(NodeImport& node) {
  ops::SoftmaxAttributes attributes;
  attributes.axis = 1;
  const ValueId logarithms =
      node.emit<ops::LogSoftmax>(attributes, {node.input(0)}, node.dtype(node.input(0)));
  node.output(0, Loss(node, logarithms).result());
  if (node.wants(1)) node.output(1, logarithms);
}

}  // namespace

void register_negative_log_likelihood_loss(ImporterTable& table) {
  table.add("NegativeLogLikelihoodLoss", import_negative_log_likelihood_loss);
  table.add("SoftmaxCrossEntropyLoss", import_softmax_cross_entropy_loss);
}

}  // namespace lithe::import
