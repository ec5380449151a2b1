// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/operator.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/runtime/plan.hpp"

namespace lithe::inline v0::runtime {

/// A node's NodeInfo at the current shapes. It lies in the plan's scratch tables, so that one at a time may
/// live.
class NodeDescription {
 public:
  [[gnu::cold]] NodeDescription(Plan& plan, const PlanNode& node, const Cpu& cpu) : scratch_(plan.scratch) {
    assert(!scratch_.described);
    scratch_.described = true;
    fill(plan, node.input_ids(), scratch_.input_info);
    fill(plan, node.output_ids(), scratch_.output_info);
    info_ = {scratch_.input_info.first(node.input_ids().size()),
             scratch_.output_info.first(node.output_ids().size()), &cpu};
  }
  NodeDescription(const NodeDescription&) = delete;
  NodeDescription& operator=(const NodeDescription&) = delete;
  ~NodeDescription() { scratch_.described = false; }

  const NodeInfo& info() const { return info_; }
  /// Replaces the contents of constant input `i`.
  void set_contents(std::size_t i, const void* data) { scratch_.input_info[i].data = data; }

 private:
  static void fill(const Plan& plan, std::span<const std::int32_t> ids, std::span<ValueInfo> info) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      info[i] = {};
      if (ids[i] < 0) continue;
      const PlanValue& v = plan.value(ids[i]);
      info[i].dtype = v.dtype;
      info[i].shape = v.shape;
      info[i].quantization = v.quantization;
      info[i].buffer = v.buffer;
      if (v.buffer >= 0) info[i].data = v.contents;
    }
  }

  Plan::Scratch& scratch_;
  NodeInfo info_;
};

inline TensorView view_of(const PlanValue& v) {
  TensorView view(v.contents != nullptr ? v.contents : v.data, v.dtype, v.shape, v.quantization);
  view.pitch = v.pitch;
  return view;
}

/// Fills the node's tensors: shapes, pitches and where the data lie now.
inline void view(const Plan& plan, const PlanNode& node) {
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] >= 0) node.inputs[i] = view_of(plan.value(in[i]));
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    const PlanValue& v = plan.value(out[o]);
    node.outputs[o] = Tensor(v.data, v.dtype, v.shape, v.quantization);
    node.outputs[o].pitch = v.pitch;
  }
}

}  // namespace lithe::inline v0::runtime
