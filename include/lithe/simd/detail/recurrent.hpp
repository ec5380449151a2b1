// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/detail/recurrent.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/packed_constants.hpp"
#include "lithe/simd/detail/recurrent_layout.hpp"
#include "lithe/simd/detail/sequences.hpp"

namespace lithe::inline v0::simd::detail {

/// The kernel of a cell, for constant weights: f32, f16, or s8 beside f32, all of which it computes in f32.
template <class Isa, class Cell>
class RecurrentOn {
 public:
  using Op = typename Cell::Op;
  using Attributes = typename Op::Attributes;
  static constexpr auto full_name = isa::joined(Cell::name, Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr std::uint32_t packed_inputs = 0b1000'1110;

  static bool supports(const Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (!Isa::on(*node.cpu) || (dtype != DType::f32 && dtype != DType::f16) || !Cell::takes(a)) return false;
    const auto packable = [&](int i) { return !node.has(i) || node.input(i).constant(); };
    return std::ranges::all_of(constants, packable) && node.input(2).shape[2] > 0;
  }

  /// Whether hidden units fill more than half of a vector, or vectors cannot be shorter.
  static bool fits(const NodeInfo& node) {
    constexpr index_t lanes = Isa::bytes / sizeof(float);
    return lanes <= 4 || node.input(2).shape[2] * 2 > lanes;
  }

  [[gnu::cold]] Status create(const Attributes&, CreateContext& context) {
    const NodeInfo& node = context.node;
    const Layout layout = layout_of(node);
    const index_t directions = node.input(2).shape[0];
    PackingHash arguments;
    arguments.add(node.input(1).dtype).add(directions).add(layout.inputs).add(layout.hidden);
    if (node.input(1).dtype == DType::s8)
      for (const int i : {1, 2}) {
        const Quantization& q = *node.input(i).quantization;
        for (index_t row = 0; row < q.count; ++row) arguments.add(q.scale_at(row));
      }
    for (const int i : {2, 7}) arguments.add(node.has(i) ? node.input(i).buffer : -1);
    const PackingKey key{context.model_id, PackingHash{}.add(std::string_view(name)).value(),
                         arguments.value(), node.input(1).buffer, node.has(3) ? node.input(3).buffer : -1};
    const bool shareable =
        std::ranges::all_of(constants, [&](int i) { return !node.has(i) || node.input(i).buffer >= 0; });
    const std::uint64_t count = static_cast<std::uint64_t>(directions) * layout.floats();
    return packed_.pack(context, shareable ? &key : nullptr, count, [&](float* to) {
      if (node.input(1).dtype == DType::s8)
        pack<std::int8_t, float>(node, layout, to);
      else if (node.input(1).dtype == DType::f16)
        pack<half, half>(node, layout, to);
      else
        pack<float, float>(node, layout, to);
    });
  }

  [[gnu::cold]] static Status reshape(const Attributes&, ReshapeContext& context) {
    const Shape &input = context.inputs[0].shape, &recurrence = context.inputs[2].shape;
    const RecurrentWorkspace<Isa, Cell> one(input, recurrence[2], context.inputs[0].dtype == DType::f16);
    return ops::detail::ask_workspace(
        context, static_cast<std::uint64_t>(recurrence[0]) * one.floats() * sizeof(float));
  }

  Status run(const Attributes& a, RunContext& context) const {
    LITHE_TRY(ops::detail::check_sequence_lengths(context));
    const TensorView& input = context.input(0);
    const Shape& recurrence = context.input(2).shape;
    const Layout layout{input.shape[2], recurrence[2], context.has(7)};
    const std::uint64_t packed = layout.floats(),
                        memory = RecurrentWorkspace<Isa, Cell>(input.shape, recurrence[2],
                                                               input.dtype == DType::f16)
                                     .floats();
    auto* workspace = reinterpret_cast<float*>(context.workspace().data());
    const index_t directions = recurrence[0], rows = input.shape[0] * input.shape[1];
    const bool shared =
        rows * Layout::all_gates * layout.hidden * (layout.inputs + layout.hidden) >= least_shared;
    ops::detail::in_parallel(shared ? context.threads() : nullptr, directions, [&](index_t d) {
      const auto n = static_cast<std::uint64_t>(d);
      Sequences<Isa, Cell> sequences(a, context, d, layout, packed_.data() + n * packed,
                                     workspace + n * memory);
      sequences.run(directions > 1 ? nullptr : context.threads());
    });
    return {};
  }

 private:
  using Layout = PackedRecurrence<Isa, Cell>;
  /// Multiply-adds of a direction, fewer than which take less time than another thread to wake up.
  static constexpr index_t least_shared = 48 * 1024;
  static constexpr int constants[] = {1, 2, 3, 7};  ///< weight, recurrence, bias, peephole

  static Layout layout_of(const NodeInfo& node) {
    return {node.input(1).shape[2], node.input(2).shape[2], node.has(7)};
  }

  template <class W, class T>
  [[gnu::cold]] static void pack(const NodeInfo& node, const Layout& layout, float* to) {
    const index_t rows = Layout::all_gates * layout.hidden;
    for (index_t d = 0; d < node.input(2).shape[0]; ++d) {
      const auto weights = [&](int i) {
        const ValueInfo& v = node.input(i);
        const index_t length = v.shape[2];
        return ops::detail::GateWeights<W>{static_cast<const W*>(v.data) + d * rows * length, v.quantization,
                                           length};
      };
      const auto part = [&](int i, index_t elements) {
        return node.has(i) ? static_cast<const T*>(node.input(i).data) + d * elements : nullptr;
      };
      layout.pack(weights(1), weights(2), part(3, 2 * rows), part(7, 3 * layout.hidden),
                  to + static_cast<std::uint64_t>(d) * layout.floats());
    }
  }

  PackedConstants packed_;
};

/// The kernel where its vectors fit the hidden units; shorter ones come later in the list.
template <class Kernel>
struct Fitting : Kernel {
  static bool supports(const typename Kernel::Attributes& a, const NodeInfo& node) {
    return Kernel::supports(a, node) && Kernel::fits(node);
  }
};

}  // namespace lithe::inline v0::simd::detail
