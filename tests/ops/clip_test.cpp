// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/clip.hpp"

#include <cmath>
#include <limits>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const ops::Clip::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  const double low = attributes.clamp.min, high = attributes.clamp.max;
  for (index_t i = 0; i < in[0].shape.elements(); ++i) out[i] = std::clamp(in[0][i], low, high);
  return out;
}

TEST(Clip, Values) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (const Clamp clamp :
       {Clamp{0, 6}, Clamp{-0.5f, 0.25f}, Clamp{0, inf}, Clamp{-inf, -0.125f}, Clamp{}, Clamp{1, 1}})
    for (const Shape& shape : {Shape{2, 5, 3, 7}, Shape{0, 3}, Shape{}, Shape{129}}) {
      OpTest<ops::Clip> op{{.clamp = clamp}};
      EXPECT_EQ(op.infer({Input(shape).as(DType::f32)}), shape);
      op.matches(reference, {Input(shape)});
    }
}

TEST(Clip, NaNStays) {
  const float in = std::numeric_limits<float>::quiet_NaN();
  float out = 0;
  const TensorView inputs[] = {{&in, DType::f32, {}}};
  Tensor outputs[] = {{&out, DType::f32, {}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::Clip>::run({.clamp = {0, 1}}, context).ok());
  EXPECT_TRUE(std::isnan(out));
}

TEST(Clip, Refuses) {
  OpTest<ops::Clip>{{.clamp = {1, 0}}}.refuses({{{{2}}, Code::invalid_model}});
  OpTest<ops::Clip>{{.clamp = {std::numeric_limits<float>::quiet_NaN(), 1}}}.refuses(
      {{{{2}}, Code::invalid_model}});
  OpTest<ops::Clip>().refuses(
      {{{Input{2}.as(DType::s8)}, Code::dtype}, {{Input{2}.as(DType::u8)}, Code::dtype}});
}

}  // namespace
}  // namespace lithe::test
