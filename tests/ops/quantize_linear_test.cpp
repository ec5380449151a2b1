// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/quantize_linear.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

/// Where the scale of element `i` lies: per tensor, per axis, or blocked.
index_t scale_of(const Shape& shape, const Shape& scale, std::int64_t axis, std::int64_t block, index_t i) {
  if (scale.elements() == 1) return 0;
  const ReferenceTensor at(shape), scales(scale);
  std::vector<index_t> index = at.index_of(i);
  const int a = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  if (block == 0) return index[static_cast<std::size_t>(a)];
  index[static_cast<std::size_t>(a)] /= block;
  return scales.offset(index);
}

auto reference(DType output) {
  return [=](const ops::QuantizeLinear::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out(in[0].shape);
    for (index_t i = 0; i < out.shape.elements(); ++i) {
      const index_t s = scale_of(in[0].shape, in[1].shape, attributes.axis, attributes.block_size, i);
      const double steps = in[0].dtype == DType::s32
                               ? in[0][i] / in[1][s]
                               : static_cast<float>(in[0][i]) / static_cast<float>(in[1][s]);
      out[i] =
          std::clamp(std::nearbyint(steps) + (in[2].empty() ? 0 : in[2][s]), lowest(output), highest(output));
    }
    return out;
  };
}

struct Layout {
  Shape input, scale;
  std::int64_t axis, block;
};
const std::vector<Layout> layouts{{{3, 70}, {}, 1, 0},       {{3, 70}, {1}, 7, 0},
                                  {{3, 5, 7}, {5}, 1, 0},    {{3, 5, 7}, {7}, -1, 0},
                                  {{3, 5, 7}, {3}, 0, 0},    {{3, 5, 7}, {3, 3, 7}, 1, 2},
                                  {{4, 65}, {4, 3}, -1, 32}, {{5, 6}, {1, 6}, 0, 100},
                                  {{0, 4}, {4}, 1, 0},       {{}, {}, 1, 0}};

TEST(QuantizeLinear, Values) {
  for (const Layout& layout : layouts)
    for (const TypeRow& row : ops::QuantizeLinear::types) {
      const DType to = row.outputs[0];
      if (is_float(to)) continue;  // below
      OpTest<ops::QuantizeLinear> op{{.axis = layout.axis, .block_size = layout.block}};
      const Input input(layout.input), scale = Input(layout.scale).between(0.01, 0.5);
      const Input zero_point = Input(layout.scale).between(std::max(-2.0, lowest(to)), 1);
      const Types types{{row.inputs[0], row.inputs[1], to}, {to}};
      EXPECT_EQ(op.infer({input, scale, zero_point}, types), layout.input);
      op.matches(reference(to), {input, scale, zero_point}, {.quantized = Quantized::never, .rows = {types}});
      op.matches(
          reference(to), {input, scale, Input::absent()},
          {.quantized = Quantized::never, .rows = {{{row.inputs[0], row.inputs[1], DType::none}, {to}}}});
    }
}

template <class T>
std::vector<T> quantize(const std::vector<float>& in, float scale, DType to, bool saturate = true) {
  std::vector<T> out(in.size());
  const TensorView inputs[] = {
      {in.data(), DType::f32, {static_cast<index_t>(in.size())}}, {&scale, DType::f32, {}}, {}};
  Tensor outputs[] = {{out.data(), to, {static_cast<index_t>(in.size())}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::QuantizeLinear>().run({.saturate = saturate}, context).ok());
  return out;
}

TEST(QuantizeLinear, HalvesGoToEvenAndExtremesSaturate) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ((quantize<std::int8_t>({1, 3, 5, -1, -3, inf, -inf, nan, 1e30f}, 2, DType::s8)),
            (std::vector<std::int8_t>{0, 2, 2, 0, -2, 127, -128, -128, 127}));
  EXPECT_EQ((quantize<std::uint16_t>({1, 3, 5, -1, 1e30f}, 2, DType::u16)),
            (std::vector<std::uint16_t>{0, 2, 2, 0, 65535}));
  EXPECT_EQ((quantize<std::int8_t>({1, 0, -1}, 0, DType::s8)),
            (std::vector<std::int8_t>{127, -128, -128}));  // 0 / 0 is NaN
}

TEST(QuantizeLinear, EightBitFloats) {
  EXPECT_EQ((quantize<std::uint8_t>({2, -2, 1e6f, 0}, 2, DType::f8e4m3fn)),
            (std::vector<std::uint8_t>{0x38, 0xB8, 0x7E, 0}));
  EXPECT_EQ((quantize<std::uint8_t>({2, -2, 1e6f, 0}, 2, DType::f8e5m2, false)),
            (std::vector<std::uint8_t>{0x3C, 0xBC, 0x7C, 0}));
  EXPECT_EQ((quantize<std::uint8_t>({2, -2, 1e6f, 0}, 2, DType::f4e2m1)),
            (std::vector<std::uint8_t>{0xA2, 0x07, 0, 0}));
}

TEST(QuantizeLinear, Refuses) {
  const auto refuses = [](const Layout& layout, Code code) {
    EXPECT_EQ(OpTest<ops::QuantizeLinear>({.axis = layout.axis, .block_size = layout.block})
                  .infer({layout.input, layout.scale, layout.scale})
                  .code(),
              code);
  };
  refuses({{3, 5}, {3}, 1, 0}, Code::shape);
  refuses({{3, 5}, {5}, 2, 0}, Code::shape);
  refuses({{3, 5}, {5}, -3, 0}, Code::shape);
  refuses({{3, 5}, {3, 5}, 1, 0}, Code::shape);
  refuses({{3, 5}, {3, 2}, 1, 2}, Code::shape);
  refuses({{3, 5}, {}, 1, 2}, Code::shape);
  refuses({{3, 5}, {3, 5}, 1, -1}, Code::invalid_model);
  refuses({{3, 5}, {3, 1}, 1, std::numeric_limits<std::int64_t>::max()}, Code::invalid_model);
  EXPECT_EQ(OpTest<ops::QuantizeLinear>().infer({{3, 5}, {5}, {3}}).code(), Code::shape);
}

}  // namespace
}  // namespace lithe::test
