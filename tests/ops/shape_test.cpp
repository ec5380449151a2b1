// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/shape.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(ShapeOf, Values) {
  const auto gives = [](std::int64_t start, std::int64_t end, std::vector<double> wanted) {
    const auto reference = [&](const std::vector<ReferenceTensor>&) {
      return ReferenceTensor({static_cast<index_t>(wanted.size())}, wanted);
    };
    OpTest<ops::ShapeOf>{{.start = start, .end = end}}.matches(reference, {{2, 3, 4}});
  };
  gives(0, INT64_MAX, {2, 3, 4});
  gives(1, INT64_MAX, {3, 4});
  gives(0, 1, {2});
  gives(-1, INT64_MAX, {4});
  gives(0, -1, {2, 3});
  gives(INT64_MIN, INT64_MAX, {2, 3, 4});
  gives(-9, 2, {2, 3});
  gives(2, 1, {});
  gives(INT64_MAX, INT64_MIN, {});
}

TEST(ShapeOf, OfAScalarAndOfAnEmptyTensor) {
  OpTest<ops::ShapeOf>{}.matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor(Shape{0}); }, {{}});
  OpTest<ops::ShapeOf>{}.matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({2}, {0, 5}); }, {{0, 5}});
}

}  // namespace
}  // namespace lithe::test
