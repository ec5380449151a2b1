// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/sink.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

using Axes = std::vector<std::int64_t>;

bool contains(const Axes& axes, std::int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

Axes mapped(const Axes& axes, const Permutation& p) {
  Axes result;
  for (std::int64_t a : axes) result.push_back(p[static_cast<std::size_t>(a)]);
  return result;
}

/// The permutation of what is left of a transposed tensor when `dropped` (axes of the result) are taken away:
/// `p` without them.
Permutation without(const Permutation& p, const Axes& dropped) {
  const Axes gone = mapped(dropped, p);
  Permutation result;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (contains(dropped, static_cast<std::int64_t>(i))) continue;
    const auto below = std::count_if(gone.begin(), gone.end(), [&](std::int64_t g) { return g < p[i]; });
    result.push_back(p[i] - static_cast<std::int32_t>(below));
  }
  return result;
}

}  // namespace

ValueId Sink::moved_axes(const Axes& axes, DType dtype) {
  const Axes moved = mapped(axes, p);
  const std::vector<double> numbers(moved.begin(), moved.end());
  return rewriter.add_constant(make_numbers(dtype, {static_cast<index_t>(moved.size())}, numbers), "axes");
}

void Sink::set_data_and_ints(const Axes& ints, std::string_view name) {
  rewriter.set_inputs(n, {restored(node().inputs[0]), rewriter.add_constant(make_ints(ints), name)});
}

