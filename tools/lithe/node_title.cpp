// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/node_title.hpp"

#include <cstdint>

#include "lithe/format/reader.hpp"

namespace lithe::cli {

std::string node_title(const runtime::GraphPlan& graph, const runtime::PlanNode& node) {
  std::string names;
  for (std::uint32_t i = 0; i < count(node.file->onnx_names()); ++i)
    names += (i == 0 ? "" : " + ") + node.file->onnx_names()->Get(i)->str();
  for (std::int32_t id : node.output_ids())
    if (names.empty() && id >= 0)
      names = "-> " + std::string(text(graph.file->values()->Get(static_cast<std::uint32_t>(id))->name()));
  return names;
}

}  // namespace lithe::cli
