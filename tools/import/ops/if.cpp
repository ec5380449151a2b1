// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/if.hpp"

#include <utility>
#include <vector>

#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// If-1 to 25: where the condition follows from constants and known dimensions, the branch alone; else what
/// either branch reads from outside becomes an input of the node and of both branches.
void import_if(NodeImport& node) {
  const onnx::GraphProto* then_branch = node.attribute_graph("then_branch");
  const onnx::GraphProto* else_branch = node.attribute_graph("else_branch");
  if (then_branch == nullptr || else_branch == nullptr) node.refuse("If needs then_branch and else_branch");
  if (const graph::ConstantPtr condition = node.known(node.input(0)))
    if (condition->dtype == DType::boolean && condition->view().elements() == 1)
      return node.become(condition->as<bool>()[0] ? *then_branch : *else_branch);
  NodeImport::Subgraphs branches = node.import_subgraphs({then_branch, else_branch});
  std::vector<graph::ValueId> inputs{node.input(0)};
  inputs.insert(inputs.end(), branches.captured.begin(), branches.captured.end());
  node.emit_outputs<ops::If>({}, inputs, std::move(branches.graphs));
}

}  // namespace

void register_if(ImporterTable& table) { table.add("If", import_if); }

}  // namespace lithe::import
