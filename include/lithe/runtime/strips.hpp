// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <new>

#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/layout.hpp"
#include "lithe/runtime/plan.hpp"

/// Row streaming: a chain of nodes runs in strips of rows of axis 1, so that what lies between them is a few
/// rolling rows instead of whole tensors. A row is computed once; rows that the next strip needs again are
/// moved to the front.
namespace lithe::inline v0::runtime {

namespace detail {

constexpr index_t clip(index_t v, index_t low, index_t high) { return v < low ? low : v > high ? high : v; }

}  // namespace detail

/// Whether the chain's nodes follow each other and can be cut into rows.
inline Status GraphPlan::check_chain(const StripChain& chain) {
  constexpr Status bad{
      Code::invalid_argument,
      "a strip chain must be a sequence of row-streamable nodes, each read by the next alone"};
  if (chain.first < 0 || chain.last >= steps() || chain.first >= chain.last || chain.rows < 1) return bad;
  for (std::int32_t n = chain.first; n <= chain.last; ++n) {
    const PlanNode& node = nodes[static_cast<std::size_t>(n)];
    if (node.op->rows == nullptr || node.host || node.dynamic || node.output_ids().size() != 1) return bad;
    const PlanValue &in = value(node.input_ids()[0]), &out = value(node.output_ids()[0]);
    if (in.shape.rank() != 4 || out.shape.rank() != 4 || in.shape[0] != 1 || in.contents != nullptr ||
        out.bytes == 0)
      return bad;
    for (std::size_t i = 1; i < node.input_ids().size(); ++i)
      if (node.input_ids()[i] >= 0 && value(node.input_ids()[i]).contents == nullptr) return bad;
    if (n == chain.last) break;
    if (out.readers != 1 || out.output ||
        nodes[static_cast<std::size_t>(n) + 1].input_ids()[0] != node.output_ids()[0])
      return bad;
  }
  return {};
}

/// Works out which rows every node of the chain reads, writes and keeps in every strip, from the last node to
/// the first: the rows that one computes are those that the next one reads and has not seen yet.
inline Status GraphPlan::plan_strips(PlanContext& context, const StripChain& chain) {
  LITHE_TRY(check_chain(chain));
  const auto height = [&](std::int32_t id) { return value(id).shape[1]; };
  const index_t rows = height(nodes[static_cast<std::size_t>(chain.last)].output_ids()[0]);
  const auto count = static_cast<std::size_t>((rows + chain.rows - 1) / chain.rows);
  const PlanNode* next = nullptr;
  for (std::int32_t n = chain.last; n >= chain.first; next = &nodes[static_cast<std::size_t>(n--)]) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    LITHE_TRY(context.keep(node.strip_table, count * sizeof(StripStep)));
    node.strips = {new (node.strip_table.data) StripStep[count], count};
    const NodeInfo info = describe(node);
    const index_t input_height = height(node.input_ids()[0]), output_height = height(node.output_ids()[0]);
    index_t done = 0;
    for (std::size_t s = 0; s < count; ++s) {
      StripStep& step = node.strips[s];
      index_t end = (static_cast<index_t>(s) + 1) * chain.rows;
      if (next != nullptr)
        end = next->strips[s].strip.count > 0 ? next->strips[s].window + next->strips[s].window_rows : done;
      if (s + 1 == count) end = output_height;  // rows that nothing reads belong to the last strip
      end = detail::clip(end, done, output_height);
      step.strip = {done, end - done, 0, 0};
      if (end > done) {
        const RowSpan need = node.op->rows(node.attributes, info, 0, {done, end - done});
        step.window = detail::clip(need.first, 0, input_height);
        step.window_rows = detail::clip(need.first + need.count, 0, input_height) - step.window;
        step.strip.pad_top = step.window - need.first > 0 ? -need.first : 0;
        step.strip.pad_bottom =
            need.first + need.count > input_height ? need.first + need.count - input_height : 0;
      }
      if (next != nullptr)
        step.kept = next->strips[s].strip.count > 0 ? std::min(next->strips[s].window, done) : done;
      done = end;
    }
  }
  return {};
}

