// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/elementwise.hpp"

namespace lithe::inline v0::ops {

/// Replaces every byte by the table's entry for it: what a chain of element-wise operators makes of one 8-bit
/// tensor.
///   input [...]    table [256], plain bytes: entry i for the byte i (of s8: 0 ... 127, then -128 ... -1)
///   output: the input's shape, the table's dtype
/// Input and output may have any quantization: the table was made for it.
/// Errors: Code::shape for a table that is not [256].
/// Source: lithe's converter, which computes the table from the operators that it stands for.
struct LookupTable {
  struct Attributes {
    static constexpr auto fields() { return Fields{}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "LookupTable", .inputs = {"input", "table"}, .outputs = {"output"}, .in_place = true};
  static constexpr TypeRow types[] = {{{s8, s8}, {s8}}, {{u8, u8}, {u8}}, {{s8, u8}, {u8}}, {{u8, s8}, {s8}}};

  static Status infer(const Attributes&, InferContext& context) {
    if (context.shape(1) != Shape{256}) return {Code::shape, "a lookup table has shape [256]"};
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return input == 0 ? detail::same_rows(node, input, output) : RowSpan{0, 0};
  }
};
static_assert(Operator<LookupTable>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::LookupTable> Op>
struct Kernel<Op> {
  static Status run(const ops::LookupTable::Attributes&, RunContext& context) {
    const auto* from = static_cast<const std::uint8_t*>(context.input(0).data);
    std::array<std::uint8_t, 256> table;  // a copy: the output may lie where the table lies
    std::memcpy(table.data(), context.input(1).data, table.size());
    auto* to = static_cast<std::uint8_t*>(context.output().data);
    for (index_t i = 0, n = context.output().elements(); i < n; ++i) to[i] = table[from[i]];
    return {};
  }
};

}  // namespace lithe::inline v0::portable
