// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/moves_elements.hpp"

#include "tools/passes/node.hpp"

namespace lithe::passes {

std::string mode_of(const Node& node, const char* fallback) {
  const auto mode = node.attributes.find("mode");
  return mode == node.attributes.end() ? fallback : mode->second.text;
}

bool moves_elements(const Node& node) {
  if (is(node, "MaxPool2D")) return !clamp_attribute(node).active();
  if (is(node, "Pad")) return mode_of(node, "constant") != "constant" || input(node, 2) >= 0;
  if (is(node, "Resize")) {
    const auto crop = node.attributes.find("coordinate_transformation_mode");
    return mode_of(node, "nearest") == "nearest" &&
           (crop == node.attributes.end() || crop->second.text != "tf_crop_and_resize");
  }
  return is_any(node, {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Gather", "Split",
                       "Concat", "Expand", "Tile"});
}

}  // namespace lithe::passes