/// Reshapes the chain's kernels for each shape of strip, and sizes the rolling rows between them.
inline Status GraphPlan::reshape_chain(PlanContext& context, const StripChain& chain) {
  for (std::int32_t n = chain.first; n <= chain.last; ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    node.workspace_bytes = 0;
    index_t rows = 0;
    for (StripStep& step : node.strips) {
      if (n < chain.last && step.end() - step.kept > rows) rows = step.end() - step.kept;
      LITHE_TRY(reshape_strip(context, node, step).at(index, n));
    }
    PlanValue& out = value(node.output_ids()[0]);
    out.stored = n < chain.last
                     ? static_cast<std::size_t>(rows) * out.bytes / static_cast<std::size_t>(out.shape[1])
                     : 0;
  }
  return {};
}

/// Finds the slot of an earlier strip of the same shape, or reshapes the kernel into the next one.
inline Status GraphPlan::reshape_strip(PlanContext& context, PlanNode& node, StripStep& step) {
  if (step.strip.count == 0) return {};
  int slots = 0;
  for (const StripStep* other = node.strips.data(); other != &step; ++other) {
    if (other->slot >= slots) slots = other->slot + 1;
    if (other->strip.count == step.strip.count && other->strip.pad_top == step.strip.pad_top &&
        other->strip.pad_bottom == step.strip.pad_bottom && other->window_rows == step.window_rows)
      return step.slot = other->slot, Status{};
  }
  if (slots == strip_slots)
    return {Code::unsupported,
            "a chain needs more than three shapes of strip here: choose another number of rows"};
  step.slot = slots;
  view(node);
  node.inputs[0].shape[1] = step.window_rows, node.outputs[0].shape[1] = step.strip.count;
  std::size_t bytes = 0;
  LITHE_TRY(reshape_kernel(context, node, bytes, &step.strip, step.slot));
  if (bytes > node.workspace_bytes) node.workspace_bytes = bytes;
  return {};
}

inline Status GraphPlan::run_chain(PlanContext& context, std::int32_t first) {
  const StripChain& chain = chains[static_cast<std::size_t>(chain_of(first))];
  const std::size_t count = nodes[static_cast<std::size_t>(first)].strips.size();
  for (std::size_t s = 0; s < count; ++s)
    for (std::int32_t n = chain.first; n <= chain.last; ++n)
      LITHE_TRY(run_strip(context, nodes[static_cast<std::size_t>(n)], s,
                          n == chain.first ? nullptr : &nodes[static_cast<std::size_t>(n - 1)])
                    .at(index, n));
  return {};
}

/// `before`: the chain's node that computes input 0; null: the input lies there whole.
inline Status GraphPlan::run_strip(PlanContext& context, PlanNode& node, std::size_t s,
                                   const PlanNode* before) {
  const StripStep& step = node.strips[s];
  const PlanValue &in = value(node.input_ids()[0]), &out = value(node.output_ids()[0]);
  const std::size_t in_row = in.bytes / static_cast<std::size_t>(in.shape[1]),
                    out_row = out.bytes / static_cast<std::size_t>(out.shape[1]);
  const index_t in_start = before == nullptr ? 0 : before->strips[s].kept,
                moved = s == 0 ? 0 : step.kept - node.strips[s - 1].kept, kept = step.strip.first - step.kept;
  if (moved > 0 && kept > 0)  // rows that stay move to the front of the rolling buffer
    std::memmove(out.data, out.data + static_cast<std::size_t>(moved) * out_row,
                 static_cast<std::size_t>(kept) * out_row);
  if (step.strip.count == 0) return {};
  view(node);
  node.inputs[0].data = in.data + static_cast<std::size_t>(step.window - in_start) * in_row;
  node.inputs[0].shape[1] = step.window_rows;
  node.outputs[0].data = out.data + static_cast<std::size_t>(step.strip.first - step.kept) * out_row;
  node.outputs[0].shape[1] = step.strip.count;
  RunContext run(node.inputs, node.outputs, {node.workspace, node.workspace_bytes}, context.threads, nullptr,
                 &step.strip, step.slot);
  return node.kernel->run(node.object, node.attributes, run);
}

}  // namespace lithe::inline v0::runtime
