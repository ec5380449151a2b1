// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lithe/model.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// A copy of a file's bytes, aligned as a model wants them. Throws report::Failure (exit 4).
Storage aligned_copy(std::span<const std::byte> file);

/// Opens what `write` made; the bytes are copied. Throws report::Failure (exit 1) where it does not verify.
lithe::Model reopen(std::span<const std::byte> file);

/// The text of a status that a session on `model` gave, with the node's ONNX name and operator.
std::string status_text(const Status& status, const Model& model);

}  // namespace lithe::graph
