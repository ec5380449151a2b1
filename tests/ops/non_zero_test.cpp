// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/non_zero.hpp"

#include <cmath>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const std::vector<ReferenceTensor>& in) {
  std::vector<std::vector<index_t>> found;
  for (index_t i = 0; i < in[0].shape.elements(); ++i)
    if (in[0][i] != 0) found.push_back(in[0].index_of(i));
  ReferenceTensor output(Shape{in[0].shape.rank(), static_cast<index_t>(found.size())});
  for (int d = 0; d < in[0].shape.rank(); ++d)
    for (std::size_t k = 0; k < found.size(); ++k)
      output.at(d, k) = static_cast<double>(found[k][static_cast<std::size_t>(d)]);
  return output;
}

TEST(NonZero, Values) {
  OpTest<ops::NonZero> op;
  op.matches(reference, {Input::values({2, 3, 2}, {1, 0, 0, 3, 0, 0, 0, 5, 0, 0, 1, 1})});
  op.matches(reference, {Input::values({4}, {0, 0, 0, 0})});
  op.matches(reference, {{3, 4}});
  op.matches(reference, {Input::scalar(1)});
  op.matches(reference, {Input::scalar(0)});
  op.matches(reference, {{2, 0}});
}

TEST(NonZero, NegativeZeroIsZeroAndNaNIsNot) {
  OpTest<ops::NonZero> op;
  for (DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64})
    op.matches([](const std::vector<ReferenceTensor>&) { return ReferenceTensor({1, 2}, {1, 3}); },
               {Input::values({4}, {-0.0, std::nan(""), 0, -1e-5}).as(dtype)});
}

TEST(NonZero, TheShapeIsABound) {
  const InferResult inferred = OpTest<ops::NonZero>{}.infer({{2, 3, 4}});
  EXPECT_EQ(inferred, (Shape{3, 24}));
  EXPECT_TRUE(inferred.at_most.at(0));
}

TEST(NonZero, Refuses) {
  OpTest<ops::NonZero>{}.refuses({{{Input{4}.as(DType::s8).quantized(0.5f, 3)}, Code::unsupported},
                                  {{{10000, 10000}}, Code::out_of_memory}});
}

}  // namespace
}  // namespace lithe::test
