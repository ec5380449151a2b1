// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/constant_of_shape.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(ConstantOfShape, Values) {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{2, 3, 4}, {}, {0, 2}, {65}})
    for (const Shape& value : {Shape{}, Shape{1}}) {
      const Shape output{std::span<const std::int64_t>(shape)};
      const auto reference = [&](const std::vector<ReferenceTensor>& in) {
        return ReferenceTensor(output,
                               std::vector<double>(static_cast<std::size_t>(output.elements()), in[1][0]));
      };
      OpTest<ops::ConstantOfShape> op;
      EXPECT_EQ(op.infer({Input::ints(shape), value}), output);
      op.matches(reference, {Input::ints(shape), value});
    }
}

TEST(ConstantOfShape, Refuses) {
  OpTest<ops::ConstantOfShape>().refuses({{{Input::ints({2}), {2}}, Code::shape},
                                          {{Input::ints({2}), {0}}, Code::shape},
                                          {{Input::ints({-2}), {1}}, Code::shape},
                                          {{Input::ints({1 << 30, 2}), {1}}, Code::out_of_memory},
                                          {{Input::ints({2}).known(false), {1}}, Code::needs_value},
                                          {{Input::ints({2}), Input{1}.as(DType::s4)}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
