// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// The domains that ONNX's operators belong to.
namespace lithe::import {

/// ONNX Runtime's own operators.
inline constexpr const char* microsoft = "com.microsoft";

/// Forests, support vectors, and what prepares features for them.
inline constexpr const char* tabular = "ai.onnx.ml";

/// A domain under its one name: ONNX's own is "", which a file may also call ai.onnx.
inline std::string normalized(std::string_view domain) {
  return std::string(domain == "ai.onnx" ? "" : domain);
}

}  // namespace lithe::import
