// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lithe/session.hpp"
#include "tools/check/inputs.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::check {

/// One side of the comparison: a model's file in a session that may be resized.
class Side {
 public:
  /// `model` is what `file` holds; it must outlive the side.
  Side(const graph::Model& model, std::span<const std::byte> file, SessionOptions options);

  Status resize(std::span<const InputShape> shapes);
  /// Runs at the current shapes on `inputs`, those that `skip` names left as they are.
  Status run(std::span<const Buffer> inputs, const std::vector<bool>& skip);
  /// The session, once resize was called.
  Session& session() { return *session_; }
  /// The status as text, with the node it names.
  std::string explain(const Status& status) const;

 private:
  const graph::Model& graph_;
  SessionOptions options_;
  Model model_;
  std::optional<Session> session_;
};

/// Multiply-adds of a run at the current shapes; subgraphs count nothing.
std::uint64_t multiply_adds(const Session& session);
/// Whether something that a node makes is empty at the current shapes, as after a window that does not fit.
bool has_empty_values(const Session& session);

}  // namespace lithe::check