bool Sink::slice() {
  const auto count = rewriter.value(node().inputs[1]).dims;
  Axes axes;
  if (input(node(), 3) >= 0) {
    const auto given = constant_axes(rewriter.graph(), node(), 3, rank());
    if (!given) return false;
    axes = *given;
  } else {
    if (!count || count->size() != 1 || (*count)[0] < 0 || (*count)[0] > rank()) return false;
    axes.resize(static_cast<std::size_t>((*count)[0]));
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::vector<ValueId> inputs = node().inputs;
  inputs.resize(std::max<std::size_t>(inputs.size(), 4), absent);
  // axes are of the same integer type as starts
  inputs[3] = moved_axes(axes, rewriter.value(inputs[1]).dtype);
  inputs[0] = restored(inputs[0]);
  rewriter.set_inputs(n, std::move(inputs));
  transpose_output(0, p);
  return true;
}

bool Sink::pad() {
  std::vector<ValueId> inputs = node().inputs;
  if (input(node(), 3) >= 0) {
    const auto axes = constant_axes(rewriter.graph(), node(), 3, rank());
    if (!axes) return false;
    inputs[3] = moved_axes(*axes, rewriter.value(inputs[3]).dtype);
  } else {
    const auto pads = ints_of(rewriter.graph().constant(inputs[1]));
    if (!pads || pads->size() != 2 * p.size()) return false;
    Axes moved(pads->size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      moved[static_cast<std::size_t>(p[i])] = (*pads)[i];
      moved[static_cast<std::size_t>(p[i]) + p.size()] = (*pads)[i + p.size()];
    }
    inputs[1] = rewriter.add_constant(make_ints(moved), "pads");
  }
  inputs[0] = restored(inputs[0]);
  rewriter.set_inputs(n, std::move(inputs));
  transpose_output(0, p);
  return true;
}

bool Sink::resize() {
  Axes axes = ints_attribute(node(), "axes");
  if (axes.empty()) {
    axes.resize(p.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (std::int64_t& a : axes)
    if (a = normalize_axis(a, rank()); a < 0) return false;
  restore_inputs(0, 1);
  set_ints(node(), "axes", mapped(axes, p));
  transpose_output(0, p);
  return true;
}

bool Sink::tile() {
  const auto repeats = ints_of(rewriter.graph().constant(node().inputs[1]));
  if (!repeats || repeats->size() != p.size()) return false;
  Axes moved(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) moved[static_cast<std::size_t>(p[i])] = (*repeats)[i];
  set_data_and_ints(moved, "repeats");
  transpose_output(0, p);
  return true;
}

bool Sink::reduce() {
  Axes axes;
  if (input(node(), 1) >= 0) {
    const auto given = constant_axes(rewriter.graph(), node(), 1, rank());
    if (!given) return false;
    axes = *given;
  }
  const bool all = axes.empty() && int_attribute(node(), "noop_with_empty_axes", 0) == 0;
  const bool keep = int_attribute(node(), "keepdims", 1) != 0;
  if (axes.empty()) {
    restore_inputs(0, 1);
  } else {
    Axes moved = mapped(axes, p);
    std::sort(moved.begin(), moved.end());
    set_data_and_ints(moved, "axes");
  }
  if (!all) transpose_output(0, keep ? p : without(p, axes));
  return true;
}

bool Sink::arg() {
  const int axis = normalize_axis(int_attribute(node(), "axis", 0), rank());
  if (axis < 0) return false;
  restore_inputs(0, 1);
  set_int(node(), "axis", p[static_cast<std::size_t>(axis)], 0);
  transpose_output(0, int_attribute(node(), "keepdims", 1) != 0 ? p : without(p, {axis}));
  return true;
}

bool Sink::cumulative() {
  const auto axes = constant_axes(rewriter.graph(), node(), 1, rank());
  if (!axes || axes->size() != 1) return false;
  set_data_and_ints(mapped(*axes, p), "axis");
  transpose_output(0, p);
  return true;
}

bool Sink::gather() {
  const int axis = normalize_axis(int_attribute(node(), "axis", 0), rank());
  const auto indices = rank_of(rewriter.value(node().inputs[1]));
  if (axis < 0 || !indices || *indices > 1) return false;
  restore_inputs(0, 1);
  set_int(node(), "axis", p[static_cast<std::size_t>(axis)], 0);
  transpose_output(0, *indices == 1 ? p : without(p, {axis}));
  return true;
}

bool Sink::squeeze() {
  Axes axes;
  if (input(node(), 1) >= 0) {
    const auto given = constant_axes(rewriter.graph(), node(), 1, rank());
    if (!given) return false;
    axes = *given;
  } else {
    const auto& dims = rewriter.value(node().inputs[0]).dims;
    if (!dims || !graph::fixed(*dims)) return false;
    for (int i = 0; i < rank(); ++i)
      if ((*dims)[static_cast<std::size_t>(i)] == 1) axes.push_back(i);
  }
  Axes moved = mapped(axes, p);
  std::sort(moved.begin(), moved.end());
  set_data_and_ints(moved, "axes");
  transpose_output(0, without(p, axes));
  return true;
}

bool Sink::unsqueeze() {
  const auto count = ints_of(rewriter.graph().constant(node().inputs[1]));
  if (!count) return false;
  const int wide = rank() + static_cast<int>(count->size());
  const auto axes = constant_axes(rewriter.graph(), node(), 1, wide);
  if (!axes || wide > max_rank) return false;
  std::vector<std::int32_t> kept;  // positions of the old axes in the result
  for (std::int32_t i = 0; i < wide; ++i)
    if (!contains(*axes, i)) kept.push_back(i);
  if (kept.size() != p.size()) return false;
  Permutation q(static_cast<std::size_t>(wide));
  std::iota(q.begin(), q.end(), 0);
  for (std::size_t k = 0; k < kept.size(); ++k)
    q[static_cast<std::size_t>(kept[k])] = kept[static_cast<std::size_t>(p[k])];
  restore_inputs(0, 1);
  transpose_output(0, q);
  return true;
}

bool Sink::shape() {
  if (int_attribute(node(), "start", 0) != 0 || node().attributes.contains("end")) return false;
  const ValueId y = node().outputs[0];
  const ValueId before = rewriter.like(y, "/channels_last");
  restore_inputs(0, 1);
  rewriter.set_output(n, 0, before);
  const ValueId order = rewriter.add_constant(make_ints(Axes(p.begin(), p.end())), "axes");
  rewriter.add_node(make_node("Gather", {before, order}, {y}), n);
  return true;
}

}  // namespace lithe::passes
