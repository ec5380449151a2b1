// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/passes/node.hpp"

namespace lithe::passes {

/// Where the axes of a tensor come from: nodes that only move elements cut the axes of a source into parts, join parts
/// into axes, and bring them into another order. Parts of one element do not appear. Sizes are as in Dims.
class AxisParts {
 public:
  /// The source: every axis is one part.
  explicit AxisParts(const Dims& source);
  /// The source, with axes of several parts.
  explicit AxisParts(const std::vector<Dims>& source);

  /// Follows the node from its input 0 to its output; false where that is not known, and then nothing else may be asked.
  bool follow(const Graph& graph, const Node& node);
  /// Whether `follow` may succeed: the node rearranges, picks one index of an axis, or repeats axes of one element.
  static bool follows(const Graph& graph, const Node& node);

  using Axis = std::vector<int>;  ///< numbers of parts, outermost first
  const std::vector<Axis>& axes() const { return axes_; }
  std::int64_t size(int part) const { return parts_[static_cast<std::size_t>(part)].size; }
  /// A part that is not in the source: its elements repeat.
  bool repeats(int part) const { return parts_[static_cast<std::size_t>(part)].repeats; }
  /// The parts of the source in its order.
  const std::vector<int>& source() const { return source_; }
  /// The part of which one index was taken, and that index.
  struct Pick {
    int part;
    std::int64_t index;
  };
  const std::optional<Pick>& picked() const { return picked_; }

 private:
  struct Part {
    std::int64_t size;
    bool repeats;
  };

  int add(std::int64_t size, bool repeats = false);
  bool reshape(const Dims& to);
  bool expand(const Dims& to);
  bool pick(int axis, std::int64_t index);
  /// Cuts a part into two, the outer one of size `outer`; gives the inner one.
  int cut(int part, std::int64_t outer, std::int64_t inner);
  /// Takes parts that make up an axis of `size` from the front of `left`, or from its back; false if none do.
  bool take(std::vector<int>& left, bool front, std::int64_t size, Axis& axis);

  std::vector<Part> parts_;
  std::vector<int> source_;
  std::vector<Axis> axes_;
  std::optional<Pick> picked_;
};

}  // namespace lithe::passes
