// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dequantize_linear.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

struct Layout {
  Shape input, scale;
  std::int64_t axis, block;
};
const std::vector<Layout> layouts{
    {{3, 70}, {}, 1, 0},       {{3, 70}, {1}, 7, 0},   {{3, 5, 7}, {5}, 1, 0},
    {{3, 5, 7}, {7}, -1, 0},   {{3, 5, 7}, {3}, 0, 0}, {{3, 5, 7}, {3, 3, 7}, 1, 2},
    {{4, 65}, {4, 3}, -1, 32}, {{0, 4}, {4}, 1, 0},    {{}, {}, 1, 0}};

ReferenceTensor reference(const ops::DequantizeLinear::Attributes& attributes,
                          const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    index_t s = 0;
    if (in[1].shape.elements() != 1) {
      std::vector<index_t> index = out.index_of(i);
      const int axis =
          static_cast<int>(attributes.axis < 0 ? attributes.axis + out.shape.rank() : attributes.axis);
      index_t& along = index[static_cast<std::size_t>(axis)];
      if (attributes.block_size != 0) along /= attributes.block_size;
      s = attributes.block_size == 0 ? along : in[1].offset(index);
    }
    out[i] = (in[0][i] - (in[2].empty() ? 0 : in[2][s])) * in[1][s];
  }
  return out;
}

TEST(DequantizeLinear, Values) {
  for (const Layout& layout : layouts)
    for (const TypeRow& row : ops::DequantizeLinear::types) {
      const DType from = row.inputs[0];
      if (is_float(from)) continue;  // below
      OpTest<ops::DequantizeLinear> op{{.axis = layout.axis, .block_size = layout.block}};
      const Input input(layout.input), scale = Input(layout.scale).between(0.01, 0.5);
      const Input zero_point = Input(layout.scale).between(0, 3);
      const Types types{{from, row.inputs[1], from}, {row.outputs[0]}};
      EXPECT_EQ(op.infer({input, scale, zero_point}, types), layout.input);
      op.matches(reference, {input, scale, zero_point}, {.rows = {types}});
      op.matches(reference, {input, scale, Input::absent()},
                 {.rows = {{{from, row.inputs[1], DType::none}, {row.outputs[0]}}}});
    }
}

TEST(DequantizeLinear, EightBitFloats) {
  const std::uint8_t in[] = {0x38, 0xB8, 0x7E, 0};
  const float scale = 2;
  float out[4];
  const TensorView inputs[] = {{in, DType::f8e4m3fn, {4}}, {&scale, DType::f32, {}}, {}};
  Tensor outputs[] = {{out, DType::f32, {4}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::DequantizeLinear>::run({}, context).ok());
  EXPECT_EQ(std::vector(out, out + 4), (std::vector<float>{2, -2, 896, 0}));
}

TEST(DequantizeLinear, ExtremesDoNotOverflow) {
  const std::int32_t in[] = {std::numeric_limits<std::int32_t>::min()},
                     zero_point = std::numeric_limits<std::int32_t>::max();
  const float scale = 1;
  float out = 0;
  const TensorView inputs[] = {{in, DType::s32, {}}, {&scale, DType::f32, {}}, {&zero_point, DType::s32, {}}};
  Tensor outputs[] = {{&out, DType::f32, {}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::DequantizeLinear>::run({}, context).ok());
  EXPECT_EQ(out, -0x1p32f);
}

TEST(DequantizeLinear, Refuses) {
  const auto refuses = [](const Layout& layout, Code code) {
    EXPECT_EQ(OpTest<ops::DequantizeLinear>({.axis = layout.axis, .block_size = layout.block})
                  .infer({layout.input, layout.scale, layout.scale})
                  .code(),
              code);
  };
  refuses({{3, 5}, {3}, 1, 0}, Code::shape);
  refuses({{3, 5}, {5}, 2, 0}, Code::shape);
  refuses({{3, 5}, {3, 2}, 1, 2}, Code::shape);
  refuses({{3, 5}, {3, 5}, 1, std::numeric_limits<std::int64_t>::min()}, Code::invalid_model);
  EXPECT_EQ(OpTest<ops::DequantizeLinear>().infer({{3, 5}, {5}, {3}}).code(), Code::shape);
}

}  // namespace
}  // namespace lithe::test
