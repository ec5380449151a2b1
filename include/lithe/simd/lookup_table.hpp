// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/lookup_table.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// A vector of bytes at a time, by the instructions that look up bytes in registers.
template <class Isa>
class LookupTableOn {
 public:
  using Op = ops::LookupTable;
  static constexpr auto full_name = isa::joined("simd::lookup_table_x8_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) { return Isa::on(*node.cpu); }

  static Status run(const Op::Attributes&, RunContext& context) {
    const typename Isa::Table table(static_cast<const std::int8_t*>(context.input(1).data));
    detail::for_each_run<Isa, std::int8_t>(
        context, grain,
        [&](const std::int8_t* from, index_t count, std::int8_t* to)
            __attribute__((always_inline)) { look_up(table, from, count, to); });
    return {};
  }

 private:
  static constexpr index_t grain = 128 * 1024;

  [[gnu::always_inline]] static void look_up(const typename Isa::Table& table, const std::int8_t* from,
                                             index_t count, std::int8_t* to) {
    detail::Vector<std::int8_t, Isa::bytes> x{};
    index_t i = 0;
    for (; i + Isa::bytes <= count; i += Isa::bytes) {
      detail::load(x, from + i);
      Isa::look_up(x, table);
      detail::store(to + i, x);
    }
    if (i == count) return;
    std::memcpy(&x, from + i, static_cast<std::size_t>(count - i));
    Isa::look_up(x, table);
    std::memcpy(to + i, &x, static_cast<std::size_t>(count - i));
  }
};

/// In order of preference.
using LookupTable = isa::ForTables::kernels<LookupTableOn>;

}  // namespace lithe::inline v0::simd
