// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/size.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(Size, Values) {
  const auto reference = [](const std::vector<ReferenceTensor>& in) {
    return ReferenceTensor({}, {static_cast<double>(in[0].shape.elements())});
  };
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{}, Shape{0, 5}, Shape{7}})
    OpTest<ops::Size>{}.matches(reference, {Input(shape)});
  EXPECT_EQ(OpTest<ops::Size>{}.infer({Input{3, 3}.as(DType::s4)}), Shape{});
}

}  // namespace
}  // namespace lithe::test
