// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/flatten.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(Flatten, Shapes) {
  EXPECT_EQ(OpTest<ops::Flatten>{}.infer({{2, 3, 4}}), (Shape{2, 12}));
  EXPECT_EQ(OpTest<ops::Flatten>{{.axis = 0}}.infer({{2, 3, 4}}), (Shape{1, 24}));
  EXPECT_EQ(OpTest<ops::Flatten>{{.axis = 3}}.infer({{2, 3, 4}}), (Shape{24, 1}));
  EXPECT_EQ(OpTest<ops::Flatten>{{.axis = -1}}.infer({{2, 3, 4}}), (Shape{6, 4}));
  EXPECT_EQ(OpTest<ops::Flatten>{{.axis = 0}}.infer({{}}), (Shape{1, 1}));
  EXPECT_EQ(OpTest<ops::Flatten>{}.infer({{2, 0, 4}}), (Shape{2, 0}));
}

TEST(Flatten, Refuses) {
  OpTest<ops::Flatten>{{.axis = 3}}.refuses({{{{2, 3}}, Code::shape}});
  OpTest<ops::Flatten>{{.axis = -3}}.refuses({{{{2, 3}}, Code::shape}});
  OpTest<ops::Flatten>{{.axis = INT64_MIN}}.refuses({{{{2, 3}}, Code::shape}});
  OpTest<ops::Flatten>{{.axis = 2}}.limit(UINT64_MAX / 16).refuses({{{{65536, 65536, 1}}, Code::shape}});
}

TEST(Flatten, Values) {
  OpTest<ops::Flatten>{}.matches(
      [](const std::vector<ReferenceTensor>& in) { return ReferenceTensor({2, 12}, in[0].values); },
      {{2, 3, 4}});
}

}  // namespace
}  // namespace lithe::test
