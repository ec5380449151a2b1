// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/services.hpp"

/// Row streaming: a chain of nodes runs in strips of rows of axis 1, so that a few rolling rows lie between
/// the nodes instead of whole tensors. Each row is computed once; rows that a later strip needs again move to
/// the front of their buffer.
namespace lithe::inline v0::runtime {

/// Gives the plan its chains. Errors: Code::invalid_argument for a node that does not exist or belongs to two
/// chains.
[[gnu::cold]] inline Status mark_chains(Planning& planning, Plan& plan, std::span<const StripChain> wanted) {
  std::span<StripChain> chains;
  if (!planning.arena->array(wanted.size(), chains)) return out_of_arena();
  for (std::size_t i = 0; i < chains.size(); ++i) {
    chains[i] = wanted[i];
    if (chains[i].first < 0 || chains[i].last >= plan.steps())
      return {Code::invalid_argument, "a strip chain names a missing node"};
    for (std::int32_t n = chains[i].first; n <= chains[i].last; ++n) {
      if (plan.node(n).chain >= 0) return {Code::invalid_argument, "a node belongs to two strip chains"};
      plan.node(n).chain = static_cast<std::int32_t>(i);
    }
  }
  plan.chains = chains;
  return {};
}

/// The number of the chain's node that computes the value, or -1 if it comes from outside of the chain.
[[gnu::cold]] inline std::int32_t writer_in(const Plan& plan, const StripChain& chain, std::int32_t id) {
  for (std::int32_t n = chain.first; n <= chain.last; ++n)
    if (plan.node(n).output_ids()[0] == id) return n;
  return -1;
}

/// Whether rows can be cut out of a value: it is a batch of one image, channels last.
inline bool has_rows(const PlanValue& v) {
  return v.shape.rank() == 4 && v.shape[0] == 1 && v.extent == Extent::exact && v.bytes != 0;
}

/// Whether input `i` of node `n` may be read in strips: it has rows, or it is needed whole and no node of the
/// chain computes it.
[[gnu::cold]] inline bool streamable_input(const Plan& plan, const StripChain& chain, std::int32_t n,
                                           const NodeInfo& info, std::size_t i) {
  const PlanNode& node = plan.node(n);
  const std::int32_t id = node.input_ids()[i];
  if (id < 0) return true;
  const PlanValue& v = plan.value(id);
  if (v.extent != Extent::exact) return false;
  const index_t height = info.output().shape[1];
  const bool windowed = node.op->rows(node.attributes, info, static_cast<int>(i), {0, height}).count != 0;
  return windowed ? has_rows(v) : writer_in(plan, chain, id) < 0;
}

/// Checks that the chain's nodes can run in rows and that the chain alone reads what lies between them.
/// Errors: Code::invalid_argument.
[[gnu::cold]] inline Status check_chain(const Services& services, Plan& plan, const StripChain& chain) {
  constexpr Status bad{
      Code::invalid_argument,
      "a strip chain must be a sequence of row-streamable nodes whose results the chain alone reads"};
  if (chain.first < 0 || chain.last >= plan.steps() || chain.first >= chain.last || chain.rows < 1)
    return bad;
  for (std::int32_t n = chain.first; n <= chain.last; ++n) {
    const PlanNode& node = plan.node(n);
    if (node.op->rows == nullptr || node.early || node.varies() || node.output_ids().size() != 1 ||
        !has_rows(plan.value(node.output_ids()[0])))
      return bad;
  }
  for (std::int32_t n = chain.first; n <= chain.last; ++n) {
    const PlanNode& node = plan.node(n);
    const NodeDescription description(plan, node, services.cpu);
    bool inside = false;
    for (std::size_t i = 0; i < node.input_ids().size(); ++i) {
      if (!streamable_input(plan, chain, n, description.info(), i)) return bad;
      inside |= node.input_ids()[i] >= 0 && writer_in(plan, chain, node.input_ids()[i]) >= 0;
    }
    if (!inside && n != chain.first) return bad;
    if (n == chain.last) break;
    std::int32_t readers = 0;
    for (std::int32_t reader = n + 1; reader <= chain.last; ++reader)
      for (std::int32_t id : plan.node(reader).input_ids()) readers += id == node.output_ids()[0] ? 1 : 0;
    if (plan.value(node.output_ids()[0]).readers != readers || readers == 0) return bad;
  }
  return {};
}

/// Calls use(reader, i) for each input `i` of a later node of the chain that reads the node's output.
template <class Use>
void for_each_reader(Plan& plan, const StripChain& chain, std::int32_t writer, Use use) {
  const std::int32_t id = plan.node(writer).output_ids()[0];
  for (std::int32_t n = writer + 1; n <= chain.last; ++n) {
    PlanNode& reader = plan.node(n);
    for (std::size_t i = 0; i < reader.inputs.size(); ++i)
      if (reader.input_ids()[i] == id) use(reader, i);
  }
}

/// Where the output rows of strip `s` end: the last node gives `chain.rows` rows in each strip, the others
/// give the rows that their readers need by then. `done` is where the strip before ended.
[[gnu::cold]] inline index_t strip_end(Plan& plan, const StripChain& chain, std::int32_t n, std::size_t s,
                                       index_t done) {
  const PlanNode& node = plan.node(n);
  const index_t height = plan.value(node.output_ids()[0]).shape[1];
  if (s + 1 == node.strips.size()) return height;  // rows that nothing reads belong to the last strip
  index_t end = done;
  if (n == chain.last) end = (static_cast<index_t>(s) + 1) * chain.rows;
  for_each_reader(plan, chain, n, [&](const PlanNode& reader, std::size_t i) {
    const StripWindow& window = reader.windows_of(s)[i];
    if (reader.strips[s].strip.count > 0) end = std::max(end, window.first + window.count);
  });
  return std::clamp(end, done, height);
}

/// Sets the rows of each input that the node's strip `s` reads, clipped to the tensor, and the padding that
/// is left above and below them.
[[gnu::cold]] inline void cut_windows(Plan& plan, PlanNode& node, const NodeInfo& info, std::size_t s) {
  Strip& strip = node.strips[s].strip;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!info.has(static_cast<int>(i))) continue;
    const RowSpan need =
        node.op->rows(node.attributes, info, static_cast<int>(i), {strip.first, strip.count});
    if (need.count == 0) continue;
    const index_t height = plan.value(node.input_ids()[i]).shape[1], end = need.first + need.count;
    StripWindow& window = node.windows_of(s)[i];
    window.first = std::clamp<index_t>(need.first, 0, height);
    window.count = std::clamp<index_t>(end, 0, height) - window.first;
    if (i != 0) continue;
    strip.pad_top = std::max<index_t>(0, -need.first);
    strip.pad_bottom = std::max<index_t>(0, end - height);
  }
}

