// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/cpu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace lithe {
namespace {

TEST(Cpu, IsFoundOnceAndPlausible) {
  EXPECT_EQ(&cpu(), &cpu());
  EXPECT_GE(cpu().l1d_bytes, 4u * 1024);
  EXPECT_GE(cpu().l2_bytes, cpu().l1d_bytes);
  EXPECT_GE(cpu().performance_cores, 1u);
#if defined(__aarch64__)
  EXPECT_TRUE(cpu().neon);
  EXPECT_FALSE(cpu().avx2);
#elif defined(__x86_64__)
  EXPECT_FALSE(cpu().neon);
  EXPECT_EQ(cpu().avx2, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(cpu().fma3, __builtin_cpu_supports("fma") != 0);
#endif
}

TEST(Cpu, Mask) {
  Cpu all;
  for (const CpuFeature& f : cpu_features) all.*f.member = true;
  const auto masked = mask(all, "avx512,f16");
  ASSERT_TRUE(masked.ok());
  EXPECT_FALSE(masked->avx512 || masked->f16_arithmetic || masked->avx512_vnni);
  EXPECT_TRUE(masked->avx2 && masked->neon && masked->avx_vnni);
  EXPECT_FALSE(mask(all, "avx2")->avx512);
  EXPECT_TRUE(mask(all, "")->avx512);
  EXPECT_EQ(mask(all, "avx512,turbo").code(), Code::invalid_argument);
  EXPECT_EQ(mask(all, "avx512,,f16").code(), Code::invalid_argument);
}

TEST(Cpu, FeatureNames) {
  Cpu some;
  some.avx2 = some.fma3 = true;
  const char* names[4] = {};
  ASSERT_EQ(features(some, names), 2);
  EXPECT_EQ(std::string_view(names[0]), "avx2");
  EXPECT_EQ(std::string_view(names[1]), "fma3");
  EXPECT_EQ(features(some, {}), 2);
}

}  // namespace
}  // namespace lithe
