// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"

namespace lithe::passes {
namespace {

/// Cast(MatMul(y - its zero point, w)) * (y's scale * w's), y quantized by DynamicQuantizeLinear.
struct Product {
  int multiply = -1, cast = -1, matmul = -1, quantizer = -1;
  ConstantPtr weights;  ///< s32 [K, N], centered
  ConstantPtr scales;   ///< one, or one per column
  bool fits = true;     ///< the weights fit s8
};

/// The DynamicQuantizeLinear of which `v` is the output `o`, widened to s32 where `widened`; or -1.
int dynamic_quantizer(Rewriter& rewriter, ValueId v, int o, bool widened) {
  if (widened) {
    const int cast = rewriter.producer(v, "Cast");
    if (cast < 0 || rewriter.value(v).dtype != DType::s32) return -1;
    v = rewriter.node(cast).inputs[0];
  }
  const int n = rewriter.producer(v, Coding::quantizes_by_range);
  if (n < 0) return -1;
  const auto& outputs = rewriter.node(n).outputs;
  return static_cast<int>(outputs.size()) > o && outputs[static_cast<std::size_t>(o)] == v ? n : -1;
}

/// The quantizer whose output, less its zero point, is `v`; or -1.
int centered_quantizer(Rewriter& rewriter, ValueId v) {
  const int sub = rewriter.producer(v, "Sub");
  if (sub < 0) return -1;
  const int n = dynamic_quantizer(rewriter, rewriter.node(sub).inputs[0], 0, true);
  return n >= 0 && dynamic_quantizer(rewriter, rewriter.node(sub).inputs[1], 2, true) == n ? n : -1;
}

/// The constant by which `v` is the scale of quantizer `n`; or null.
ConstantPtr weights_scale(Rewriter& rewriter, ValueId v, int n) {
  const int mul = rewriter.producer(v, "Mul");
  if (mul < 0) return nullptr;
  for (std::size_t i : {0U, 1U})
    if (dynamic_quantizer(rewriter, rewriter.node(mul).inputs[i], 1, false) == n)
      return rewriter.value(rewriter.node(mul).inputs[1 - i]).constant;
  return nullptr;
}

std::optional<Product> find_product(Rewriter& rewriter, int n, PassLog& log) {
  if (!is(rewriter.node(n), "Mul") || clamp_attribute(rewriter.node(n)).active()) return std::nullopt;
  for (std::size_t i : {0U, 1U}) {
    const ValueId real = rewriter.node(n).inputs[i], scale = rewriter.node(n).inputs[1 - i];
    Product p{n, rewriter.producer(real, "Cast"), -1, -1, nullptr, nullptr};
    if (p.cast < 0 || rewriter.value(real).dtype != DType::f32 || rewriter.uses(real) != 1) continue;
    const ValueId sums = rewriter.node(p.cast).inputs[0];
    p.matmul = rewriter.producer(sums, "MatMul");
    if (p.matmul < 0 || rewriter.uses(sums) != 1) continue;
    const Node& matmul = rewriter.node(p.matmul);
    p.quantizer = centered_quantizer(rewriter, matmul.inputs[0]);
    if (p.quantizer < 0 || !matmul.attributes.empty()) continue;
    const auto miss = [&](const char* reason) {
      log.near_miss(graph::node_title(rewriter.graph(), matmul) + " stays a product of s32: " + reason);
      return std::nullopt;
    };
    p.weights = rewriter.value(matmul.inputs[1]).constant;
    if (!p.weights || p.weights->shape.rank() != 2) return miss("its weights are no constant matrix");
    p.scales = weights_scale(rewriter, scale, p.quantizer);
    const index_t columns = p.weights->shape[1];
    if (!p.scales || p.scales->dtype != DType::f32 || p.scales->shape.rank() > 1 ||
        (p.scales->shape.elements() != 1 && p.scales->shape.elements() != columns))
      return miss("its scale is not the input's times one for all columns or one for each");
    const auto all = p.scales->as<float>();
    if (!std::all_of(all.begin(), all.end(), [](float s) { return s > 0 && s < 3e38F; }))
      return miss("a scale of its weights is not positive");
    const auto elements = p.weights->as<std::int32_t>();
    p.fits = std::all_of(elements.begin(), elements.end(), [](auto e) { return e >= -128 && e <= 127; });
    return p;
  }
  return std::nullopt;
}

/// [K, N] of s32 as the filter [N, K] of s8.
ValueId filter_of(Rewriter& rewriter, const Product& p) {
  const index_t k = p.weights->shape[0], n = p.weights->shape[1];
  std::vector<std::int8_t> filter(static_cast<std::size_t>(k * n));
  const auto elements = p.weights->as<std::int32_t>();
  for (index_t i = 0; i < k; ++i)
    for (index_t j = 0; j < n; ++j)
      filter[static_cast<std::size_t>(j * k + i)] =
          static_cast<std::int8_t>(elements[static_cast<std::size_t>(i * n + j)]);
  Value value;
  value.name = rewriter.value(rewriter.node(p.matmul).inputs[1]).name + "/quantized";
  value.dtype = DType::s8;
  value.dims = Dims{n, k};
  value.constant = graph::make_constant<std::int8_t>(Shape{n, k}, filter);
  const index_t count = p.scales->shape.elements();
  value.quantization = ValueQuantization{reshaped(*p.scales, Shape{count}), nullptr, count == 1 ? -1 : 0, 0};
  return rewriter.add_value(std::move(value));
}

/// The Add of constants [N] that alone reads `v`, and the constants; or -1.
std::pair<int, ValueId> bias_behind(Rewriter& rewriter, ValueId v, index_t n) {
  if (rewriter.uses(v) != 1 || rewriter.readers(v).empty()) return {-1, absent};
  const auto reader = rewriter.readers(v)[0];
  const Node& node = rewriter.node(reader.node);
  if (!is(node, "Add") || clamp_attribute(node).active()) return {-1, absent};
  const ValueId added = node.inputs[static_cast<std::size_t>(1 - reader.input)];
  const Constant* constant = rewriter.graph().constant(added);
  if (constant == nullptr || constant->dtype != DType::f32 || constant->shape != Shape{n})
    return {-1, absent};
  return {reader.node, added};
}

/// The weights as the real filter [N, K].
ValueId real_filter_of(Rewriter& rewriter, const Product& p) {
  const index_t k = p.weights->shape[0], n = p.weights->shape[1];
  std::vector<double> filter(static_cast<std::size_t>(k * n));
  const auto elements = p.weights->as<std::int32_t>();
  const auto scales = p.scales->as<float>();
  for (index_t i = 0; i < k; ++i)
    for (index_t j = 0; j < n; ++j)
      filter[static_cast<std::size_t>(j * k + i)] =
          static_cast<double>(elements[static_cast<std::size_t>(i * n + j)]) *
          scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(j)];
  return rewriter.add_constant(make_numbers(DType::f32, Shape{n, k}, filter),
                               rewriter.value(rewriter.node(p.matmul).inputs[1]).name + "/real");
}

/// The layer that gives what the product, its scales and the bias after them gave.
void replace(Rewriter& rewriter, const Product& p) {
  const ValueId x = rewriter.node(p.quantizer).inputs[0];
  Node layer;
  if (p.fits) {
    const auto [rows, steps] = quantize_rows(rewriter, x, p.quantizer);
    layer = make_node("DynamicFullyConnected", {rows, filter_of(rewriter, p), absent, steps}, {}, {});
  } else {
    layer = make_node("FullyConnected", {x, real_filter_of(rewriter, p)}, {}, {});
  }
  for (int n : {p.matmul, p.cast, p.multiply}) append_names(layer, rewriter.node(n));
  int last = p.multiply;
  const auto [add, bias] = bias_behind(rewriter, rewriter.node(p.multiply).outputs[0], p.weights->shape[1]);
  if (add >= 0) {
    append_names(layer, rewriter.node(add));
    layer.inputs.resize(std::max<std::size_t>(layer.inputs.size(), 3), absent);
    layer.inputs[2] = bias;
    last = add;
  }
  layer.outputs = {rewriter.node(last).outputs[0]};
  rewriter.remove_node(last);
  if (last != p.multiply) rewriter.remove_unread(p.multiply);
  rewriter.add_node(std::move(layer), p.matmul);
  rewriter.remove_unread(p.cast);
}

/// Whether blocks of a filter's K can run as such: XNNPACK's qb4w.
bool usable_blocks(std::int64_t block, index_t k) { return block % 32 == 0 && k % block == 0; }

/// Scales of a filter [N, K] as its quantization says them; nullopt for forms that no kernel has. Those of
/// blocks become bf16, which qb4w has.
std::optional<ValueQuantization> quantization_of_filter(const Node& node, const Constant& scales, index_t k) {
  const std::int64_t block = int_attribute(node, "block_size", 0);
  const auto numbers = doubles_of(&scales);
  if (!numbers ||
      !std::all_of(numbers->begin(), numbers->end(), [](double s) { return s > 1e-37 && s < 1e37; }))
    return std::nullopt;
  const Shape count{scales.shape.elements()};
  const int axis = normalize_axis(int_attribute(node, "axis", 1), 2);
  const bool single = scales.shape.elements() == 1;
  if (block == 0 && (single || axis == 0))
    return ValueQuantization{make_numbers(DType::f32, count, *numbers), nullptr, single ? -1 : 0, 0};
  if (block == 0 || axis != 1 || !usable_blocks(block, k)) return std::nullopt;
  return ValueQuantization{make_numbers(DType::bf16, count, *numbers), nullptr, 1,
                           static_cast<index_t>(block)};
}

/// A layer of real numbers whose weights are stored in 4 bits around 0.
bool use_four_bits(Rewriter& rewriter, int n, PassLog& log) {
  if (!is(rewriter.node(n), "FullyConnected")) return false;
  const Node layer = rewriter.node(n);
  const int above = rewriter.producer(layer.inputs[1], Coding::dequantizes);
  if (above < 0 || !is_dequantized_constant(rewriter, layer.inputs[1])) return false;
  const Node weights = rewriter.node(above);
  const Constant* stored = rewriter.graph().constant(weights.inputs[0]);
  if (stored->dtype != DType::s4 && stored->dtype != DType::u4) return false;
  const auto miss = [&](const char* reason) {
    log.near_miss(graph::node_title(rewriter.graph(), layer) + " is not quantized by rows: " + reason);
    return false;
  };
  if (rewriter.value(layer.inputs[0]).dtype != DType::f32) return miss("its input is not f32");
  if (rewriter.producer(layer.inputs[0], Coding::dequantizes) >= 0) return miss("its input is quantized");
  if (stored->dtype == DType::u4 || input(weights, 2) >= 0) return miss("its weights have zero points");
  if (input(layer, 2) >= 0 && !rewriter.value(layer.inputs[2]).constant) return miss("its bias is computed");
  const index_t k = stored->shape[1];
  auto quantization = quantization_of_filter(weights, *rewriter.graph().constant(weights.inputs[1]), k);
  if (k % 2 != 0 || !quantization)
    return miss("its weights have an odd K, or blocks that are no multiples of 32 or do not divide K");
  Value filter = rewriter.value(weights.inputs[0]);
  filter.name += "/quantized";
  filter.onnx_name.clear();
  filter.quantization = std::move(quantization);
  make_dynamic(rewriter, n, std::move(filter));
  rewriter.remove_unread(above);
  log.changed(graph::node_title(rewriter.graph(), layer) + " runs on rows of s8 and weights of 4 bits");
  return true;
}

}  // namespace

void quantize_dynamically(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) {
    if (use_four_bits(rewriter, n, log)) return;
    const auto product = find_product(rewriter, n, log);
    if (!product) return;
    const std::string name = graph::node_title(rewriter.graph(), rewriter.node(product->matmul));
    replace(rewriter, *product);
    log.changed(name + (product->fits ? " runs on rows of s8 that are quantized one by one"
                                      : " runs in f32: its weights less their zero point do not fit 8 bits"));
  });
}

}  // namespace lithe::passes