/// Works out what one node of the chain computes in every strip: the rows that its readers need and that no
/// earlier strip computed.
[[gnu::cold]] inline Fit cut_node(Planning& planning, Plan& plan, const StripChain& chain, std::int32_t n,
                                  std::size_t count) {
  PlanNode& node = plan.node(n);
  const std::size_t windows = count * node.inputs.size();
  LITHE_TRY(keep(planning, node.strip_table, count * sizeof(StripStep) + windows * sizeof(StripWindow)));
  node.strips = {new (node.strip_table.data) StripStep[count], count};
  node.windows = {new (node.strip_table.data + count * sizeof(StripStep)) StripWindow[windows], windows};
  const NodeDescription description(plan, node, planning.services->cpu);
  const KernelEntry& kernel = *node.kernel.entry;
  index_t done = 0;
  for (std::size_t s = 0; s < count; ++s) {
    const index_t end = strip_end(plan, chain, n, s, done);
    node.strips[s].strip = {done, end - done, 0, 0};
    if (end > done) {
      cut_windows(plan, node, description.info(), s);
      if (kernel.takes_strip != nullptr &&
          !kernel.takes_strip(node.attributes, description.info(), node.strips[s].strip))
        return Status{Code::unsupported,
                      "a kernel does not take a strip of the chain: choose another number of rows"};
    }
    done = end;
  }
  return {};
}

/// Sets which rows stay in the node's rolling buffer: those from the first one that a reader needs in this
/// strip or a later one.
[[gnu::cold]] inline void keep_rows(Plan& plan, const StripChain& chain, std::int32_t n) {
  PlanNode& node = plan.node(n);
  for (std::size_t s = 0; s < node.strips.size(); ++s) {
    StripStep& step = node.strips[s];
    if (n == chain.last) break;  // its output is whole
    step.kept = step.strip.first;
    for_each_reader(plan, chain, n, [&](const PlanNode& reader, std::size_t i) {
      std::size_t next = s;
      while (next < reader.strips.size() && reader.strips[next].strip.count == 0) ++next;
      if (next < reader.strips.size()) step.kept = std::min(step.kept, reader.windows_of(next)[i].first);
    });
  }
  for_each_reader(plan, chain, n, [&](PlanNode& reader, std::size_t i) {
    for (std::size_t s = 0; s < reader.strips.size(); ++s)
      reader.windows_of(s)[i].front = node.strips[s].kept;
  });
}

/// Cuts every chain into strips, from its last node to its first. Errors: Code::invalid_argument for nodes
/// that cannot be a chain; Code::unsupported for a kernel that does not take one of the strips.
[[gnu::cold]] inline Fit cut_chains(Planning& planning, Plan& plan) {
  for (const StripChain& chain : plan.chains) {
    LITHE_TRY(check_chain(*planning.services, plan, chain));
    const index_t rows = plan.value(plan.node(chain.last).output_ids()[0]).shape[1];
    const auto count = static_cast<std::size_t>((rows + chain.rows - 1) / chain.rows);
    for (std::int32_t n = chain.last; n >= chain.first; --n) {
      LITHE_TRY(cut_node(planning, plan, chain, n, count).at(plan.index, n));
      keep_rows(plan, chain, n);
    }
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
