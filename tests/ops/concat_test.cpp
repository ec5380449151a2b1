// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/concat.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const ops::Concat::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
  const int axis =
      static_cast<int>(attributes.axis < 0 ? attributes.axis + in[0].shape.rank() : attributes.axis);
  Shape shape = in[0].shape;
  shape[axis] = 0;
  for (const ReferenceTensor& t : in) shape[axis] += t.shape[axis];
  ReferenceTensor output(shape);
  for (index_t i = 0; i < shape.elements(); ++i) {
    Index index = output.index_of(i);
    std::size_t k = 0;
    for (auto& place = index[static_cast<std::size_t>(axis)]; place >= in[k].shape[axis]; ++k)
      place -= in[k].shape[axis];
    output[i] = in[k][in[k].offset(index)];
  }
  return output;
}

TEST(Concat, Values) {
  OpTest<ops::Concat>{{.axis = 0}}.matches(reference, {{2, 3, 4}, {1, 3, 4}, {3, 3, 4}});
  OpTest<ops::Concat>{{.axis = 1}}.matches(reference, {{2, 3, 4}, {2, 1, 4}});
  OpTest<ops::Concat>{{.axis = -1}}.matches(reference, {{2, 3, 4}, {2, 3, 1}, {2, 3, 2}});
  OpTest<ops::Concat>{{.axis = -2}}.matches(reference, {{2, 0, 4}, {2, 1, 4}, {2, 0, 4}});
  OpTest<ops::Concat>{{.axis = 0}}.matches(reference, {{5}, {6}});
  OpTest<ops::Concat>{{.axis = 0}}.matches(reference, {{5}});
  OpTest<ops::Concat>{{.axis = 0}}.matches(reference, {{0, 3}, {0, 3}});
}

TEST(Concat, Refuses) {
  OpTest<ops::Concat>{{.axis = 1}}.refuses(
      {{{{2, 3}, {3, 3}}, Code::shape},
       {{{2, 3}, {2, 3, 1}}, Code::shape},
       {{{2}, {2}}, Code::shape},
       {{{}, {}}, Code::shape},
       {{{2, 3}, Input::absent()}, Code::invalid_model},
       {{Input{2, 4}.as(DType::u4), Input{2, 4}.as(DType::u4)}, Code::unsupported},
       {{Input{2, 2147483647}, Input{2, 2147483647}}, Code::shape},
       {{Input{1, 1000000000}, Input{1, 1000000000}}, Code::out_of_memory}});
  OpTest<ops::Concat>{{.axis = 2}}.refuses({{{{2, 3}, {2, 3}}, Code::shape}});
  OpTest<ops::Concat>{{.axis = -3}}.refuses({{{{2, 3}, {2, 3}}, Code::shape}});
}

TEST(Concat, DifferentScalesAreRefused) {
  Case c;
  const ops::Concat::Attributes attributes;
  c.op = &operator_entry<ops::Concat>;
  c.attributes = &attributes;
  c.inputs = {{DType::s8, Shape{2}, {{0.5f}, {1}, -1}}, {DType::s8, Shape{2}, {{0.5f}, {1}, -1}}};
  c.known = c.constant = {false, false};
  c.output_dtypes = {DType::s8};
  c.output_quantization = {{{0.5f}, {1}, -1}};
  EXPECT_EQ(infer_case(c), (Shape{4}));
  c.inputs[1].quantization.scale = {0.25f};
  EXPECT_EQ(infer_case(c).code(), Code::invalid_model);
  c.inputs[1].quantization = {{0.5f}, {2}, -1};
  EXPECT_EQ(infer_case(c).code(), Code::invalid_model);
}

}  // namespace
}  // namespace lithe::test
