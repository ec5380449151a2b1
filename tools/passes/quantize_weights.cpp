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
#include "tools/graph/operators.hpp"
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

/// In s8 with a scale for each index of `axis`.
Value eight_bits(const Constant& filter, int axis) {
  const Shape& shape = filter.shape;
  const index_t channels = shape[axis], inner = shape.product(axis + 1, shape.rank());
  const auto w = filter.as<float>();
  const auto channel = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<index_t>(i) / inner % channels);
  };
  std::vector<double> steps(static_cast<std::size_t>(channels), 0);
  for (std::size_t i = 0; i < w.size(); ++i)
    steps[channel(i)] = std::max<double>(steps[channel(i)], std::fabs(w[i]));
  for (double& step : steps) step = step > 1e-35 ? static_cast<float>(step) / 127 : 1;
  std::vector<std::int8_t> stored;
  for (std::size_t i = 0; i < w.size(); ++i)
    stored.push_back(static_cast<std::int8_t>(
        std::clamp(std::nearbyint(w[i] / static_cast<float>(steps[channel(i)])), -127.F, 127.F)));
  Value value;
  value.dtype = DType::s8;
  value.constant = graph::make_constant<std::int8_t>(shape, stored);
  value.quantization = ValueQuantization{make_numbers(DType::f32, Shape{channels}, steps), nullptr,
                                         channels == 1 ? -1 : axis, 0};
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

/// Whether steps of 1/127 of the largest are numbers.
bool can_be_stored(const Constant& weights) {
  const auto w = weights.as<float>();
  return std::all_of(w.begin(), w.end(), [](float x) { return std::fabs(x) < 1e35F; });
}

/// A layer whose kernels widen weights of 8 bits.
void store_weights(Rewriter& rewriter, int n, int bits, WeightedLayers& layers, PassLog& log) {
  const Node layer = rewriter.node(n);
  const StoredWeights form = graph::facts_of(layer).stored_weights;
  if (form.count == 0) return;
  index_t elements = 0;
  for (int i = form.first; i < form.first + form.count; ++i) {
    const ConstantPtr& weights = rewriter.value(layer.inputs[static_cast<std::size_t>(i)]).constant;
    if (!weights || weights->dtype != DType::f32 || !can_be_stored(*weights)) return;
    elements += weights->shape.elements();
  }
  const std::string title = graph::node_title(rewriter.graph(), layer);
  if (elements < fewest_weights) {
    log.near_miss(title + " keeps its weights: they are few");
    return;
  }
  for (int i = form.first; i < form.first + form.count; ++i) {
    const ValueId old = layer.inputs[static_cast<std::size_t>(i)];
    const ConstantPtr weights = rewriter.value(old).constant;
    Value stored = eight_bits(*weights, form.axis);
    stored.name = rewriter.value(old).name + "/quantized";
    stored.dims = Dims(weights->shape.dims().begin(), weights->shape.dims().end());
    rewriter.set_input(n, i, rewriter.add_value(std::move(stored)));
  }
  log.changed(title + " has weights of 8 bits");
  ++layers.all;
  if (bits == 4) layers.wider.push_back(title);
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
  if (!can_be_stored(*filter)) return;
  const bool four = bits == 4 && filter->shape[1] % block == 0;
  Value stored = four ? four_bits(*filter) : eight_bits(*filter, 0);
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
  for_each_node(model, [&](Rewriter& rewriter, int n) {
    store_weights(rewriter, n, bits, layers, log);
    quantize_layer(rewriter, n, bits, layers, log);
  });
  return layers;
}

}  // namespace lithe::passes
