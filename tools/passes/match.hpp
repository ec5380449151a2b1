// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"

/// What passes share: small questions about nodes, values, constants and permutations.
namespace lithe::passes {

using Permutation = std::vector<std::int32_t>;

// attributes
std::int64_t int_attribute(const Node& node, const char* name, std::int64_t fallback);
std::vector<std::int64_t> ints_attribute(const Node& node, const char* name,
                                         const std::vector<std::int64_t>& fallback = {});
void set_int(Node& node, const char* name, std::int64_t value, std::int64_t fallback);
void set_ints(Node& node, const char* name, std::span<const std::int64_t> values);
Clamp clamp_attribute(const Node& node);
void set_clamp(Node& node, const Clamp& clamp);
Node make_node(std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
               std::vector<std::string> onnx_names = {});
/// `into` also stands for the ONNX nodes of `other`, before or after its own.
void append_names(Node& into, const Node& other);
void prepend_names(Node& into, const Node& other);
inline bool is(const Node& node, std::string_view op) { return node.op == op; }
bool is_any(const Node& node, std::initializer_list<std::string_view> ops);
inline ValueId input(const Node& node, int i) {
  return i < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<std::size_t>(i)] : absent;
}
/// The node for people: its ONNX names, or its operator and output.
std::string title(const Graph& graph, const Node& node);

// values
std::optional<int> rank_of(const Value& value);
bool is_floating(DType dtype);    ///< f32, f16, bf16, f64
bool is_quantized8(DType dtype);  ///< s8, u8
bool is_quantizing(const Node& node);
/// DequantizeLinear of constants only.
bool is_dequantized_constant(Rewriter& rewriter, ValueId v);
/// A value that channels-last rewriting reached through permutation `p` (axis i of `from` is axis p[i] of the
/// new one) takes over the ONNX name.
void take_name(Value& to, const Value& from, const Permutation& p);

/// Convolutions, transposed and depthwise ones too, and FullyConnected: input, filter and bias.
bool is_weighted(const Node& node);
/// Such a node with constant weights and a channel per output.
struct Weighted {
  int node = -1;
  ConstantPtr filter;
  index_t channels = 0;
  /// The output channel of filter element `i`.
  index_t channel(std::int64_t i) const;
  bool depthwise = false;
};
/// The weighted node that produces `v`, if `v` has no other reader and nothing is clamped before; the reason
/// if not. `what` describes the node that wants to fuse with it.
std::optional<Weighted> weighted_producer(Rewriter& rewriter, ValueId v, const std::string& what,
                                          PassLog& log);
/// Node `n` disappears: its producer `into` gives its output, under both names.
void absorb(Rewriter& rewriter, int into, int n);

// constants, bare or behind a DequantizeLinear
/// The stored elements of a constant or of a dequantized constant (per tensor or per axis, not by block);
/// else null.
ConstantPtr stored_constant(Rewriter& rewriter, ValueId v);
/// The axis of its scales when `v` is a dequantized constant with one per index of an axis, else -1.
int stored_axis(Rewriter& rewriter, ValueId v);
/// `v` with other stored elements: a constant, or a DequantizeLinear of one whose scales lie along `axis`.
ValueId with_stored(Rewriter& rewriter, ValueId v, ConstantPtr elements, int axis, int near);
/// `v` as a vector [n] when it holds one number per index of the last of `rank` axes, or one for all; else
/// absent.
ValueId as_channel_vector(Rewriter& rewriter, ValueId v, int rank, index_t n, int near);

// constants
std::optional<std::vector<std::int64_t>> ints_of(const Constant* constant);
/// Elements widened to double; nullopt for dtypes that are not numbers of at least a byte.
std::optional<std::vector<double>> doubles_of(const Constant* constant);
std::optional<double> scalar_of(const Constant* constant);
/// Elements rounded once to a floating-point or integer dtype.
ConstantPtr make_numbers(DType dtype, const Shape& shape, std::span<const double> elements);
ConstantPtr make_ints(std::span<const std::int64_t> values);
ConstantPtr reshaped(const Constant& constant, const Shape& shape);
/// Axis i of the result is axis p[i]; null for sub-byte dtypes.
ConstantPtr transposed(const Constant& constant, const Permutation& p);
bool same_contents(const ConstantPtr& a, const ConstantPtr& b);

// permutations
bool is_identity(const Permutation& p);
Permutation inverse(const Permutation& p);
/// Axis i is axis first[second[i]]: `second` after `first`.
Permutation compose(const Permutation& first, const Permutation& second);
/// The permutation of a Transpose node; nullopt where the rank is unknown.
std::optional<Permutation> permutation_of(const Graph& graph, const Node& node);
Dims permuted(const Dims& dims, const Permutation& p);

}  // namespace lithe::passes
