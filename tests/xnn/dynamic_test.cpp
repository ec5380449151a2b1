// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lithe/xnn/dynamic_fully_connected.hpp"
#include "lithe/xnn/dynamic_quantize.hpp"
#include "tests/ops/dynamic_reference.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;
using Attributes = ops::DynamicFullyConnected::Attributes;

TEST(XnnDynamicQuantize, IsThePortableKernelToTheBit) {
  static const Threads two(2);
  OpTest<ops::DynamicQuantize> op;
  op.on({cpu(), {ThreadPool{}, two.pool()}}).kernel<xnn::DynamicQuantize>();
  for (const Input& input : {Input{7, 33}, Input{2, 3, 64}, Input{5, 1}, Input{6, 17}.between(1, 2),
                             Input{6, 17}.between(-2, -1), Input{1, 9}.between(0, 0)})
    op.matches(reference_dynamic_quantize, {input}, {.bit_exact = true});
}

TEST(XnnDynamicFullyConnected, Values) {
  const auto reference = [](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    return reference_dynamic_fully_connected(a.clamp, in);
  };
  for (const index_t rows : {1, 2, 3, 5, 19}) {
    std::vector<double> pairs;
    for (index_t i = 0; i < rows; ++i)
      pairs.insert(pairs.end(), {0.01 + 0.02 * static_cast<double>(i), 13.0 * (i % 11) - 64});
    const Input steps = Input::values({rows, 2}, pairs);
    agrees_with<xnn::DynamicFullyConnected>(
        reference, {},
        {{rows, 67}, Input{4, 67}.as(s8).quantized_along(0, {0.01F, 0.03F, 0.5F, 2}), {4}, steps}, {s8});
    agrees_with<xnn::DynamicFullyConnected>(
        reference, {.clamp = {-9, 20}},
        {{rows, 8}, Input{37, 8}.as(s8).quantized(0.02F, 0), Input::absent(), steps}, {s8});
  }
}

TEST(XnnDynamicFullyConnected, FourBits) {
  const auto reference = [](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    return reference_dynamic_fully_connected(a.clamp, in);
  };
  std::vector<float> scales;
  for (int i = 0; i < 33; ++i) scales.push_back(0.01F * static_cast<float>(i % 7 + 1));
  const auto four = [](index_t n, index_t k) { return Input{n, k}.as(s4); };
  for (const index_t rows : {1, 2, 3, 7, 15}) {
    std::vector<double> pairs;
    for (index_t i = 0; i < rows; ++i)
      pairs.insert(pairs.end(), {0.01 + 0.02 * static_cast<double>(i), 13.0 * (i % 11) - 64});
    const Input steps = Input::values({rows, 2}, pairs);
    agrees_with<xnn::DynamicFullyConnected>(
        reference, {.clamp = {-30, 40}}, {{rows, 34}, four(33, 34).quantized_along(0, scales), {33}, steps},
        {s8});
    // Blocks: the zero point's part and the sums are floats before they are added up.
    for (const index_t k : {64, 96}) {
      if (k == 96 && !cpu().avx2 && !cpu().neon) continue;  // an odd number of blocks
      const std::vector<float> some(scales.begin(), scales.begin() + 11 * k / 32);
      agrees_with<xnn::DynamicFullyConnected>(
          reference, {}, {{rows, k}, four(11, k).quantized_by_block(32, some), {11}, steps}, {s8},
          {.tolerance = 1e-4});
    }
  }
}

TEST(XnnDynamicFullyConnected, PacksFiltersOfRowsThatAFileQuantizesToo) {
  const float scale = 1;
  const Quantization usual{.scale = &scale, .count = 1};
  const ValueInfo inputs[] = {{s8, {2, 4}, nullptr, &usual}, {s8, {3, 4}, "constant", &usual}};
  const ValueInfo plain_rows[] = {{s8, {2, 4}}, inputs[1]}, outputs[] = {{f32, {2, 3}}};
  CreateContext context, plain;
  context.node = {inputs, outputs, &cpu()};
  plain.node = {plain_rows, outputs, &cpu()};
  EXPECT_EQ(xnn::packing_key(context, "", {}), xnn::packing_key(plain, "", {}));
}

TEST(XnnDynamicFullyConnected, Conditions) {
  const float scale = 1, tiny = 1e-39F;
  const std::int8_t filter[12] = {};
  const Quantization usual{.scale = &scale, .count = 1}, subnormal{.scale = &tiny, .count = 1};
  const auto supported = [](const Quantization& q, const void* contents) {
    return supports<xnn::DynamicFullyConnected>(
        {}, {{s8, {2, 4}}, {s8, {3, 4}, contents, &q}, {}, {f32, {2, 2}}}, {f32, {2, 3}});
  };
  EXPECT_TRUE(supported(usual, filter));
  EXPECT_FALSE(supported(usual, nullptr)) << "a filter that is not constant";
  const std::vector<bfloat16> rounded(3, bfloat16(1.0F));
  Quantization blocks{.scale = rounded.data(), .count = 3, .block = 32, .axis = 1, .scale_dtype = bf16};
  EXPECT_TRUE(supported(blocks, filter));
  blocks.block = 16;
  EXPECT_FALSE(supported(blocks, filter)) << "blocks that are no multiple of 32";
  blocks.block = 32;
  blocks.scale_dtype = f16;
  EXPECT_FALSE(supported(blocks, filter)) << "blocks with other scales than bf16";
  EXPECT_FALSE(supported(subnormal, filter)) << "a scale that XNNPACK may flush";

  blocks.scale_dtype = bf16;
  const ValueInfo odd[] = {{s8, {2, 96}}, {s4, {1, 96}, "constant", &blocks}, {}, {f32, {2, 2}}},
                  outputs[] = {{f32, {2, 1}}};
  Cpu processor;
  EXPECT_FALSE(xnn::DynamicFullyConnected::supports({}, {odd, outputs, &processor})) << "SSE and AVX";
  processor.avx2 = true;
  EXPECT_TRUE(xnn::DynamicFullyConnected::supports({}, {odd, outputs, &processor}));
}

}  // namespace
}  // namespace lithe::test
