// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0::ops {

/// Runs a subgraph, the body, again and again.
///   trips: one s64, optional    condition: one bool, optional    carried...: `carried` values before the first
///   iteration    captured...: what the body reads besides
///   outputs...: the carried values after the last iteration, then the collected ones: what the body gives in each
///   iteration, joined along a new axis 0
/// The body takes the iteration's number (one s64), the condition (one bool), the carried and the captured values. It
/// gives the condition of the next iteration, the carried values, and one element of each collected output. The loop
/// ends after `trips` iterations, or before the first one whose condition is false.
/// Shapes: a carried output is exact where the body keeps its shape. A collected output is exact where the number of
/// trips is known and `counted` is set, and bounded where the number is known. Everything else depends on the data.
/// Errors: Code::shape if the number or the condition is not one element, or if an element of a collected output
/// changes its shape; Code::dtype if the body gives another dtype than the node; Code::needs_value where shapes
/// depend on contents that are not known yet; Code::limit after max_iterations.
/// Source: ONNX Loop-25.
struct Loop {
  struct Attributes {
    std::int32_t carried = 0;  ///< number of carried values
    bool counted = false;      ///< the body never makes the condition false
    static constexpr auto fields() {
      return Fields{field("carried", &Attributes::carried), field("counted", &Attributes::counted)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Loop",
                               .inputs = {"trips?", "condition?", "values?..."},
                               .outputs = {"outputs..."},
                               .subgraphs = 1};
  static constexpr TypeRow types[] = {{{s64, boolean, any_output}, {any_output}}};
  static constexpr int max_values = 64;

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.carried < 0 || a.carried > context.outputs() || a.carried + 2 > std::max(context.inputs(), 2))
      return {Code::invalid_model, "a Loop carries more values than it has inputs or outputs"};
    if (context.inputs() > max_values || context.outputs() >= max_values)
      return {Code::unsupported, "a Loop with more than 60 values"};
    for (int k = 0; k < a.carried; ++k)
      if (!context.has_output(k)) return {Code::invalid_model, "a value that a Loop carries has no output"};
    for (int i = 0; i < std::min(context.inputs(), 2); ++i)
      if (context.has(i) && context.shape(i).elements() != 1)
        return {Code::shape, "the trips or the condition of a Loop is not one element"};
    if (context.subgraphs() == nullptr) return {Code::unsupported, "no session to infer a subgraph in"};

    InferContext::Input inputs[max_values];
    InferContext::Output results[max_values];
    LITHE_TRY(infer_body(a, context, inputs, results));
    bool steady = true;
    for (int k = 0; k < a.carried; ++k)
      steady &= results[1 + k].extent == Extent::exact && results[1 + k].shape == context.shape(2 + k);
    if (!steady && !context.running())
      return {Code::needs_value, "a loop's body changes the shapes that the loop carries"};
    for (int k = 0; k < a.carried; ++k)
      LITHE_TRY(steady ? context.output(k, context.shape(2 + k))
                       : context.output_at_most(k, context.shape(2 + k)));
    for (int o = a.carried; o < context.outputs(); ++o)
      LITHE_TRY(collected(a, context, o, results[1 + o], steady));
    return {};
  }

 private:
  static Status infer_body(const Attributes& a, InferContext& context, InferContext::Input* inputs,
                           InferContext::Output* results) {
    const auto values = static_cast<std::size_t>(std::max(context.inputs(), 2));
    inputs[0].tensor = TensorView(nullptr, s64, Shape{});
    inputs[1].tensor = TensorView(nullptr, boolean, Shape{});
    for (std::size_t i = 2; i < values; ++i) {
      inputs[i] = context.inputs_from(0)[i];
      if (i >= 2 + static_cast<std::size_t>(a.carried)) continue;
      inputs[i].tensor.data = nullptr;  // a carried value has other contents in the next iteration
      inputs[i].known = false;
    }
    const auto count = static_cast<std::size_t>(context.outputs()) + 1;
    LITHE_TRY(context.subgraphs()->infer(0, {inputs, values}, {results, count}));
    if (results[0].dtype != boolean)
      return {Code::dtype, "the body of a Loop gives no bool as its condition"};
    for (int o = 0; o < context.outputs(); ++o)
      if (context.has_output(o) && results[1 + o].dtype != context.output_dtype(o))
        return {Code::dtype, "an output of a Loop has another dtype than its body gives"};
    return {};
  }

