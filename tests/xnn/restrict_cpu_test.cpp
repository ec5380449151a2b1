// SPDX-License-Identifier: Apache-2.0
// Each restriction is one of a whole process: a child's. GoogleTest runs suites of this name first, before
// anything initializes XNNPACK.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "lithe/runtime/cpu.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::test {
namespace {

bool same_features(const Cpu& a, const Cpu& b) {
  for (const CpuFeature& f : cpu_features)
    if (a.*f.member != b.*f.member) return false;
  return true;
}

/// Ends the child: 0 where the restriction holds for us and for who asks cpuinfo, as XNNPACK does, and is the
/// last one possible.
[[noreturn]] void restrict_and_leave(const CpuFeature& feature) {
  const Cpu expected = *mask(cpu(), feature.name);
  if (const Status status = xnn::restrict_cpu(feature.name); !status.ok()) {
    std::fputs(status.text(), stderr);
    std::exit(status.code() == Code::unsupported ? 3 : 1);
  }
  const bool hidden =
      same_features(cpu(), expected) && same_features(lithe::detail::detect_features(), expected);
  const bool late = xnn::initialize().ok() && xnn::restrict_cpu("f16").code() == Code::invalid_argument;
  std::exit(hidden && late ? 0 : 2);
}

TEST(RestrictCpuDeathTest, HidesAFeatureFromEveryone) {
  for (const CpuFeature& feature : cpu_features) {
    SCOPED_TRACE(feature.name);
#if defined(__aarch64__)
    if (feature.member == &Cpu::neon) {
      EXPECT_EXIT(restrict_and_leave(feature), ::testing::ExitedWithCode(3), "AArch64 is not without neon");
      continue;
    }
#endif
    EXPECT_EXIT(restrict_and_leave(feature), ::testing::ExitedWithCode(0), "");
  }
}

TEST(RestrictCpuDeathTest, AnUnknownFeatureChangesNothing) {
  const Cpu before = cpu();
  EXPECT_EQ(xnn::restrict_cpu("avx512,turbo").code(), Code::invalid_argument);
  EXPECT_TRUE(same_features(cpu(), before));
  EXPECT_TRUE(same_features(lithe::detail::detect_features(), before));
}

}  // namespace
}  // namespace lithe::test
