// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/if.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// What two branches agree on; nothing where their ranks differ.
std::optional<graph::Dims> common(const std::optional<graph::Dims>& a, const std::optional<graph::Dims>& b) {
  if (!a || !b || a->size() != b->size()) return std::nullopt;
  graph::Dims dims = *a;
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != (*b)[i]) dims[i] = -1;
  return dims;
}

/// If-1 to 25: where the condition follows from constants and known dimensions, the branch alone; else what
/// either branch reads from outside becomes an input of the node and of both branches.
void import_if(NodeImport& node) {
  const onnx::GraphProto* then_branch = node.attribute_graph("then_branch");
  const onnx::GraphProto* else_branch = node.attribute_graph("else_branch");
  if (then_branch == nullptr || else_branch == nullptr) node.refuse("If needs then_branch and else_branch");
  if (const graph::ConstantPtr condition = node.known(node.input(0)))
    if (condition->dtype == DType::boolean && condition->view().elements() == 1)
      return node.become(condition->as<bool>()[0] ? *then_branch : *else_branch);
  const NodeImport::Subgraphs branches = node.import_subgraphs({then_branch, else_branch});
  std::vector<graph::ValueId> inputs{node.input(0)};
  inputs.insert(inputs.end(), branches.captured.begin(), branches.captured.end());
  const graph::Graph &then = node.subgraph(branches.graphs[0]),
                     &otherwise = node.subgraph(branches.graphs[1]);
  if (then.outputs.size() != otherwise.outputs.size() ||
      then.outputs.size() < static_cast<std::size_t>(node.outputs()))
    node.refuse("its branches have other outputs than the node");
  std::vector<DType> dtypes;
  for (const graph::ValueId output : then.outputs) dtypes.push_back(then.value(output).dtype);
  const std::vector<graph::ValueId> results =
      node.emit_several<ops::If>({}, inputs, std::move(dtypes), branches.graphs);
  for (std::size_t o = 0; o < results.size(); ++o) {
    if (std::optional<graph::Dims> dims =
            common(then.value(then.outputs[o]).dims, otherwise.value(otherwise.outputs[o]).dims))
      node.set_dims(results[o], std::move(*dims));
    node.output(static_cast<int>(o), results[o]);
  }
}

}  // namespace

void register_if(ImporterTable& table) { table.add("If", import_if); }

}  // namespace lithe::import
