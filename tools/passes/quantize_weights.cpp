// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/quantize_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lithe/core/half.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {
namespace {

constexpr index_t block = weights_per_block;

/// The step for `w` that is stored in [-most - extra, most] with the least squared error, among steps around
/// the one that the largest weight asks for.
float best_step(std::span<const float> w, float most, float extra, float (*rounded)(float)) {
  float largest = 0;
  for (float x : w) largest = std::max(largest, std::fabs(x));
  if (largest == 0) return 1;
  float best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= 16; ++i) {
    const float step = rounded(largest / (most + extra) * (1.0F + 0.02F * static_cast<float>(i - 6)));
    if (!(step > 1e-37F)) continue;
    double error = 0;
    for (float x : w) {
      const float stored = std::clamp(std::nearbyint(x / step), -most - extra, most);
      error += (static_cast<double>(x) - stored * step) * (static_cast<double>(x) - stored * step);
    }
    if (error < least) {
      least = error;
      best = step;
    }
  }
  return best == 0 ? 1 : best;
}

/// [N, K] in s8 with a scale for each row.
Value eight_bits(const Constant& filter) {
  const index_t n = filter.shape[0], k = filter.shape[1];
  const auto w = filter.as<float>();
  std::vector<std::int8_t> stored;
  std::vector<double> steps;
  for (index_t row = 0; row < n; ++row) {
    const auto values = w.subspan(static_cast<std::size_t>(row * k), static_cast<std::size_t>(k));
    float largest = 0;
    for (float x : values) largest = std::max(largest, std::fabs(x));
    const float step = largest > 1e-35F ? largest / 127 : 1;
    steps.push_back(step);
    for (float x : values)
      stored.push_back(static_cast<std::int8_t>(std::clamp(std::nearbyint(x / step), -127.F, 127.F)));
  }
  Value value;
  value.dtype = DType::s8;
  value.constant = graph::make_constant<std::int8_t>(filter.shape, stored);
  value.quantization =
      ValueQuantization{make_numbers(DType::f32, Shape{n}, steps), nullptr, n == 1 ? -1 : 0, 0};
  return value;
}

/// [N, K] in s4 with a scale of bf16 for each block of 32 along K.
Value four_bits(const Constant& filter) {
  const index_t n = filter.shape[0], k = filter.shape[1];
  const auto w = filter.as<float>();
  auto stored = std::make_shared<Constant>();
  stored->dtype = DType::s4;
  stored->shape = filter.shape;
  std::vector<double> steps;
  for (index_t first = 0; first < n * k; first += block) {
    const auto values = w.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(block));
    const float step = best_step(values, 7, 1, [](float s) { return static_cast<float>(bfloat16(s)); });
    steps.push_back(step);
    const auto four = [&](std::size_t i) {
      return static_cast<std::uint8_t>(
          static_cast<int>(std::clamp(std::nearbyint(values[i] / step), -8.F, 7.F)) & 15);
    };
    for (std::size_t i = 0; i < values.size(); i += 2)
      stored->bytes.push_back(static_cast<std::byte>(four(i) | four(i + 1) << 4));
  }
  Value value;
  value.dtype = DType::s4;
  value.constant = stored;
  value.quantization =
      ValueQuantization{make_numbers(DType::bf16, Shape{n * (k / block)}, steps), nullptr, 1, block};
  return value;
}

void quantize_layer(Rewriter& rewriter, int n, int bits, WeightedLayers& layers, PassLog& log) {
  const Node layer = rewriter.node(n);
  if (!is(layer, "FullyConnected") || rewriter.value(layer.inputs[0]).dtype != DType::f32) return;
  const ConstantPtr filter = rewriter.value(layer.inputs[1]).constant;
  const bool bias = input(layer, 2) >= 0;
  if (!filter || (bias && !rewriter.value(layer.inputs[2]).constant) ||
      filter->shape.elements() < fewest_weights) {
    log.near_miss(graph::node_title(rewriter.graph(), layer) +
                  " keeps its weights: they are computed, or few");
    return;
  }
  const auto w = filter->as<float>();
  if (!std::all_of(w.begin(), w.end(), [](float x) { return std::fabs(x) < 1e35F; })) return;
  const bool four = bits == 4 && filter->shape[1] % block == 0;
  Value stored = four ? four_bits(*filter) : eight_bits(*filter);
  stored.name = rewriter.value(layer.inputs[1]).name + "/quantized";
  stored.dims = Dims(filter->shape.dims().begin(), filter->shape.dims().end());
  make_dynamic(rewriter, n, std::move(stored));
  const std::string title = graph::node_title(rewriter.graph(), layer);
  log.changed(title + " has weights of " + (four ? "4" : "8") + " bits");
  ++layers.all;
  if (bits == 4 && !four) layers.wider.push_back(title);
}

}  // namespace

WeightedLayers quantize_weights(Model& model, int bits, PassLog& log) {
  log.begin("quantize_weights");
  WeightedLayers layers;
  for_each_node(model, [&](Rewriter& rewriter, int n) { quantize_layer(rewriter, n, bits, layers, log); });
  return layers;
}

}  // namespace lithe::passes
