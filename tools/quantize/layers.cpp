// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/layers.hpp"

#include <algorithm>

#include "tools/passes/node.hpp"

namespace lithe::quantize {

Layer::Layer(const graph::Graph& graph, const graph::Node& node)
    : filter_(graph.constant(node.inputs[1])),
      bias_(graph.constant(passes::input(node, 2))),
      depthwise_(passes::is(node, "DepthwiseConv2D")) {
  const Shape& shape = filter_->shape;
  multiplier_ = depthwise_ ? shape.back() : 1;
  outputs_ = depthwise_ ? shape[2] * multiplier_ : shape[0];
  inputs_per_group_ = shape.back();
  const auto groups = static_cast<index_t>(passes::int_attribute(node, "group", 1));
  outputs_per_group_ = std::max<index_t>(outputs_ / std::max<index_t>(groups, 1), 1);
}

index_t Layer::output_channel(index_t i) const {
  return depthwise_ ? i % outputs_ : i / (elements() / outputs_);
}

index_t Layer::input_channel(index_t i) const {
  if (depthwise_) return i % outputs_ / multiplier_;
  return output_channel(i) / outputs_per_group_ * inputs_per_group_ + i % inputs_per_group_;
}

std::vector<double> Layer::bias() const {
  if (bias_ == nullptr) return {};
  const auto elements = bias_->as<float>();
  return {elements.begin(), elements.end()};
}

}  // namespace lithe::quantize
