// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/reopen.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "lithe/core/align.hpp"
#include "tools/report/error.hpp"

namespace lithe::graph {

Storage aligned_copy(std::span<const std::byte> file) {
  constexpr std::size_t page = 4096;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(page, align_up(file.size(), page)));
  if (memory == nullptr) report::system_refused("not enough memory to open the model");
  std::memcpy(memory, file.data(), file.size());
  return Storage(memory, file.size(), [](void* data, std::size_t) { std::free(data); });
}

lithe::Model reopen(std::span<const std::byte> file) {
  auto opened = lithe::Model::open(aligned_copy(file));
  if (!opened.ok())
    throw report::Failure(report::exits::failed_check,
                          std::string("the converted file does not verify: ") + opened.status().text());
  return *std::move(opened);
}

std::string status_text(const Status& status, const Model& model) {
  std::string text = status.text();
  if (status.node() < 0) return text;
  // The writer keeps the order of nodes; subgraphs may be numbered otherwise, so only the main graph is
  // named.
  const auto& nodes = model.graphs[0].nodes;
  if (status.subgraph() == 0 && status.node() < static_cast<int>(nodes.size())) {
    const Node& node = nodes[static_cast<std::size_t>(status.node())];
    text = (node.onnx_names.empty() ? node.op : node.onnx_names[0] + " (" + node.op + ")") + ": " + text;
  }
  return text;
}

}  // namespace lithe::graph
