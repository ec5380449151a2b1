// SPDX-License-Identifier: Apache-2.0
#include "tools/report/node_title.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lithe::test {
namespace {

TEST(NodeTitle, NamesFirstThenOperatorAndOutput) {
  const std::vector<std::string> none, one{"conv1"}, two{"conv1", "relu1"};
  EXPECT_EQ(report::node_title(two, "Conv2D", "y"), "conv1 + relu1");
  EXPECT_EQ(report::node_title(one, "", ""), "conv1");
  EXPECT_EQ(report::node_title(none, "Add", "sum"), "Add -> sum");
  EXPECT_EQ(report::node_title(none, "Add", ""), "Add");
  EXPECT_EQ(report::node_title(none, "", "sum"), "-> sum");
}

}  // namespace
}  // namespace lithe::test
