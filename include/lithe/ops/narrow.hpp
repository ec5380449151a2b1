// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/elementwise.hpp"

namespace lithe::inline v0::ops {

/// The type to whose numbers Narrow rounds.
enum class NarrowType : std::uint8_t { f16, bf16 };
constexpr auto enum_names(NarrowType) { return std::array{"f16", "bf16"}; }

/// Rounds every element to the nearest number of a narrower type, ties to even; the element type stays.
///   input [...]    output: the input's shape
/// Beyond the largest number of that type: infinity. Runs in place. A Cast alone does not round where the
/// processor computes in f32 instead of the type that the file declares.
/// Source: ONNX Cast-25, to FLOAT16 and BFLOAT16.
struct Narrow {
  struct Attributes {
    NarrowType to = NarrowType::f16;
    static constexpr auto fields() { return Fields{field("to", &Attributes::to)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Narrow", .inputs = {"input"}, .outputs = {"output"}, .in_place = true, .elementwise = true};
  static constexpr TypeRow types[] = {{{f32}, {f32}}, {{f64}, {f64}}};
  static constexpr bool rounds = true;

  static Status infer(const Attributes&, InferContext& context) {
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return detail::same_rows(node, input, output);
  }
};
static_assert(Operator<Narrow>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Narrow> Op>
struct Kernel<Op> {
  static Status run(const ops::Narrow::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    if (input.dtype == DType::f64) return map<double>(input, output, a.to);
    return map<float>(input, output, a.to);
  }

 private:
  template <class T>
  static Status map(const TensorView& input, const Tensor& output, ops::NarrowType to) {
    return ops::detail::map_chunks<every_type, T, T, 1>(
        {&input}, output, [&](const auto& in, index_t n, T* __restrict out) -> Status {
          for (index_t i = 0; i < n; ++i) out[i] = narrow(in[0][i], to);
          return {};
        });
  }
  static float narrow(float x, ops::NarrowType to) {
    return to == ops::NarrowType::f16 ? static_cast<float>(half(x)) : static_cast<float>(bfloat16(x));
  }
  static double narrow(double x, ops::NarrowType to) {
    const auto format = ops::detail::small_float(to == ops::NarrowType::f16 ? DType::f16 : DType::bf16);
    return ops::detail::decode(ops::detail::encode(x, format, false), format);
  }
};

}  // namespace lithe::inline v0::portable
