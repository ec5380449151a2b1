// SPDX-License-Identifier: Apache-2.0
#include "tools/report/node_title.hpp"

namespace lithe::report {

std::string node_title(std::span<const std::string> onnx_names, std::string_view op,
                       std::string_view output) {
  std::string title;
  for (const std::string& name : onnx_names) title += (title.empty() ? "" : " + ") + name;
  if (!title.empty()) return title;
  title = op;
  if (!output.empty()) title += (title.empty() ? "-> " : " -> ") + std::string(output);
  return title;
}

}  // namespace lithe::report
