// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lithe/core/facts.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/rewriter.hpp"

/// Layers with weights, and what fuses with them.
namespace lithe::passes {

/// Convolutions, transposed and depthwise ones too, and FullyConnected: input, filter and bias.
bool is_weighted(const Node& node);
/// How many of the first inputs are quantized tensors in the node's quantized form, weights apart; 0: it has none.
int quantized_inputs(const Node& node);
/// A weighted node with constant weights, and the channels that their elements belong to.
struct Weighted {
  int node = -1;
  ConstantPtr filter;
  Weights weights;  ///< what its operator says of the filter
  index_t channels() const { return weights.outputs(filter->shape); }
  /// The output channel of filter element `i`.
  index_t channel(std::int64_t i) const {
    return weights.output_channel(filter->shape, static_cast<index_t>(i));
  }
};
/// The weighted node that produces `v`, if `v` has no other reader and the node has no clamp; else nullopt,
/// with the reason in `log`. `what` names the node that wants to fuse with it.
std::optional<Weighted> weighted_producer(Rewriter& rewriter, ValueId v, const std::string& what,
                                          PassLog& log);
/// Removes node `n`: its producer `into` gives its output, and stands for the ONNX nodes of both.
void absorb(Rewriter& rewriter, int into, int n);

}  // namespace lithe::passes
