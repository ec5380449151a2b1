// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.hpp"
#include "tests/tools/passes_testing.hpp"
#include "tools/io/npy.hpp"
#include "tools/report/error.hpp"

/// Small float networks and folders of samples for post-training quantization.
namespace lithe::test {

namespace fs = std::filesystem;

/// An empty folder of its own for each test.
class WithFolder : public ::testing::Test {
 protected:
  template <class T>
  void save(const fs::path& name, const Shape& shape, const std::vector<T>& elements) const {
    fs::create_directories((folder_ / name).parent_path());
    io::write_npy(folder_ / name, graph::make_constant<T>(shape, elements)->view());
  }
  const test::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

inline std::vector<float> normal_numbers(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> numbers(count);
  for (float& v : numbers) v = normal(generator);
  return numbers;
}

/// A model whose main graph is `builder`'s.
inline graph::Model model_of(const Builder& builder) {
  graph::Model model = builder.model;
  model.signatures = {{.name = "main", .graph = 0, .states = {}}};
  model.source_name = "test.onnx";
  return model;
}

/// What a refusal says; empty where there is none.
inline std::string refusal(const std::function<void()>& f, int exit) {
  try {
    f();
  } catch (const report::Failure& failure) {
    EXPECT_EQ(failure.exit, exit) << failure.line;
    return failure.line;
  }
  return {};
}

inline ::testing::AssertionResult mentions(const std::string& text, const std::string& word) {
  if (text.find(word) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << word << "\" is not in \"" << text << '"';
}

}  // namespace lithe::test
