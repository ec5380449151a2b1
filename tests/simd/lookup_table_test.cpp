// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/lookup_table.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/ops/lookup_table_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

class SimdLookupTable : public OnEachIsa {
 protected:
  static void look_up(const Shape& shape) {
    matches<ops::LookupTable>({}, reference_lookup_table, {Input(shape), Input{256}}, {.bit_exact = true});
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdLookupTable);
INSTANTIATE_TEST_SUITE_P(On, SimdLookupTable,
                         ::testing::ValuesIn(kernels_on<simd::LookupTableOn>(simd::isa::ForTables{})),
                         isa_name);

TEST_P(SimdLookupTable, EveryByteAtEveryPlace) {
  std::vector<double> all;
  for (int i = 0; i < 65 * 256; ++i) all.push_back(static_cast<double>(i / 65 - 128));
  matches<ops::LookupTable>({}, reference_lookup_table,
                            {Input::values({65 * 256}, all).as(DType::s8), Input{256}},
                            {.bit_exact = true, .rows = {{{DType::s8, DType::s8}, {DType::s8}}}});
}

TEST_P(SimdLookupTable, Lengths) {
  for (const index_t length : {1, 3, 15, 16, 17, 31, 33, 63, 64, 65, 130}) look_up({2, 3, length});
  look_up({});
  look_up({0, 5});
  look_up({3, 100003});
}

}  // namespace
}  // namespace lithe::test
