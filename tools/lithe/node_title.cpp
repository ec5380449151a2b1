// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/node_title.hpp"

#include <cstddef>
#include <cstdint>

#include "lithe/format/reader.hpp"

namespace lithe::cli {

std::string node_title(const runtime::NodeView& node) {
  std::string names;
  for (std::uint32_t i = 0; i < count(node.file().onnx_names()); ++i)
    names += (i == 0 ? "" : " + ") + node.file().onnx_names()->Get(i)->str();
  for (std::size_t o = 0; o < node.outputs().size(); ++o)
    if (names.empty() && node.output_ids()[o] >= 0) names = "-> " + std::string(node.output_value(o).name());
  return names;
}

}  // namespace lithe::cli
