// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lookup_table.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/ops/lookup_table_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::LookupTable;

TEST(LookupTable, Shapes) {
  const OpTest<LookupTable> op;
  EXPECT_EQ(op.infer({{2, 3, 5}, {256}}), (Shape{2, 3, 5}));
  EXPECT_EQ(op.infer({{}, {256}}), Shape{});
  EXPECT_EQ(op.infer({{2, 3}, {255}}).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 3}, {1, 256}}).code(), Code::shape);
}

TEST(LookupTable, Values) {
  OpTest<LookupTable> op;
  op.matches(reference_lookup_table, {{2, 5, 6, 3}, {256}});
  op.matches(reference_lookup_table, {{1000}, {256}});
  op.matches(reference_lookup_table, {{256}, {256}});
  op.matches(reference_lookup_table, {{}, {256}});
  op.matches(reference_lookup_table, {{0, 3}, {256}});
}

}  // namespace
}  // namespace lithe::test
