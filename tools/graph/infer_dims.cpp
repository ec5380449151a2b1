// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/infer_dims.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "lithe/format/reader.hpp"
#include "tools/graph/bound_node.hpp"

namespace lithe::graph {

namespace {

/// What `infer` says of an output when every dimension that is not fixed is `guess`.
std::optional<InferContext::Output> probe(const Graph& graph, const Node& node, std::size_t output,
                                          std::int64_t guess) {
  BoundNode bound(graph, node);
  for (std::size_t i = 0; i < bound.inputs.size(); ++i) {
    if (bound.shape_known[i]) continue;
    Dims dims = *graph.value(node.inputs[i]).dims;
    for (auto& d : dims)
      if (d < 0) d = guess;
    auto& tensor = bound.inputs[i].tensor;
    tensor =
        TensorView(nullptr, tensor.dtype, Shape(std::span<const std::int64_t>(dims)), tensor.quantization);
  }
  if (!bound.infer(std::numeric_limits<std::uint64_t>::max()).ok()) return std::nullopt;
  return bound.outputs[output];
}

/// What an operator's rule says of an output while dimensions of its inputs are open.
struct Probed {
  Dims dims;                  ///< fixed where every guess, from 0 to a large one, gives the same, else -1
  std::vector<bool> follows;  ///< as large as the guess, whatever it is
  bool rank_varies = false;   ///< as that of a Squeeze without axes
  bool certain = true;        ///< several guesses were answered, the last one too
};

/// 64 is wide enough for most windows, 1 fits what broadcasts, 0 tells what is cut from what is fixed, and
/// the last one is beyond any stride and most cuts.
constexpr std::int64_t guesses[] = {64, 1, 3, 0, 1 << 14};

std::optional<Probed> probe_dims(const Graph& graph, const Node& node, std::size_t output) {
  std::optional<Probed> result;
  int answers = 0;
  std::int64_t last = -1;
  for (const std::int64_t guess : guesses) {
    const auto answer = probe(graph, node, output, guess);
    if (!answer) continue;
    const auto dims = answer->shape.dims();
    if (!result) result = Probed{Dims(dims.begin(), dims.end()), std::vector<bool>(dims.size(), true)};
    result->rank_varies = result->rank_varies || dims.size() != result->dims.size();
    if (dims.size() != result->dims.size()) continue;
    ++answers;
    last = guess;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != result->dims[i] || answer->extent != Extent::exact) result->dims[i] = -1;
      if (dims[i] != guess) result->follows[i] = false;
    }
  }
  if (result && (answers == 1 || last != *std::rbegin(guesses))) {
    result->dims.assign(result->dims.size(), -1);
    result->certain = false;
  }
  return result;
}

/// What follows from the inputs without any number being known: a permutation, or a shape of known length.
std::optional<Dims> symbolic_dims(const Graph& graph, const Node& node) {
  const auto dims = [&](std::size_t i) -> const std::optional<Dims>& {
    return graph.value(node.inputs[i]).dims;
  };
  const auto numbers = [&](std::size_t i) -> std::optional<std::size_t> {  // elements of a vector
    if (i >= node.inputs.size() || node.inputs[i] == absent || !dims(i) || dims(i)->size() != 1 ||
        (*dims(i))[0] < 0)
      return std::nullopt;
    return static_cast<std::size_t>((*dims(i))[0]);
  };
  if (node.op == "Transpose" && dims(0)) {
    Dims result(dims(0)->rbegin(), dims(0)->rend());
    const auto permutation = node.attributes.find("permutation");
    if (permutation == node.attributes.end()) return result;
    const auto& axes = permutation->second.ints;
    if (axes.size() != result.size()) return std::nullopt;
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (axes[i] < 0 || static_cast<std::size_t>(axes[i]) >= axes.size()) return std::nullopt;
      result[i] = (*dims(0))[static_cast<std::size_t>(axes[i])];
    }
    return result;
  }
  const bool reshape = node.op == "Reshape";
  if (reshape || node.op == "ConstantOfShape")
    if (const auto rank = numbers(reshape ? 1 : 0); rank && *rank <= max_rank) return Dims(*rank, -1);
  return std::nullopt;
}

/// Puts right what is said of a value by what its producer's rule says: fixed dimensions hold, symbols are
/// kept unless `symbols_known` and the rule contradicts them (ONNX's inference keeps the symbol of an axis
/// that Slice-10 cuts).
void correct(Dims& said, const Probed& probed, bool symbols_known) {
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (probed.dims[i] >= 0)
      said[i] = probed.dims[i];
    else if (symbol_of(said[i]) >= 0 && symbols_known && !probed.follows[i])
      said[i] = -1;
  }
}

/// The dims of a value that nothing else is said of: those that are as large as the only open dimension of the inputs
/// have its symbol.
Dims with_symbol(const Probed& probed, std::int64_t symbol) {
  Dims dims = probed.dims;
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (dims[i] == -1 && probed.follows[i] && probed.certain && !probed.rank_varies) dims[i] = symbol;
  return dims;
}

/// Gives outputs what the dims of the inputs say while some are open, at least the rank.
void infer_open_dims(Graph& graph, const Node& node) {
  std::set<std::int64_t> symbols;
  std::size_t unknown = 0;
  for (ValueId id : node.inputs) {
    if (id == absent || graph.value(id).constant) continue;
    const auto& dims = graph.value(id).dims;
    if (!dims) return;
    for (const std::int64_t d : *dims) {
      if (d == -1) ++unknown;
      if (symbol_of(d) >= 0) symbols.insert(d);
    }
  }
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    if (node.outputs[o] == absent) continue;
    auto& known = graph.value(node.outputs[o]).dims;
    auto probed = probe_dims(graph, node, o);
    if (probed && symbols.size() + unknown > 1)  // they may differ, and a guess is one for all
      probed->dims.assign(probed->dims.size(), -1);
    const bool other_rank = known && probed && probed->dims.size() != known->size();
    if (!known || (other_rank && !probed->rank_varies)) {
      if (probed)
        known = symbols.size() == 1 && unknown == 0 ? with_symbol(*probed, *symbols.begin()) : probed->dims;
      if (auto exact = symbolic_dims(graph, node); exact && (!known || known->size() == exact->size()))
        known = std::move(exact);
    } else if (probed && !other_rank) {
      correct(*known, *probed, unknown == 0);
    }
  }
}

}  // namespace

Status infer_dims(Graph& graph, const Node& node) {
  BoundNode bound(graph, node);
  LITHE_TRY(bound.status());
  if (bound.kernel()->op->spec->subgraphs > 0) return {};
  const bool known_shapes = bound.shapes_known();
  const Status status = known_shapes ? bound.infer() : Status{};
  if (!known_shapes || status.code() == Code::needs_value) {
    infer_open_dims(graph, node);
    return {};
  }
  LITHE_TRY(status);
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    if (node.outputs[o] == absent) continue;
    const auto dims = bound.outputs[o].shape.dims();
    auto& known = graph.value(node.outputs[o]).dims;
    if (bound.outputs[o].extent == Extent::exact)
      known.emplace(dims.begin(), dims.end());
    else if (!known)
      known.emplace(dims.size(), -1);
  }
  return {};
}

void infer_dims(Graph& graph) {
  for (const Node& node : graph.nodes) (void)infer_dims(graph, node).ok();
}

}  // namespace lithe::graph
