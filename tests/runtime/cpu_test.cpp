// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/cpu.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <string_view>

namespace lithe::test {
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

Cpu with_everything() {
  Cpu all;
  for (const CpuFeature& f : cpu_features) all.*f.member = true;
  return all;
}
std::string names_of(const Cpu& c) {
  const char* names[std::size(cpu_features)] = {};
  const int n = features(c, names);
  std::string text;
  for (int i = 0; i < n; ++i) text.append(i == 0 ? "" : " ").append(names[i]);
  return text;
}

TEST(Cpu, Mask) {
  const Cpu all = with_everything();
  const auto masked = mask(all, "avx512,f16");
  ASSERT_TRUE(masked.ok());
  EXPECT_FALSE(masked->avx512 || masked->f16_arithmetic || masked->avx512_vnni || masked->amx);
  EXPECT_TRUE(masked->avx2 && masked->neon && masked->avx_vnni);
  EXPECT_EQ(names_of(*mask(all, "")), names_of(all));
  EXPECT_EQ(mask(all, "avx512,turbo").code(), Code::invalid_argument);
  EXPECT_EQ(mask(all, "avx512,,f16").code(), Code::invalid_argument);
}

TEST(Cpu, WhatBuildsOnAMaskedFeatureGoesWithIt) {
  Cpu x86 = with_everything();
  x86.neon = x86.neon_dot = x86.i8mm = x86.sve = x86.sve2 = false;
  EXPECT_EQ(names_of(*mask(x86, "avx")), "ssse3 sse41");
  EXPECT_EQ(names_of(*mask(x86, "avx512,avxvnni,avxvnniint8,gfni")), "ssse3 sse41 avx f16c fma3 avx2");
  EXPECT_EQ(names_of(*mask(x86, "ssse3")), "");
  Cpu arm;
  arm.neon = arm.neon_dot = arm.i8mm = arm.sve = arm.sve2 = arm.f16_arithmetic = arm.bf16 = true;
  EXPECT_EQ(names_of(*mask(arm, "dot")), "neon sve sve2 f16 bf16");
  EXPECT_EQ(names_of(*mask(arm, "neon")), "");
}

TEST(Cpu, BasesStandBeforeWhatBuildsOnThem) {
  Cpu seen;
  for (const CpuFeature& f : cpu_features) {
    EXPECT_TRUE(f.base == nullptr || seen.*f.base) << f.name;
    EXPECT_TRUE(f.other == nullptr || seen.*f.other) << f.name;
    seen.*f.member = true;
  }
}

TEST(Cpu, FeatureNames) {
  Cpu some;
  some.avx2 = some.fma3 = true;
  EXPECT_EQ(names_of(some), "fma3 avx2");
  const char* one[1] = {};
  EXPECT_EQ(features(some, one), 2);
  EXPECT_EQ(std::string_view(one[0]), "fma3");
}

}  // namespace
}  // namespace lithe::test
