// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/elementwise.hpp"

namespace lithe::inline v0::ops {

/// Limits every element to a range; NaN stays NaN.
///   input [...]    output: the input's shape
/// Units: clamp is in real units, also for s8 and u8, which are quantized per tensor; the output may have
/// another scale.
/// Errors: Code::invalid_model for a clamp with min > max or a quantization out of range; Code::dtype for
/// plain 8-bit integers.
/// Source: ONNX Clip-13 with constant bounds; other forms are Max and Min.
struct Clip {
  struct Attributes {
    Clamp clamp{};
    static constexpr auto fields() { return Fields{field("clamp", &Attributes::clamp)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Clip",
                               .inputs = {"input"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true,
                               .elementwise = true};
  static constexpr TypeRow types[] = {{{f32}, {f32}},   {{f16}, {f16}}, {{f64}, {f64}},
                                      {{bf16}, {bf16}}, {{s8}, {s8}},   {{u8}, {u8}}};
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static Clamp limits(const Attributes& attributes) { return attributes.clamp; }

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::check_clamp(attributes.clamp));
    LITHE_TRY(detail::check_quantization(context, {}));
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return detail::same_rows(node, input, output);
  }
};
static_assert(Operator<Clip>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Clip> Op>
struct Kernel<Op> {
  template <TypeSet types = every_type>
  static Status run(const ops::Clip::Attributes& attributes, RunContext& context) {
    namespace d = ops::detail;
    return d::with_arithmetic<d::reals, types>(context.input(0), [&]<class T>(T) {
      const d::Limits<T> limits(attributes.clamp);
      return d::map_chunks<types, T, T, 1>({&context.input(0)}, context.output(),
                                           [&](const auto& in, index_t n, T* out) -> Status {
                                             std::copy_n(in[0], n, out);
                                             limits.apply(out, n);
                                             return {};
                                           });
    });
  }
};

}  // namespace lithe::inline v0::portable
