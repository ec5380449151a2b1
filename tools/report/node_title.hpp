// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lithe::report {

/// How reports call a node: by the names of the ONNX nodes that it came from ("conv1 + relu1"); where it has none, by
/// its operator and its first output ("Add -> sum"). `op` and `output` may be empty: what is empty is left out.
std::string node_title(std::span<const std::string> onnx_names, std::string_view op, std::string_view output);

}  // namespace lithe::report
