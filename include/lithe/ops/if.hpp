// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Runs one of two subgraphs: subgraph 0 where the condition is true, else subgraph 1.
///   condition: one bool    captured...: what the subgraphs read, of any dtypes    outputs...: those of the
///   subgraph
/// Both subgraphs take all captured values in order and have as many outputs as the node. If infer knows the
/// condition, that subgraph decides the shapes. Otherwise an output shape is exact where both subgraphs
/// agree, and an upper bound (output_at_most) where they agree in rank only. A subgraph that refuses the
/// shapes then has no say; run fails if it is chosen after all.
/// Errors: Code::shape if the condition is not one element, or if both subgraphs refuse; Code::dtype if a
/// subgraph's output has another dtype than the node's; Code::needs_value if the subgraphs disagree in rank
/// and the condition is not known yet.
/// Source: ONNX If-19.
struct If {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "If", .inputs = {"condition", "captured?..."}, .outputs = {"outputs..."}, .subgraphs = 2};
  static constexpr TypeRow types[] = {{{boolean, any_output}, {any_output}}};
  static constexpr int max_outputs = 32;

  static Status infer(const Attributes&, InferContext& context) {
    if (context.shape(0).elements() != 1) return {Code::shape, "the condition of an If is not one element"};
    if (context.outputs() > max_outputs) return {Code::unsupported, "an If with more than 32 outputs"};
    if (context.subgraphs() == nullptr) return {Code::unsupported, "no session to infer a subgraph in"};
    InferContext::Output results[max_outputs];
    if (const TensorView* condition = context.value(0); condition != nullptr) {
      LITHE_TRY(branch(context, integer_at(*condition, 0) != 0 ? 0 : 1, results));
      for (int o = 0; o < context.outputs(); ++o)
        LITHE_TRY(results[o].extent == Extent::at_most ? context.output_at_most(o, results[o].shape)
                                                       : context.output(o, results[o].shape));
      return {};
    }
    InferContext::Output otherwise[max_outputs];
    const Status then_status = branch(context, 0, results), else_status = branch(context, 1, otherwise);
    if (!then_status.ok() && (then_status.code() != Code::shape || !else_status.ok())) return then_status;
    if (!else_status.ok() && else_status.code() != Code::shape) return else_status;
    const InferContext::Output* const a = then_status.ok() ? results : otherwise;
    const InferContext::Output* const b = else_status.ok() ? otherwise : results;
    for (int o = 0; o < context.outputs(); ++o) LITHE_TRY(either(context, o, a[o], b[o]));
    return {};
  }

 private:
  /// Sets output `o`, which one subgraph gives as `a` and the other as `b`.
  static Status either(InferContext& context, int o, const InferContext::Output& a,
                       const InferContext::Output& b) {
    if (a.shape == b.shape && a.extent == Extent::exact && b.extent == Extent::exact)
      return context.output(o, a.shape);
    if (a.shape.rank() != b.shape.rank())
      return {Code::needs_value, "the branches of an If give different ranks: its condition decides"};
    Shape largest;
    for (int d = 0; d < a.shape.rank(); ++d) largest.push_back(std::max(a.shape[d], b.shape[d]));
    return context.output_at_most(o, largest);
  }

  static Status branch(InferContext& context, int subgraph, InferContext::Output* results) {
    const auto count = static_cast<std::size_t>(context.outputs());
    std::fill(results, results + count, InferContext::Output{});
    LITHE_TRY(context.subgraphs()->infer(subgraph, context.inputs_from(1), {results, count}));
    for (int o = 0; o < context.outputs(); ++o) {
      if (!context.has_output(o)) continue;
      if (results[o].dtype != context.output_dtype(o))
        return {Code::dtype, "an output of an If has another dtype than its branch gives"};
      if (results[o].extent != Extent::unknown) continue;
      if (!context.running())
        return {Code::needs_value, "a branch of an If has a shape that depends on contents"};
      results[o].shape = Shape{0};  // run() takes the branch's own
      results[o].extent = Extent::at_most;
    }
    return {};
  }
};
static_assert(Operator<If>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

/// Copies the results out of the subgraph's tensors, which live until the next call.
template <std::same_as<ops::If> Op>
struct Kernel<Op> {
  static Status reshape(const ops::If::Attributes&, ReshapeContext& context) {
    context.workspace(context.outputs.size() * sizeof(TensorView));
    return {};
  }

  static Status run(const ops::If::Attributes&, RunContext& context) {
    const auto count = static_cast<std::size_t>(context.outputs());
    auto* const results = reinterpret_cast<TensorView*>(context.workspace().data());
    std::uninitialized_value_construct_n(results, count);
    const bool holds = integer_at(context.input(0), 0) != 0;
    LITHE_TRY(context.call(holds ? 0 : 1, context.inputs_from(1), {results, count}));
    for (int o = 0; o < context.outputs(); ++o) {
      if (!context.has_output(o)) continue;
      const TensorView& result = results[o];
      if (result.dtype != context.output(o).dtype || !result.dense())
        return {Code::kernel, "a subgraph gave another tensor than it announced"};
      if (!(result.shape == context.output(o).shape)) LITHE_TRY(context.resize_output(o, result.shape));
      LITHE_TRY(ops::detail::copy_all(result, context.output(o)));
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
