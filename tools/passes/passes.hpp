// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"

/// The passes of the pipeline, each defined in the file of its name: rewrites that keep what a model
/// computes. Each runs over every graph of the model. Inputs and outputs of a graph keep name, dtype and
/// shape; values keep their ONNX names, with the permutation that leads to them.
namespace lithe::passes {

/// Nodes on constants become constants, up to 64 MB each; dequantized constants stay for `quantize`.
void fold_constants(graph::Model& model, PassLog& log);
/// Dequantized constants that `quantize` did not use become floating-point constants.
void fold_quantized_constants(graph::Model& model, PassLog& log);
/// Nodes that do nothing go, and nodes that undo each other merge. All rewrites are exact.
void simplify(graph::Model& model, PassLog& log);
/// Equal nodes on equal inputs become one, and so do equal constants.
void eliminate_common_subexpressions(graph::Model& model, PassLog& log);
/// Transposes move down the graph until they cancel. Those that are left move no data, or sit at a graph
/// input or output; never more bytes are moved than before.
void channels_last(graph::Model& model, PassLog& log);
/// A Reshape, a normalization of each channel and a Reshape become a normalization of groups of channels.
void fuse_group_normalization(graph::Model& model, PassLog& log);
/// A product, scales, a mask, a softmax and a product become an Attention, which reads heads where they lie.
void fuse_attention(graph::Model& model, PassLog& log);
/// A FullyConnected between a Reshape that joins axes of its rows and one that restores them goes without both.
void drop_flattening(graph::Model& model, PassLog& log);
/// Expressions that exporters write out become the operators they stand for: activations and normalizations;
/// limits by constants become Clip.
void fuse_patterns(graph::Model& model, PassLog& log);
/// Squeeze and Unsqueeze move down through operators until they cancel, so that a network over one axis is
/// one over images of height 1.
void sink_squeezes(graph::Model& model, PassLog& log);
/// Pads of zeros become the padding of the convolution after them, and pads that never win become that of a
/// MaxPool.
void fuse_pad(graph::Model& model, PassLog& log);
/// Sequences of Add, Sub, Mul and Div by constants become one Mul, one Add or both.
void merge_scales(graph::Model& model, PassLog& log);
/// Scales and shifts by constants per channel fold into the weights after them.
void fuse_scale(graph::Model& model, PassLog& log);
/// BatchNormalization, and scale and shift by constants per channel, fold into the weights before them.
void fuse_batch_normalization(graph::Model& model, PassLog& log);
/// An Add of constants per output channel becomes the bias of the node before it.
void fuse_bias(graph::Model& model, PassLog& log);
/// Relu and Clip become the clamp of the node before them.
void fuse_activation(graph::Model& model, PassLog& log);
/// An operator between DequantizeLinear and QuantizeLinear becomes the operator on quantized tensors.
void quantize(graph::Model& model, PassLog& log);
/// A DynamicQuantizeLinear, a product of its integers with constants, and the scales after it become a
/// DynamicQuantize of rows and a DynamicFullyConnected. So do layers whose weights are stored in 4 bits.
void quantize_dynamically(graph::Model& model, PassLog& log);
/// All quantized activations of a graph get one 8-bit type: s8, or u8 if weights are asymmetric.
void unify_quantized_types(graph::Model& model, PassLog& log);
/// Element-wise nodes that compute an 8-bit value from one other 8-bit value become a LookupTable, to the bit.
void tabulate(graph::Model& model, PassLog& log);
/// Drops what nobody reads and brings nodes into running order.
void remove_dead(graph::Model& model, PassLog& log);

}  // namespace lithe::passes
