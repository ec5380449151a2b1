// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/permutation.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "tools/passes/node.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {

bool is_identity(const Permutation& p) { return std::is_sorted(p.begin(), p.end()); }

Permutation inverse(const Permutation& p) {
  Permutation result(p.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    result[static_cast<std::size_t>(p[i])] = static_cast<std::int32_t>(i);
  return result;
}

Permutation compose(const Permutation& first, const Permutation& second) {
  Permutation result(second.size());
  for (std::size_t i = 0; i < second.size(); ++i) result[i] = first[static_cast<std::size_t>(second[i])];
  return result;
}

namespace {
constexpr std::string_view transpose = "Transpose";
}

bool is_transpose(const Node& node) { return is(node, transpose); }

int transpose_above(Rewriter& rewriter, ValueId v) { return rewriter.producer(v, transpose); }

std::optional<Permutation> permutation_of(const Graph& graph, const Node& node) {
  const auto ints = ints_attribute(node, "permutation");
  const auto rank = rank_of(graph.value(node.inputs[0]));
  if (ints.empty() && !rank) return std::nullopt;
  Permutation p(ints.empty() ? static_cast<std::size_t>(*rank) : ints.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    p[i] = static_cast<std::int32_t>(ints.empty() ? static_cast<std::int64_t>(p.size() - 1 - i) : ints[i]);
  if (rank && static_cast<std::size_t>(*rank) != p.size()) return std::nullopt;
  Permutation all(p.size());
  std::iota(all.begin(), all.end(), 0);
  return std::is_permutation(p.begin(), p.end(), all.begin()) ? std::optional(p) : std::nullopt;
}

Dims permuted(const Dims& dims, const Permutation& p) {
  Dims result(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) result[i] = dims[static_cast<std::size_t>(p[i])];
  return result;
}

bool is_free_transpose(const Graph& graph, const Node& node) {
  const auto& dims = graph.value(node.inputs[0]).dims;
  const auto p = permutation_of(graph, node);
  if (!dims || !p) return false;
  std::int32_t last = -1;
  for (std::int32_t axis : *p) {
    if ((*dims)[static_cast<std::size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

void take_name(Value& to, const Value& from, const Permutation& p) {
  if (!to.onnx_name.empty() || from.onnx_name.empty()) return;
  to.onnx_name = from.onnx_name;
  to.permutation.assign(p.size(), 0);
  for (std::size_t i = 0; i < p.size(); ++i)
    to.permutation[static_cast<std::size_t>(p[i])] =
        from.permutation.empty() ? static_cast<std::uint8_t>(i) : from.permutation[i];
  if (std::is_sorted(to.permutation.begin(), to.permutation.end())) to.permutation.clear();
}

}  // namespace lithe::passes
