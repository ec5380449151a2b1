// SPDX-License-Identifier: Apache-2.0
// Linked into every program of tests of the engine. LITHE_CPU_MASK names features that the program does
// without, LITHE_CPU_FEATURES all that it must find then, as `lithe cpu` prints them: else no test runs.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <string>

#include "lithe/runtime/cpu.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::test {
namespace {

std::string features_here() {
  const char* names[std::size(cpu_features)];
  const int count = features(cpu(), names);
  std::string text;
  for (int i = 0; i < count; ++i) text.append(i == 0 ? "" : " ").append(names[i]);
  return text;
}

class CodePath : public ::testing::Environment {
  void SetUp() override {
    if (const char* names = std::getenv("LITHE_CPU_MASK"); names != nullptr) {
      const Status status = xnn::restrict_cpu(names);
      ASSERT_TRUE(status.ok()) << "LITHE_CPU_MASK=" << names << ": " << status.text();
    }
    if (const char* expected = std::getenv("LITHE_CPU_FEATURES"); expected != nullptr) {
      ASSERT_EQ(features_here(), expected) << "not the code path that was to be tested";
    }
  }
};

[[maybe_unused]] const auto* const code_path = ::testing::AddGlobalTestEnvironment(new CodePath);

}  // namespace
}  // namespace lithe::test
