// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cast.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();
const std::vector<DType> readable{DType::f32, DType::f16, DType::bf16,    DType::f64, DType::s8,  DType::s16,
                                  DType::s32, DType::s64, DType::u8,      DType::u16, DType::u32, DType::u64,
                                  DType::s4,  DType::u4,  DType::boolean, DType::s2,  DType::u2};

/// What every pair of dtypes must agree on: numbers that both hold, and towards zero for integers.
TEST(Cast, EveryPair) {
  for (DType from : readable)
    for (DType to : readable) {
      if (bits(from) < 8 && bits(to) < 8 && bits(from) != bits(to)) continue;  // see LowBits
      const bool is_bool = to == DType::boolean;
      const auto reference = [&](const std::vector<ReferenceTensor>& in) {
        ReferenceTensor out(in[0].shape);
        for (index_t i = 0; i < out.shape.elements(); ++i)
          out[i] = is_bool ? in[0][i] != 0 : is_float(to) ? in[0][i] : std::trunc(in[0][i]);
        return out;
      };
      const double high = bits(from) == 2 || bits(to) == 2 ? 1 : 7;
      for (const Shape& shape : {Shape{3, 67}, Shape{}, Shape{0, 2}, Shape{64}})
        OpTest<ops::Cast>().matches(reference, {Input(shape).between(0, high)}, {.rows = {{{from}, {to}}}});
      EXPECT_EQ(OpTest<ops::Cast>().infer({Input{3}}, Types{{from}, {to}}), Shape{3});
    }
}

