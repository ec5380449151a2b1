// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/axis_parts.hpp"

#include <algorithm>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {

namespace {

/// The one index that a Gather takes of its axis, which goes; nullopt where it does anything else.
std::optional<std::int64_t> one_index(const Graph& graph, const Node& node) {
  if (!is(node, "Gather")) return std::nullopt;
  const Constant* indices = graph.constant(input(node, 1));
  if (indices == nullptr || indices->shape.rank() != 0) return std::nullopt;
  const auto numbers = ints_of(indices);
  return numbers && numbers->size() == 1 ? std::optional((*numbers)[0]) : std::nullopt;
}

}  // namespace

AxisParts::AxisParts(const Dims& source)
    : AxisParts([&] {
        std::vector<Dims> axes;
        for (const std::int64_t size : source) axes.push_back({size});
        return axes;
      }()) {}

AxisParts::AxisParts(const std::vector<Dims>& source) {
  for (const Dims& axis : source) {
    axes_.emplace_back();
    for (const std::int64_t size : axis) {
      if (size == 1) continue;
      axes_.back().push_back(add(size));
      source_.push_back(axes_.back().back());
    }
  }
}

int AxisParts::add(std::int64_t size, bool repeats) {
  parts_.push_back({size, repeats});
  return static_cast<int>(parts_.size()) - 1;
}

bool AxisParts::follows(const Graph& graph, const Node& node) {
  return is_transpose(node) || reshapes(node) || is(node, "Expand") || one_index(graph, node).has_value();
}

bool AxisParts::follow(const Graph& graph, const Node& node) {
  const auto &from = graph.value(node.inputs[0]).dims, &to = graph.value(node.outputs[0]).dims;
  if (!from || !to || from->size() != axes_.size()) return false;
  if (is_transpose(node)) {
    const auto p = permutation_of(graph, node);
    if (!p) return false;
    std::vector<Axis> moved;
    for (const std::int32_t axis : *p) moved.push_back(axes_[static_cast<std::size_t>(axis)]);
    axes_ = std::move(moved);
    return true;
  }
  if (reshapes(node)) return reshape(*to);
  if (is(node, "Expand")) return expand(*to);
  const auto index = one_index(graph, node);
  const int axis = normalize_axis(int_attribute(node, "axis", 0), static_cast<int>(axes_.size()));
  return index && axis >= 0 && pick(axis, *index);
}

bool AxisParts::reshape(const Dims& to) {
  std::vector<int> left;
  for (const Axis& axis : axes_) left.insert(left.end(), axis.begin(), axis.end());
  std::vector<Axis> axes(to.size());
  std::size_t first = 0, last = to.size();
  const auto is_done = [&](std::size_t axis, bool front) {
    return to[axis] == 1 || take(left, front, to[axis], axes[axis]);
  };
  while (first < last && is_done(first, true)) ++first;
  while (first < last && is_done(last - 1, false)) --last;
  if (last - first == 1) {  // whatever is left
    axes[first] = std::exchange(left, {});
  } else if (last - first > 1) {
    if (left.size() != 1 || size(left[0]) >= 0) return false;
    for (int part = left[0]; first < last; ++first) {  // an axis of unknown size is cut
      const bool cuts = first + 1 < last;
      const int inner = cuts ? cut(part, to[first], -1) : part;
      if (!cuts) parts_[static_cast<std::size_t>(part)].size = to[first];
      axes[first] = {part};
      part = inner;
    }
    left.clear();
  }
  axes_ = std::move(axes);
  return left.empty();
}

int AxisParts::cut(int part, std::int64_t outer, std::int64_t inner) {
  const int added = add(inner, repeats(part));
  parts_[static_cast<std::size_t>(part)].size = outer;
  const auto place = std::find(source_.begin(), source_.end(), part);
  if (place != source_.end()) source_.insert(place + 1, added);
  for (Axis& axis : axes_)
    if (const auto at = std::find(axis.begin(), axis.end(), part); at != axis.end())
      axis.insert(at + 1, added);
  return added;
}

bool AxisParts::take(std::vector<int>& left, bool front, std::int64_t size, Axis& axis) {
  if (size == -1 || size == 0) return false;
  std::size_t taken = 0;
  for (std::int64_t rest = size; rest != 1; ++taken) {
    if (taken == left.size()) return false;
    const std::size_t place = front ? taken : left.size() - 1 - taken;
    const std::int64_t have = this->size(left[place]);
    const bool positive = have > 0 && rest > 0, cuts = have != rest && positive && have % rest == 0;
    if (cuts) {
      const int inner = cut(left[place], front ? rest : have / rest, front ? have / rest : rest);
      left.insert(left.begin() + static_cast<std::ptrdiff_t>(place) + 1, inner);
    }
    if (have == rest || cuts)
      rest = 1;
    else if (positive && rest % have == 0)
      rest /= have;
    else
      return false;
  }
  const auto begin = front ? left.begin() : left.end() - static_cast<std::ptrdiff_t>(taken);
  const auto end = begin + static_cast<std::ptrdiff_t>(taken);
  axis.assign(begin, end);
  left.erase(begin, end);
  return true;
}

bool AxisParts::expand(const Dims& to) {
  if (to.size() < axes_.size()) return false;
  axes_.insert(axes_.begin(), to.size() - axes_.size(), Axis());
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 1 || !axes_[i].empty()) continue;
    if (to[i] < 1) return false;
    axes_[i] = {add(to[i], true)};
  }
  return true;
}

bool AxisParts::pick(int axis, std::int64_t index) {
  const Axis parts = axes_[static_cast<std::size_t>(axis)];
  axes_.erase(axes_.begin() + axis);
  if (parts.empty()) return index == 0 || index == -1;
  const std::int64_t all = size(parts[0]);
  if (parts.size() != 1 || picked_ || repeats(parts[0]) || all < 1 || index < -all || index >= all)
    return false;
  picked_ = Pick{parts[0], index < 0 ? index + all : index};
  return true;
}

}  // namespace lithe::passes
