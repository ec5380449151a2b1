// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "lithe/core/facts.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::quantize {

/// The constant f32 weights of a convolution (also depthwise or transposed) or fully connected layer. The
/// graph must outlive it.
class Layer {
 public:
  Layer(const graph::Graph& graph, const graph::Node& node);

  index_t elements() const { return filter_->shape.elements(); }
  float weight(index_t i) const { return filter_->as<float>()[static_cast<std::size_t>(i)]; }
  index_t outputs() const { return weights_.outputs(filter_->shape); }
  /// The channels that filter element `i` reads and writes.
  index_t input_channel(index_t i) const { return weights_.input_channel(filter_->shape, group_, i); }
  index_t output_channel(index_t i) const { return weights_.output_channel(filter_->shape, i); }
  bool depthwise() const { return weights_.depthwise; }
  /// The axis of the filter along which scales lie, one for each output channel; -1: one for all (a depthwise
  /// layer with several outputs for an input).
  int scale_axis() const {
    return depthwise() && filter_->shape.back() != 1 ? -1 : weights_.channel_axis(filter_->shape);
  }
  std::vector<double> bias() const;  ///< empty: none

 private:
  const graph::Constant* filter_;
  const graph::Constant* bias_;
  Weights weights_;
  index_t group_;
};

}  // namespace lithe::quantize