/// One element from its bytes to its bytes.
template <class To, class From>
To cast(From value, DType from, DType to, bool saturate = true) {
  To out{};
  const TensorView inputs[] = {{&value, from, {1}}};
  Tensor outputs[] = {{&out, to, {1}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::Cast>::run({.saturate = saturate}, context).ok());
  return out;
}

/// As ONNX Runtime has it on x86.
TEST(Cast, FloatsOutsideOfIntegers) {
  const auto from = [](double v, auto zero, DType to) { return cast<decltype(zero)>(v, DType::f64, to); };
  EXPECT_EQ(from(-1.9, std::int32_t{}, DType::s32), -1);
  EXPECT_EQ(from(300, std::uint8_t{}, DType::u8), 44);
  EXPECT_EQ(from(-3, std::uint8_t{}, DType::u8), 253);
  EXPECT_EQ(from(-300, std::int8_t{}, DType::s8), -44);
  EXPECT_EQ(from(70000, std::int16_t{}, DType::s16), 4464);
  EXPECT_EQ(from(-1, std::uint32_t{}, DType::u32), 0xFFFFFFFF);
  EXPECT_EQ(from(3e9, std::uint32_t{}, DType::u32), 3000000000u);
  EXPECT_EQ(from(0x1p63, std::uint64_t{}, DType::u64), std::uint64_t{1} << 63);
  EXPECT_EQ(from(1e19, std::uint64_t{}, DType::u64), 10000000000000000000u);
  constexpr auto lowest_s32 = std::numeric_limits<std::int32_t>::min();
  constexpr auto lowest_s64 = std::numeric_limits<std::int64_t>::min();
  for (const double v : {nan, inf, -inf, 1e30, -1e30}) {
    EXPECT_EQ(from(v, std::int8_t{}, DType::s8), 0) << v;
    EXPECT_EQ(from(v, std::uint16_t{}, DType::u16), 0) << v;
    EXPECT_EQ(from(v, std::uint32_t{}, DType::u32), 0u) << v;
    EXPECT_EQ(from(v, std::int32_t{}, DType::s32), lowest_s32) << v;
    EXPECT_EQ(from(v, std::int64_t{}, DType::s64), lowest_s64) << v;
  }
  EXPECT_EQ(from(0x1p31, std::int32_t{}, DType::s32), lowest_s32);
  EXPECT_EQ(from(inf, std::uint64_t{}, DType::u64), 0u);
  EXPECT_EQ(from(nan, std::uint64_t{}, DType::u64), std::uint64_t{1} << 63);
  EXPECT_EQ(from(nan, std::uint8_t{}, DType::boolean), 1);
  EXPECT_EQ(from(0.25, std::uint8_t{}, DType::boolean), 1);
}

TEST(Cast, LowBits) {
  EXPECT_EQ((cast<std::uint8_t>(std::int32_t{-1}, DType::s32, DType::u8)), 255);
  EXPECT_EQ((cast<std::int8_t>(std::int32_t{200}, DType::s32, DType::s8)), -56);
  EXPECT_EQ((cast<std::uint8_t>(std::int32_t{-9}, DType::s32, DType::s4)), 7);
  EXPECT_EQ((cast<std::uint8_t>(8.0f, DType::f32, DType::s4)), 8);  // as ONNX's node tests have it
  EXPECT_EQ((cast<std::uint8_t>(-9.0f, DType::f32, DType::u4)), 7);
  EXPECT_EQ((cast<std::uint8_t>(std::uint8_t{0x0F}, DType::s4, DType::s2)), 3);
  EXPECT_EQ((cast<std::int8_t>(std::uint8_t{0x0F}, DType::s4, DType::s8)), -1);
  EXPECT_EQ((cast<std::uint8_t>(std::uint8_t{7}, DType::boolean, DType::u8)), 1);  // any byte but 0 is true
}

TEST(Cast, RoundsOnce) {
  EXPECT_EQ((cast<std::uint16_t>(1 + 0x1p-11 + 0x1p-40, DType::f64, DType::f16)),
            0x3C01);  // via f32 it would be a tie
  EXPECT_EQ((cast<std::uint16_t>(1 + 0x1p-11, DType::f64, DType::f16)), 0x3C00);
  EXPECT_EQ((cast<std::uint16_t>(65520.0, DType::f64, DType::f16)), 0x7C00);
  EXPECT_EQ((cast<std::uint16_t>(65519.0, DType::f64, DType::f16)), 0x7BFF);
  EXPECT_EQ((cast<std::uint16_t>(0x1p-24, DType::f64, DType::f16)), 1);
  EXPECT_EQ((cast<std::uint16_t>(0x1p-25, DType::f64, DType::f16)), 0);
  EXPECT_EQ((cast<std::uint16_t>(-0.0f, DType::f32, DType::bf16)), 0x8000);
  EXPECT_EQ((cast<float>((std::int64_t{1} << 60) + (std::int64_t{1} << 36) + 1, DType::s64, DType::f32)),
            0x1p60f + 0x1p37f);
  EXPECT_EQ((cast<float>(std::numeric_limits<std::uint64_t>::max(), DType::u64, DType::f32)), 0x1p64f);
}

struct SmallCase {
  float value;
  std::uint8_t e4m3fn, e4m3fnuz, e5m2, e5m2fnuz;
};

TEST(Cast, EightBitFloats) {
  const float large = 1e6f, i = static_cast<float>(inf), n = static_cast<float>(nan);
  const SmallCase saturating[] = {{0, 0, 0, 0, 0},
                                  {-0.0f, 0x80, 0, 0x80, 0},
                                  {1, 0x38, 0x40, 0x3C, 0x40},
                                  {-1, 0xB8, 0xC0, 0xBC, 0xC0},
                                  {large, 0x7E, 0x7F, 0x7B, 0x7F},
                                  {-large, 0xFE, 0xFF, 0xFB, 0xFF},
                                  {i, 0x7E, 0x7F, 0x7B, 0x7F},
                                  {n, 0x7F, 0x80, 0x7E, 0x80},
                                  {0.0625f + 0x1p-8f, 0x18, 0x20, 0x2C, 0x30},
                                  {0x1p-9f, 1, 2, 0x18, 0x1C},
                                  {-1e-7f, 0x80, 0, 0x80, 0}};
  const SmallCase infinite[] = {{large, 0x7F, 0x80, 0x7C, 0x80},
                                {-i, 0xFF, 0x80, 0xFC, 0x80},
                                {448, 0x7E, 0x80, 0x5F, 0x63},
                                {240, 0x77, 0x7F, 0x5C, 0x60}};
  const auto check = [](const SmallCase& c, bool saturate) {
    SCOPED_TRACE(c.value);
    EXPECT_EQ((cast<std::uint8_t>(c.value, DType::f32, DType::f8e4m3fn, saturate)), c.e4m3fn);
    EXPECT_EQ((cast<std::uint8_t>(c.value, DType::f32, DType::f8e4m3fnuz, saturate)), c.e4m3fnuz);
    EXPECT_EQ((cast<std::uint8_t>(c.value, DType::f32, DType::f8e5m2, saturate)), c.e5m2);
    EXPECT_EQ((cast<std::uint8_t>(c.value, DType::f32, DType::f8e5m2fnuz, saturate)), c.e5m2fnuz);
  };
  for (const SmallCase& c : saturating) check(c, true);
  for (const SmallCase& c : infinite) check(c, false);
}

/// Every code survives the way through f32 and back (NaN as NaN), and halves decode as core/half.hpp says.
TEST(Cast, EveryCode) {
  for (DType d :
       {DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz, DType::f8e8m0, DType::f4e2m1})
    for (int code = 0; code < 1 << bits(d); ++code) {
      const float wide = cast<float>(static_cast<std::uint8_t>(code), d, DType::f32);
      if (!std::isnan(wide))
        EXPECT_EQ((cast<std::uint8_t>(wide, DType::f32, d, false)), code) << name(d);
      else
        EXPECT_TRUE(std::isnan(cast<float>(cast<std::uint8_t>(wide, DType::f32, d), d, DType::f32)))
            << name(d) << code;
    }
  for (int code = 0; code < 65536; ++code) {
    half h;
    h.bits = static_cast<std::uint16_t>(code);
    const double wide = cast<double>(h.bits, DType::f16, DType::f64);
    if (std::isnan(static_cast<float>(h)))
      EXPECT_TRUE(std::isnan(wide));
    else
      EXPECT_EQ(wide, static_cast<double>(static_cast<float>(h)));
  }
}

TEST(Cast, FourBitFloatsAndExponents) {
  const std::pair<float, int> e2m1[] = {
      {0.48f, 1}, {0.25f, 0}, {1.05f, 2}, {-3.5f, 14}, {-8, 15}, {9, 7}, {static_cast<float>(nan), 8},
      {-0.0f, 8}, {5, 6}};
  for (auto [value, code] : e2m1)
    EXPECT_EQ((cast<std::uint8_t>(value, DType::f32, DType::f4e2m1)), code) << value;
  const std::pair<float, int> e8m0[] = {{1, 127},
                                        {1.01f, 128},
                                        {0, 0},
                                        {3, 129},
                                        {3e38f, 254},
                                        {static_cast<float>(inf), 255},
                                        {static_cast<float>(nan), 255}};
  for (auto [value, code] : e8m0)
    EXPECT_EQ((cast<std::uint8_t>(value, DType::f32, DType::f8e8m0)), code) << value;
}

TEST(Cast, RefusesQuantized) {
  EXPECT_EQ(OpTest<ops::Cast>().infer({Input{2}.quantized(1, 0)}, Types{{DType::s8}, {DType::f32}}).code(),
            Code::unsupported);
}

}  // namespace
}  // namespace lithe::test
