// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/sink.hpp"
#include "tools/passes/stored.hpp"

namespace lithe::passes {
namespace {

/// Every FullyConnected that reads `v`, possibly through operators that treat all elements alike, and the
/// values on the way; false if anything else reads them.
bool collect_readers(Rewriter& rewriter, ValueId v, std::vector<int>& found, std::vector<ValueId>& way) {
  if (rewriter.is_output(v)) return false;
  way.push_back(v);
  for (const auto& reader : rewriter.readers(v)) {
    const Node& node = rewriter.node(reader.node);
    if (reader.input != 0) return false;
    if (is(node, "FullyConnected")) {
      if (!stored_constant(rewriter, node.inputs[1]) || stored_axis(rewriter, node.inputs[1]) > 0)
        return false;
      found.push_back(reader.node);
      continue;
    }
    const bool alike = (is_elementwise(node) && node.inputs.size() == 1) ||
                       (is_quantizing(node) && rewriter.value(node.inputs[1]).dims &&
                        rewriter.value(node.inputs[1]).dims->empty());
    if (!alike || !collect_readers(rewriter, node.outputs[0], found, way)) return false;
  }
  return !rewriter.readers(v).empty();
}

/// Axes that a reshape merges into others, or splits: the same elements in the same order. Axes of one
/// element aside.
struct Group {
  std::vector<int> from, to;
};

std::vector<int> long_axes(const Dims& dims) {
  std::vector<int> axes;
  for (int i = 0; i < static_cast<int>(dims.size()); ++i)
    if (dims[static_cast<std::size_t>(i)] != 1) axes.push_back(i);
  return axes;
}

/// The finest groups; nullopt where sizes decided at run time, or none, forbid to tell.
std::optional<std::vector<Group>> group_axes(const Dims& from, const Dims& to) {
  const std::vector<int> left = long_axes(from), right = long_axes(to);
  std::vector<Group> groups;
  for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    if (i == left.size() || j == right.size()) return std::nullopt;
    std::int64_t a = from[static_cast<std::size_t>(left[i])], b = to[static_cast<std::size_t>(right[j])];
    Group group{{left[i++]}, {right[j++]}};
    if (a == 0 || b == 0 || a == -1 || b == -1 || ((a < 0 || b < 0) && a != b)) return std::nullopt;
    while (a != b) {
      const bool more = a < b;
      if (more ? i == left.size() : j == right.size()) return std::nullopt;
      const std::int64_t next =
          more ? from[static_cast<std::size_t>(left[i])] : to[static_cast<std::size_t>(right[j])];
      if (next <= 0) return std::nullopt;
      (more ? a : b) *= next;
      if (more)
        group.from.push_back(left[i++]);
      else
        group.to.push_back(right[j++]);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Whether the axes of each group lie side by side, in order, before the transpose too.
bool stay_together(const std::vector<Group>& groups, const Dims& from, const Permutation& p) {
  const Permutation back = inverse(p);
  for (const Group& group : groups)
    for (std::size_t k = 0; k + 1 < group.from.size(); ++k) {
      const std::int32_t first = p[static_cast<std::size_t>(group.from[k])],
                         next = p[static_cast<std::size_t>(group.from[k + 1])];
      if (next < first) return false;
      for (std::int32_t between = first + 1; between < next; ++between)
        if (from[static_cast<std::size_t>(back[static_cast<std::size_t>(between)])] != 1) return false;
    }
  return true;
}

/// The part of `p` that brings the axes of each group into their order, where they lie side by side before it
/// (a shuffle of channels): the rest keeps them together. Nullopt where some group's axes lie apart.
std::optional<Permutation> order_in_groups(const std::vector<Group>& groups, const Dims& from,
                                           const Permutation& p) {
  const Permutation back = inverse(p);
  Permutation inner(p.size());
  std::iota(inner.begin(), inner.end(), 0);
  for (const Group& group : groups) {
    std::vector<std::int32_t> places;
    for (int axis : group.from) places.push_back(p[static_cast<std::size_t>(axis)]);
    std::vector<std::int32_t> sorted = places;
    std::sort(sorted.begin(), sorted.end());
    for (std::int32_t between = sorted.front(); between <= sorted.back(); ++between)
      if (std::find(sorted.begin(), sorted.end(), between) == sorted.end() &&
          from[static_cast<std::size_t>(back[static_cast<std::size_t>(between)])] != 1)
        return std::nullopt;
    for (std::size_t k = 0; k < places.size(); ++k) inner[static_cast<std::size_t>(sorted[k])] = places[k];
  }
  return inner;
}

}  // namespace

bool Sink::keep_groups_together(const Permutation& inner) {
  const Permutation rest = compose(inverse(inner), p);
  if (!insert || is_identity(rest)) return false;
  const ValueId x = node().inputs[0], ordered = rewriter.like(x, "/ordered");
  Value& value = rewriter.graph().value(ordered);
  if (value.quantization && value.quantization->axis >= 0) return false;
  value.dims = permuted(*value.dims, inverse(rest));
  Node transpose = make_node("Transpose", {restored(x)}, {ordered});
  set_ints(transpose, "permutation", std::vector<std::int64_t>(inner.begin(), inner.end()));
  rewriter.add_node(std::move(transpose), n);
  rewriter.set_input(n, 0, ordered);
  p = rest;
  inserted = true;
  return true;
}

bool Sink::reshape() {
  const ValueId y = node().outputs[0];
  const auto from = rewriter.value(node().inputs[0]).dims, to = rewriter.value(y).dims;
  if (!from || !to || std::count_if(to->begin(), to->end(), [](std::int64_t d) { return d < 0; }) > 1)
    return false;
  auto groups = group_axes(*from, *to);
  if (!groups) return false;
  ValueId x = graph::absent;
  if (stay_together(*groups, *from, p)) {
    x = restored(node().inputs[0]);
  } else {
    const auto inner = order_in_groups(*groups, *from, p);
    if (!inner || !keep_groups_together(*inner)) return false;
    x = node().inputs[0];
  }
  const auto place = [&](const Group& g) { return p[static_cast<std::size_t>(g.from[0])]; };
  std::sort(groups->begin(), groups->end(),
            [&](const Group& a, const Group& b) { return place(a) < place(b); });
  std::vector<int> moved;  // axes of y in the order before the transpose
  for (const Group& group : *groups) moved.insert(moved.end(), group.to.begin(), group.to.end());
  Permutation q(to->size());
  std::vector<std::int64_t> shape(to->size(), 1);
  std::size_t next = 0;
  for (std::size_t at = 0; at < to->size(); ++at) {  // axes of one element stay where they are
    const auto axis = (*to)[at] == 1 ? at : static_cast<std::size_t>(moved[next++]);
    q[axis] = static_cast<std::int32_t>(at);
    shape[at] = std::max<std::int64_t>((*to)[axis], -1);
  }
  node().op = "Reshape";
  node().attributes.clear();
  rewriter.set_inputs(n, {x, rewriter.add_constant(make_ints(shape), "shape")});
  transpose_output(0, q);
  return true;
}

bool Sink::flatten() {
  const ValueId x = node().inputs[0], y = node().outputs[0];
  const auto &from = rewriter.value(x).dims, &to = rewriter.value(y).dims;
  if (!from || !to || to->size() != 2 || p[0] != 0) return false;
  Shape features{1};
  for (std::size_t i = 1; i < from->size(); ++i) {
    if ((*from)[i] < 0) return false;
    features.push_back((*from)[i]);
  }
  std::vector<int> readers;
  std::vector<ValueId> way;
  if ((*to)[1] != features.elements() || !collect_readers(rewriter, y, readers, way)) return false;
  for (int reader : readers) {
    const ValueId filter = rewriter.node(reader).inputs[1];
    const ConstantPtr stored = stored_constant(rewriter, filter);
    features[0] = stored->shape[0];
    const ConstantPtr moved = transposed(*reshaped(*stored, features), inverse(p));
    rewriter.set_input(reader, 1,
                       with_stored(rewriter, filter, reshaped(*moved, stored->shape),
                                   stored_axis(rewriter, filter), reader));
  }
  for (ValueId v : way) {
    rewriter.value_to_change(v).onnx_name.clear();
    rewriter.value_to_change(v).permutation.clear();
  }  // other order
  restore_inputs(0, 1);
  return true;
}

}  // namespace lithe::passes
