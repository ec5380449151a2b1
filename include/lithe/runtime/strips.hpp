// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/layout.hpp"
#include "lithe/runtime/plan.hpp"

/// Row streaming: a chain of nodes runs in strips of rows of axis 1, so that what lies between them is a few
/// rolling rows instead of whole tensors. A row is computed once; rows that the next strip needs again are
/// moved to the front.
namespace lithe::inline v0::runtime {

/// What one node of a chain does in one strip.
struct StripStep {
  index_t from = 0, to = 0;             ///< output rows that are new
  index_t window = 0, window_rows = 0;  ///< input rows it reads, clipped to the tensor
  index_t pad_top = 0, pad_bottom = 0;
};

namespace detail {

constexpr index_t clip(index_t v, index_t low, index_t high) { return v < low ? low : v > high ? high : v; }

}  // namespace detail

/// End of the rows of chain node `n`'s output that exist after strip `strip` (-1: before the first).
inline index_t GraphPlan::strip_end(const StripChain& chain, std::int32_t n, index_t strip) {
  const PlanNode& last = nodes[static_cast<std::size_t>(chain.last)];
  index_t end = detail::clip((strip + 1) * chain.rows, 0, value(last.output_ids()[0]).shape[1]);
  for (std::int32_t i = chain.last; i > n && end > 0; --i) {
    const PlanNode& node = nodes[static_cast<std::size_t>(i)];
    describe(node);
    const NodeInfo info{input_info.first(node.inputs.size()), output_info.first(node.outputs.size()),
                        nullptr};
    const RowSpan rows = node.op->rows(node.attributes, info, 0, {end - 1, 1});
    end = detail::clip(rows.first + rows.count, 0, value(node.input_ids()[0]).shape[1]);
  }
  // Rows that the padding alone covers still belong to the last strip.
  if (strip >= 0 && (strip + 1) * chain.rows >= value(last.output_ids()[0]).shape[1])
    end = value(nodes[static_cast<std::size_t>(n)].output_ids()[0]).shape[1];
  return end;
}

inline StripStep GraphPlan::strip_step(const StripChain& chain, std::int32_t n, index_t strip) {
  const PlanNode& node = nodes[static_cast<std::size_t>(n)];
  StripStep step;
  step.from = strip_end(chain, n, strip - 1), step.to = strip_end(chain, n, strip);
  if (step.to <= step.from) return step.to = step.from, step;
  describe(node);
  const NodeInfo info{input_info.first(node.inputs.size()), output_info.first(node.outputs.size()), nullptr};
  const RowSpan need = node.op->rows(node.attributes, info, 0, {step.from, step.to - step.from});
  const index_t height = value(node.input_ids()[0]).shape[1];
  step.window = detail::clip(need.first, 0, height);
  step.window_rows = detail::clip(need.first + need.count, 0, height) - step.window;
  step.pad_top = step.window - need.first > 0 ? -need.first : 0;
  step.pad_bottom = need.first + need.count > height ? need.first + need.count - height : 0;
  return step;
}

/// First row of chain node `n`'s output that is still needed when strip `strip` begins.
inline index_t GraphPlan::strip_keep(const StripChain& chain, std::int32_t n, index_t strip) {
  const StripStep next = strip_step(chain, n + 1, strip);
  return next.to > next.from ? next.window : strip_end(chain, n, strip - 1);
}

inline index_t GraphPlan::strip_count(const StripChain& chain) {
  const index_t height = value(nodes[static_cast<std::size_t>(chain.last)].output_ids()[0]).shape[1];
  return (height + chain.rows - 1) / chain.rows;
}

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
        nodes[static_cast<std::size_t>(n + 1)].input_ids()[0] != node.output_ids()[0])
      return bad;
  }
  return {};
}

/// Reshapes the chain's kernels for each shape of strip, and sizes the rolling rows between them.
inline Status GraphPlan::reshape_chain(PlanContext& context, const StripChain& chain) {
  LITHE_TRY(check_chain(chain));
  for (std::int32_t n = chain.first; n <= chain.last; ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    node.strip_count = 0;
    node.workspace_bytes = 0;
    index_t rows = 0;
    for (index_t s = 0; s < strip_count(chain); ++s) {
      if (n < chain.last) {
        const index_t live = strip_end(chain, n, s) - strip_keep(chain, n, s);
        if (live > rows) rows = live;
      }
      LITHE_TRY(reshape_strip(context, node, strip_step(chain, n, s)).at(index, n));
    }
    PlanValue& out = value(node.output_ids()[0]);
    out.stored = n < chain.last
                     ? static_cast<std::size_t>(rows) * out.bytes / static_cast<std::size_t>(out.shape[1])
                     : 0;
  }
  return {};
}

