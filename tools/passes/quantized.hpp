// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "tools/passes/rewriter.hpp"

/// What the passes on quantized graphs share.
namespace lithe::passes {

/// One scale and zero point for a tensor of s8 or u8.
struct Step {
  DType dtype = DType::none;
  float scale = 0;
  int zero_point = 0;
  friend bool operator==(const Step&, const Step&) = default;
};

/// The step of a QuantizeLinear or DequantizeLinear node with constant parameters per tensor; else nullopt.
std::optional<Step> step_of(const Graph& graph, const Node& node);
/// The step of a value that carries its quantization.
std::optional<Step> step_of(const Value& value);
ValueQuantization quantization_of(const Step& step);
/// Marks `v` as quantized by `step`. Returns false if it is marked otherwise, or if a node reads its numbers
/// as they are.
bool mark(Rewriter& rewriter, ValueId v, const Step& step);
/// The DequantizeLinear per tensor of a value that produces `v`, or -1.
int dequantizer(Rewriter& rewriter, ValueId v);
/// A QuantizeLinear or DequantizeLinear from `from` to `to` by `step`.
Node make_quantizer(Rewriter& rewriter, std::string_view op, ValueId from, ValueId to, const Step& step);

/// Adds a DynamicQuantize of `x`, near node `near` in running order. Returns its rows of s8 and their steps.
std::pair<ValueId, ValueId> quantize_rows(Rewriter& rewriter, ValueId x, int near);
/// Makes FullyConnected node `n` a DynamicFullyConnected with this filter, over rows of its input.
void make_dynamic(Rewriter& rewriter, int n, Value filter);

}  // namespace lithe::passes
