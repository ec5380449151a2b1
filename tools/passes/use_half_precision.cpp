// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/use_half_precision.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lithe/core/half.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {

namespace {

/// Whether the operator runs when all its f32 values are f16.
bool takes_half(const Graph& g, const Node& node) {
  const KernelEntry* kernel = graph::find_kernel(node.op, node.version);
  if (kernel == nullptr || !node.subgraphs.empty()) return false;
  if (is_quantizing(node) || graph::spec_of(node).converts) return false;  // not worth it
  auto halved = [&](const std::vector<ValueId>& ids) {
    std::vector<DType> dtypes;
    for (ValueId v : ids)
      dtypes.push_back(v == absent                      ? DType::none
                       : g.value(v).dtype == DType::f32 ? DType::f16
                                                        : g.value(v).dtype);
    return dtypes;
  };
  const std::vector<DType> in = halved(node.inputs), out = halved(node.outputs);
  const bool floats = std::find(in.begin(), in.end(), DType::f16) != in.end() ||
                      std::find(out.begin(), out.end(), DType::f16) != out.end();
  const auto rows = kernel->op->types;
  return floats &&
         std::any_of(rows.begin(), rows.end(), [&](const TypeRow& row) { return matches(row, in, out); });
}

bool vanishes(float v) { return v != 0 && static_cast<float>(half(v)) == 0; }

/// Whether a node adds a number to its input, or bounds it by one, that is 0 in f16: as 1e-9 guards a
/// division.
bool guards(const Graph& g, const Node& node) {
  if (const auto clamp = node.attributes.find("clamp");
      clamp != node.attributes.end() && vanishes(clamp->second.floats[0]))
    return true;
  return (node.op == "Add" || node.op == "Max") &&
         std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
           const Constant* c = g.constant(v);
           return c != nullptr && c->dtype == DType::f32 && c->shape.elements() == 1 &&
                  vanishes(c->as<float>()[0]);
         });
}

/// Whether a node adds or subtracts a constant that f16 holds too coarsely for sums around 1, as where inputs are
/// centered. A mask may be coarse.
bool shifts_much(const Graph& g, const Node& node) {
  constexpr double largest_shift = 8;
  return (node.op == "Add" || node.op == "Sub") &&
         std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
           const auto numbers = doubles_of(g.constant(v));
           return numbers && !is_mask(*numbers) &&
                  std::any_of(numbers->begin(), numbers->end(),
                              [&](double s) { return std::fabs(s) > largest_shift; });
         });
}

/// The values that may be too small for f16, though not 0: guarded ones, and what depends on these alone (a
/// square root, a reciprocal).
class TinyValues {
 public:
  explicit TinyValues(const Graph& g) {
    for (const Node& node : g.nodes) {
      const auto other = [&](ValueId v) {
        return v != absent && g.constant(v) == nullptr && !tiny_.contains(v);
      };
      if (guards(g, node) || (touch(node) && std::none_of(node.inputs.begin(), node.inputs.end(), other)))
        tiny_.insert(node.outputs.begin(), node.outputs.end());
    }
  }
  /// Whether the node makes or reads one.
  bool touch(const Node& node) const {
    const auto tiny = [&](ValueId v) { return v != absent && tiny_.contains(v); };
    return std::any_of(node.inputs.begin(), node.inputs.end(), tiny) ||
           std::any_of(node.outputs.begin(), node.outputs.end(), tiny);
  }

 private:
  std::set<ValueId> tiny_;
};

/// The f16 or f32 twin of each value, made when it is first asked for.
class Twins {
 public:
  Twins(Graph& g, std::vector<Node>& nodes) : graph_(g), nodes_(nodes) {}

  /// `id` as `dtype`: a converted constant, or the output of a Cast.
  ValueId as(ValueId id, DType dtype) {
    if (id == absent || graph_.value(id).dtype == dtype) return id;
    if (const auto known = twins_.find(id); known != twins_.end()) return known->second;
    const Value& from = graph_.value(id);
    Value to;
    to.name = from.name + "/" + name(dtype);
    to.dtype = dtype;
    to.dims = from.dims;
    to.permutation = from.permutation;
    if (from.constant && dtype == DType::f16) to.constant = halved(*from.constant);
    const bool cast = !to.constant;
    const ValueId twin = graph_.add_value(std::move(to));
    if (cast) nodes_.push_back(make_node("Cast", {id}, {twin}));
    return twins_[id] = twin;
  }

 private:
  /// Finite numbers stay finite: rows of a mask of -3e38 would be NaN after a Softmax.
  static ConstantPtr halved(const Constant& from) {
    constexpr float largest = 65504;
    std::vector<half> to;
    for (float v : from.as<float>()) to.emplace_back(std::isinf(v) ? v : std::clamp(v, -largest, largest));
    return graph::make_constant<half>(from.shape, to);
  }
  Graph& graph_;
  std::vector<Node>& nodes_;
  std::map<ValueId, ValueId> twins_;
};

}  // namespace

void use_half_precision(Model& model) {
  Graph& g = model.graphs[0];
  const std::set<ValueId> outputs(g.outputs.begin(), g.outputs.end());
  std::vector<Node> nodes;
  Twins twins(g, nodes);
  const TinyValues tiny(g);
  for (Node node : std::vector<Node>(g.nodes)) {
    const bool half_precision = takes_half(g, node) && !tiny.touch(node) && !shifts_much(g, node);
    for (ValueId& v : node.inputs)
      if (v != absent && (g.value(v).dtype == DType::f32 || g.value(v).dtype == DType::f16)) {
        const bool was_half = g.value(v).dtype == DType::f16 && !half_precision;
        const bool to_half = g.value(v).dtype == DType::f32 && half_precision;
        if (was_half) v = twins.as(v, DType::f32);
        if (to_half) v = twins.as(v, DType::f16);
      }
    std::vector<std::pair<ValueId, ValueId>> casts;
    if (half_precision)
      for (ValueId& v : node.outputs) {
        if (v == absent || g.value(v).dtype != DType::f32) continue;
        if (!outputs.contains(v)) {
          g.value(v).dtype = DType::f16;
          continue;
        }
        Value inner = g.value(v);
        inner.name += "/f16";
        inner.dtype = DType::f16;
        inner.onnx_name.clear();
        casts.emplace_back(g.add_value(std::move(inner)), v);
        v = casts.back().first;
      }
    nodes.push_back(std::move(node));
    for (const auto& [from, to] : casts) nodes.push_back(make_node("Cast", {from}, {to}));
  }
  g.nodes = std::move(nodes);
}

}  // namespace lithe::passes
