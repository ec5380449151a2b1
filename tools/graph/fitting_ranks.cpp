// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/fitting_ranks.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "lithe/core/shape.hpp"
#include "tools/graph/bound_node.hpp"

namespace lithe::graph {

namespace {

/// Tries sizes until the node's operator takes them.
class Trials {
 public:
  Trials(const Graph& graph, const Node& node) : bound_(graph, node) {
    for (const ValueId id : node.inputs) add_input(id == absent ? nullptr : &graph.value(id));
  }

  std::vector<std::optional<std::size_t>> run() {
    std::vector<std::optional<std::size_t>> ranks(bound_.outputs.size());
    if (!complete_ || !bound_.status().ok() || open_.empty()) return ranks;
    if (!like_another_input() && !one_axis() && !all_axes()) return ranks;
    for (std::size_t o = 0; o < ranks.size(); ++o)
      ranks[o] = static_cast<std::size_t>(bound_.outputs[o].shape.rank());
    return ranks;
  }

 private:
  /// What open dimensions are that are not tried: those that broadcast, and those that hold a window.
  static constexpr std::int64_t others[] = {1, 64};
  /// Sizes that operators have of their own: the coordinates of a point and of a box.
  static constexpr std::int64_t of_operators[] = {2, 4};
  static constexpr index_t most_numbers = 64;

  struct Place {
    std::size_t input, axis;
  };

  void add_input(const Value* value) {
    const std::size_t input = dims_.size();
    dims_.emplace_back();
    if (value == nullptr) return;
    if (value->constant) {
      const auto fixed = value->constant->shape.dims();
      dims_.back().assign(fixed.begin(), fixed.end());
      add_parts(value->constant->view());
    } else if (value->dims) {
      dims_.back() = *value->dims;
    } else {
      complete_ = false;
    }
    for (std::size_t axis = 0; axis < dims_.back().size(); ++axis)
      if (const std::int64_t d = dims_.back()[axis]; d >= 0)
        add_size(d);
      else
        open_.push_back({input, axis});
  }

  /// A constant may hold the sizes of parts, which add up to one.
  void add_parts(const TensorView& view) {
    if (view.dtype != DType::s64 || view.shape.rank() != 1 || view.elements() > most_numbers) return;
    std::uint64_t sum = 0;
    for (index_t i = 0; i < view.elements(); ++i) sum += static_cast<std::uint64_t>(integer_at(view, i));
    if (sum <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()))
      add_size(static_cast<std::int64_t>(sum));
  }

  void add_size(std::int64_t size) {
    if (std::find(sizes_.begin(), sizes_.end(), size) == sizes_.end()) sizes_.push_back(size);
  }

  /// The open dimensions have the size of the same axis of one other input.
  bool like_another_input() {
    for (const std::int64_t other : others)
      for (const Dims& like : dims_)
        if (fits([&](const Place& p) {
              return p.axis < like.size() && like[p.axis] >= 0 ? like[p.axis] : other;
            }))
          return true;
    return false;
  }

  bool one_axis() {
    for (const std::int64_t other : others)
      for (const std::int64_t size : sizes_)
        for (const Place& one : open_)
          if (fits([&](const Place& p) { return p.input == one.input && p.axis == one.axis ? size : other; }))
            return true;
    return false;
  }

  bool all_axes() {
    return std::any_of(sizes_.begin(), sizes_.end(),
                       [&](std::int64_t size) { return fits([&](const Place&) { return size; }); });
  }

  template <class Size>
  bool fits(Size size) {
    std::vector<Dims> dims = dims_;
    for (const Place& p : open_) dims[p.input][p.axis] = size(p);
    for (std::size_t i = 0; i < dims.size(); ++i)
      if (!bound_.inputs[i].known)
        bound_.inputs[i].tensor.shape = Shape(std::span<const std::int64_t>(dims[i]));
    return bound_.infer().ok();
  }

  BoundNode bound_;
  std::vector<Dims> dims_;   ///< per input
  std::vector<Place> open_;  ///< the open dimensions of all inputs
  std::vector<std::int64_t> sizes_{std::begin(of_operators), std::end(of_operators)};
  bool complete_ = true;  ///< the rank of every input is known
};

}  // namespace

std::vector<std::optional<std::size_t>> fitting_ranks(const Graph& graph, const Node& node) {
  return Trials(graph, node).run();
}

}  // namespace lithe::graph
