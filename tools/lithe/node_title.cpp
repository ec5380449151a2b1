// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/node_title.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lithe/format/reader.hpp"
#include "tools/report/node_title.hpp"

namespace lithe::cli {

std::string node_title(const runtime::NodeView& node) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < count(node.file().onnx_names()); ++i)
    names.push_back(node.file().onnx_names()->Get(i)->str());
  for (std::size_t o = 0; o < node.outputs().size(); ++o)
    if (node.output_ids()[o] >= 0) return report::node_title(names, "", node.output_value(o).name());
  return report::node_title(names, "", "");
}

}  // namespace lithe::cli