inline Status GraphPlan::reshape_strip(PlanContext& context, PlanNode& node, const StripStep& step) {
  if (step.to == step.from) return {};
  const Strip strip{step.from, step.to - step.from, step.pad_top, step.pad_bottom};
  if (find_slot(node, step) >= 0) return {};
  if (node.strip_count == strip_slots)
    return {Code::unsupported,
            "a chain needs more than three shapes of strip here: choose another number of rows"};
  const int slot = node.strip_count++;
  node.strips[slot] = {strip, step.window_rows};
  describe(node);
  view(node);
  node.inputs[0].shape[1] = step.window_rows, node.outputs[0].shape[1] = strip.count;
  outputs_as_views(node);
  ReshapeContext reshape{
      {input_info.first(node.inputs.size()), output_info.first(node.outputs.size()), &context.cpu},
      node.inputs,
      output_views.first(node.outputs.size()),
      &strip,
      slot,
      context.threads,
      0};
  LITHE_TRY(node.kernel->reshape(node.object, node.attributes, reshape));
  const std::size_t bytes = align_up(reshape.workspace_bytes, 64);
  if (bytes > node.workspace_bytes) node.workspace_bytes = bytes;
  return {};
}

/// The slot that was reshaped for a strip of this shape, or -1.
inline int GraphPlan::find_slot(const PlanNode& node, const StripStep& step) {
  for (int i = 0; i < node.strip_count; ++i) {
    const PlanNode::StripShape& s = node.strips[i];
    if (s.strip.count == step.to - step.from && s.strip.pad_top == step.pad_top &&
        s.strip.pad_bottom == step.pad_bottom && s.window_rows == step.window_rows)
      return i;
  }
  return -1;
}

inline Status GraphPlan::run_chain(PlanContext& context, std::int32_t first) {
  const StripChain& chain = chains[static_cast<std::size_t>(nodes[static_cast<std::size_t>(first)].chain)];
  const index_t count = strip_count(chain);
  for (index_t s = 0; s < count; ++s)
    for (std::int32_t n = chain.first; n <= chain.last; ++n)
      LITHE_TRY(run_strip(context, chain, n, s).at(index, n));
  return {};
}

inline Status GraphPlan::run_strip(PlanContext& context, const StripChain& chain, std::int32_t n, index_t s) {
  PlanNode& node = nodes[static_cast<std::size_t>(n)];
  const StripStep step = strip_step(chain, n, s);
  const PlanValue &in = value(node.input_ids()[0]), &out = value(node.output_ids()[0]);
  const std::size_t in_row = in.bytes / static_cast<std::size_t>(in.shape[1]),
                    out_row = out.bytes / static_cast<std::size_t>(out.shape[1]);
  index_t out_start = 0, in_start = n == chain.first ? 0 : strip_keep(chain, n - 1, s);
  if (n < chain.last) {  // rows that stay move to the front of the rolling buffer
    out_start = strip_keep(chain, n, s);
    const index_t before = s == 0 ? 0 : strip_keep(chain, n, s - 1),
                  kept = strip_end(chain, n, s - 1) - out_start;
    if (kept > 0 && out_start != before)
      std::memmove(out.data, out.data + static_cast<std::size_t>(out_start - before) * out_row,
                   static_cast<std::size_t>(kept) * out_row);
  }
  if (step.to == step.from) return {};
  view(node);
  node.inputs[0].data = in.data + static_cast<std::size_t>(step.window - in_start) * in_row;
  node.inputs[0].shape[1] = step.window_rows;
  node.outputs[0].data = out.data + static_cast<std::size_t>(step.from - out_start) * out_row;
  node.outputs[0].shape[1] = step.to - step.from;
  const Strip strip{step.from, step.to - step.from, step.pad_top, step.pad_bottom};
  RunContext run(node.inputs, node.outputs, {node.workspace, node.workspace_bytes}, context.threads, nullptr,
                 &strip, find_slot(node, step));
  return node.kernel->run(node.object, node.attributes, run);
}

}  // namespace lithe::inline v0::runtime