  /// Sets collected output `o`, of which the body gives an element `one`.
  static Status collected(const Attributes& a, InferContext& context, int o, const InferContext::Output& one,
                          bool steady) {
    const TensorView* const trips = context.has(0) ? context.value(0) : nullptr;
    const TensorView* const condition = context.inputs() > 1 && context.has(1) ? context.value(1) : nullptr;
    const bool starts =
        context.inputs() < 2 || !context.has(1) || (condition != nullptr && integer_at(*condition, 0) != 0);
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    Shape shape{static_cast<index_t>(
        trips == nullptr ? 0 : std::clamp<std::int64_t>(integer_at(*trips, 0), 0, most))};
    if (one.shape.rank() == max_rank) return {Code::shape, "a collected output of a Loop is beyond rank 8"};
    for (const index_t d : one.shape.dims()) shape.push_back(d);
    std::uint64_t bytes = 0;
    const bool bounded = trips != nullptr && shape.valid() &&
                         shape.checked_bytes(context.output_dtype(o), context.max_bytes(), bytes);
    if (bounded && a.counted && starts && steady && one.extent == Extent::exact)
      return context.output(o, shape);
    if (bounded && steady && one.extent != Extent::unknown) return context.output_at_most(o, shape);
    if (!context.running()) return {Code::needs_value, "the length of a loop's output depends on the data"};
    shape[0] = 0;
    return context.output_at_most(o, shape);
  }
};
static_assert(Operator<Loop>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

/// The outputs hold the carried values between iterations. Non-steady and uncounted outputs grow while the loop runs.
template <std::same_as<ops::Loop> Op>
struct Kernel<Op> {
  static Status reshape(const Op::Attributes&, ReshapeContext& context) {
    context.workspace(sizeof(Scalars) +
                      (values(context.inputs.size()) + context.outputs.size() + 1) * sizeof(TensorView));
    return {};
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    Iteration loop(a, context);
    LITHE_TRY(loop.start());
    const bool endless = !context.has(0);
    const std::int64_t trips = endless ? 0 : integer_at(context.input(0), 0);
    std::int64_t& i = loop.scalars->iteration;
    for (; (endless || i < trips) && loop.scalars->condition; ++i) {
      if (static_cast<std::uint64_t>(i) >= context.max_iterations())
        return {Code::limit, "a loop did not end within max_iterations"};
      LITHE_TRY(loop.step());
    }
    return loop.finish();
  }

 private:
  struct Scalars {
    std::int64_t iteration;
    bool condition;
  };
  static constexpr std::size_t values(std::size_t inputs) { return std::max<std::size_t>(inputs, 2); }

  struct Iteration {
    Iteration(const Op::Attributes& attributes, RunContext& run) : a(attributes), context(run) {
      scalars = new (context.workspace().data()) Scalars{0, true};
      auto* const views = reinterpret_cast<TensorView*>(scalars + 1);
      const std::size_t in = values(static_cast<std::size_t>(context.inputs()));
      const std::size_t out = static_cast<std::size_t>(context.outputs()) + 1;
      std::uninitialized_value_construct_n(views, in + out);
      inputs = {views, in};
      results = {views + in, out};
    }

    Status start() {
      if (context.has(1)) scalars->condition = integer_at(context.input(1), 0) != 0;
      inputs[0] = TensorView(&scalars->iteration, DType::s64, Shape{});
      inputs[1] = TensorView(&scalars->condition, DType::boolean, Shape{});
      for (int i = 2 + a.carried; i < context.inputs(); ++i)
        inputs[static_cast<std::size_t>(i)] = context.input(i);
      for (int k = 0; k < a.carried; ++k) LITHE_TRY(set(k, context.input(2 + k)));
      return {};
    }

    Status step() {
      for (int k = 0; k < a.carried; ++k) inputs[2 + static_cast<std::size_t>(k)] = context.output(k);
      LITHE_TRY(context.call(0, inputs, results));
      for (int o = 0; o < context.outputs(); ++o) {
        const TensorView& result = results[1 + static_cast<std::size_t>(o)];
        if (context.has_output(o) && (result.dtype != context.output(o).dtype || !result.dense()))
          return {Code::kernel, "a subgraph gave another tensor than it announced"};
      }
      const bool next = integer_at(results[0], 0) != 0;
      for (int o = a.carried; o < context.outputs(); ++o) LITHE_TRY(append(o));
      LITHE_TRY(carry());
      scalars->condition = next;
      return {};
    }

    /// Collected outputs end where the loop did.
    Status finish() {
      for (int o = a.carried; o < context.outputs(); ++o) {
        if (!context.has_output(o) || context.output(o).shape[0] == scalars->iteration) continue;
        Shape shape = context.output(o).shape;
        shape[0] = static_cast<index_t>(scalars->iteration);
        LITHE_TRY(context.resize_output(o, shape, Contents::kept));
      }
      return {};
    }

    /// Copies a carried value into its output.
    Status set(int k, const TensorView& value) {
      if (!(value.shape == context.output(k).shape)) LITHE_TRY(context.resize_output(k, value.shape));
      const Tensor& output = context.output(k);
      if (value.bytes() != 0 && value.data != output.data)
        std::memmove(output.data, value.data, value.bytes());
      return {};
    }

    Status append(int o) {
      if (!context.has_output(o)) return {};
      const TensorView& one = results[1 + static_cast<std::size_t>(o)];
      const auto i = static_cast<index_t>(scalars->iteration);
      const Shape& before = context.output(o).shape;
      bool same = before.rank() == one.shape.rank() + 1;
      for (int d = 0; same && d < one.shape.rank(); ++d) same = before[d + 1] == one.shape[d];
      if (!same && i != 0) return {Code::shape, "an element of a loop's collected output changes its shape"};
      if (!same || before[0] <= i) {
        if (one.shape.rank() == max_rank)
          return {Code::shape, "a collected output of a Loop is beyond rank 8"};
        Shape shape{i + 1};
        for (const index_t d : one.shape.dims()) shape.push_back(d);
        LITHE_TRY(context.resize_output(o, shape, Contents::kept));
      }
      if (one.bytes() != 0)
        std::memcpy(
            static_cast<std::byte*>(context.output(o).data) + static_cast<std::size_t>(i) * one.bytes(),
            one.data, one.bytes());
      return {};
    }

    /// Whether the result of carried value `from` lies in the memory of carried value `k`.
    bool reads(int from, int k) const {
      const Tensor& output = context.output(k);
      const auto* const at = static_cast<const std::byte*>(results[1 + static_cast<std::size_t>(from)].data);
      const auto* const begin = static_cast<const std::byte*>(output.data);
      return output.bytes() != 0 && at >= begin && at < begin + output.bytes();
    }

    /// Takes the body's carried results over. A body that only hands its inputs on gives views of other carried
    /// values: a value is overwritten after the last result that lies in it was copied, and where results lie in each
    /// other's place, one of them waits in scratch memory.
    Status carry() {
      const auto bit = [](int k) { return std::uint64_t{1} << k; };
      std::uint64_t readers[Op::max_values] = {};  // the other values whose results lie in a value's memory
      for (int k = 0; k < a.carried; ++k)
        for (int from = 0; from < a.carried; ++from)
          if (from != k && reads(from, k)) readers[k] |= bit(from);
      for (std::uint64_t waiting = bit(a.carried) - 1; waiting != 0;) {
        int free = 0;
        while (free < a.carried && ((waiting & bit(free)) == 0 || (readers[free] & waiting) != 0)) ++free;
        if (free < a.carried) {
          LITHE_TRY(set(free, results[static_cast<std::size_t>(1 + free)]));
          waiting &= ~bit(free);
        } else {
          const int first = std::countr_zero(waiting);
          LITHE_TRY(set_aside(first));
          for (std::uint64_t& mask : readers) mask &= ~bit(first);
        }
      }
      return {};
    }

    Status set_aside(int k) {
      TensorView& result = results[1 + static_cast<std::size_t>(k)];
      std::span<std::byte> memory;
      LITHE_TRY(context.scratch(k, result.bytes(), memory));
      std::memcpy(memory.data(), result.data, result.bytes());
      result.data = memory.data();
      return {};
    }

    const Op::Attributes& a;
    RunContext& context;
    Scalars* scalars;
    std::span<TensorView> inputs, results;
  };
};

}  // namespace lithe::inline v0::portable
