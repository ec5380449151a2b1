// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::quantize {

/// The constant f32 weights of a convolution (also depthwise or transposed) or fully connected layer. The
/// graph must outlive it.
class Layer {
 public:
  Layer(const graph::Graph& graph, const graph::Node& node);

  index_t elements() const { return filter_->shape.elements(); }
  float weight(index_t i) const { return filter_->as<float>()[static_cast<std::size_t>(i)]; }
  index_t outputs() const { return outputs_; }
  /// The channels that filter element `i` reads and writes.
  index_t input_channel(index_t i) const;
  index_t output_channel(index_t i) const;
  bool depthwise() const { return depthwise_; }
  /// The axis of the filter along which scales lie, one for each output channel; -1: one for all (a depthwise
  /// layer with several outputs for an input).
  int scale_axis() const { return depthwise_ ? (multiplier_ == 1 ? 2 : -1) : 0; }
  std::vector<double> bias() const;  ///< empty: none

 private:
  const graph::Constant* filter_;
  const graph::Constant* bias_;
  bool depthwise_;
  index_t outputs_, multiplier_, inputs_per_group_, outputs_per_group_;
};

}  // namespace lithe::quantize
