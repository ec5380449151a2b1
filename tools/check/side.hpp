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

/// The outputs of a run, one tensor for each output and step, in that order.
using Outputs = std::vector<graph::ConstantPtr>;

/// The elements of a dense tensor, copied.
graph::ConstantPtr copy_of(const TensorView& tensor);

/// What a run is fed with: contents for each input, of which those that `skip` names are left as they are.
struct Feed {
  std::vector<Buffer> inputs;
  std::vector<bool> skip;  ///< the session has them already: states, and what decides shapes
  int steps = 1;           ///< runs in a row, each on the same inputs and the states of the one before
};

/// One side of the comparison: a model's file in a session that may be resized.
class Side {
 public:
  /// `model` is what `file` holds; it must outlive the side.
  Side(const graph::Model& model, std::span<const std::byte> file, SessionOptions options);

  Status resize(std::span<const InputShape> shapes);
  /// Runs at the current shapes, from the first state.
  Result<Outputs> run(const Feed& feed);
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

/// What an inference costs at the current shapes: multiply-adds, and elements that nodes make; subgraphs count
/// nothing.
std::uint64_t work(const Session& session);
/// Whether something that a node makes is empty at the current shapes, as after a window that does not fit.
bool has_empty_values(const Session& session);

}  // namespace lithe::check
