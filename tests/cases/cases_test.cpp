// SPDX-License-Identifier: Apache-2.0
// Small models, each the smallest that shows a kind of fault (LITHE_SHARED/cases/README.md): converted and run by every
// kernel list, they give the recorded outputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"
#include "tests/support/recorded_case.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  double tolerance = 1e-4;
  /// false: XNNPACK's own kernel is wrong on x86; the default list has ours before it.
  bool by_xnnpack_alone = true;
  bool finite = true;  ///< false: its inputs hold NaN or infinity, which --samples refuses
  friend void PrintTo(const Case& c, std::ostream* out) {
    *out << c.name;
  }  // NOLINT(readability-identifier-naming): GoogleTest's
};

constexpr Case cases[] = {{"argmax_of_sigmoid"},
                          {"bert_mask_float_min"},
                          {"cast_f16_int"},
                          {"compare_nhwc"},
                          {"conv_mul_inf"},
                          {"dynamic_valid_conv_gap_gemm"},
                          {"f16_weights_overflow_on_arm"},
                          {"input_is_output"},
                          {"int8_weights_minus_128"},
                          {"integer_div_by_input"},
                          {.name = "nan_gemm", .finite = false},
                          {"output_without_shape"},
                          {"resize_align_corners_fraction"},
                          {"scaler_before_gemm"},
                          {"split_sizes_as_input"},
                          {.name = "sqrt_of_inf", .by_xnnpack_alone = false, .finite = false},
                          {"stale_output_shape"},
                          {"strips_elementwise"},
                          {"zero_size_input"}};

/// What is refused, with a reason in each, and quickly.
constexpr const char* hostile[] = {"gather_of_huge_constant/model.onnx",
                                   "hostile_onnx/col2im.onnx",
                                   "hostile_onnx/layer_normalization_axis.onnx",
                                   "hostile_onnx/onehot_empty.onnx",
                                   "hostile_onnx/rank.onnx",
                                   "hostile_onnx/split_seq0.onnx"};

/// What is no model with recorded outputs: matmul_over_64_mib is a matter of speed.
constexpr const char* others[] = {"gather_of_huge_constant", "hostile_onnx", "matmul_over_64_mib"};

fs::path folder() {
  const char* shared = std::getenv("LITHE_SHARED");
  return fs::path(shared == nullptr ? "" : shared) / "cases";
}

class Cases : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!fs::exists(folder() / GetParam().name / "model.onnx"))
      GTEST_SKIP() << "there is no " << folder() / GetParam().name << ": set LITHE_SHARED";
  }
};

TEST_P(Cases, PassTheirCheck) {
  const fs::path at = folder() / GetParam().name;
  for (const bool on_own_data : {false, true}) {
    import::Options options;
    if (on_own_data && !GetParam().finite) continue;
    if (on_own_data) options.samples = at;
    try {
      const import::Conversion result = import::convert(at / "model.onnx", options);
      EXPECT_EQ(result.check.verdict, check::Verdict::agrees) << result.check.reason;
    } catch (const report::Failure& failure) {
      ADD_FAILURE() << (on_own_data ? "on its own data: " : "") << failure.line;
    }
  }
}

TEST_P(Cases, GiveTheRecordedOutputs) {
  const fs::path at = folder() / GetParam().name;
  const auto model = Model::open(aligned_copy(import::convert(at / "model.onnx", {}).bytes));
  ASSERT_TRUE(model.ok()) << model.status().text();
  const Tensors inputs = read_numbered(at, "input"), outputs = read_numbered(at, "output");
  ASSERT_FALSE(outputs.empty());
  std::vector<std::span<const KernelEntry>> lists{all_kernels(), portable_kernels()};
  if (GetParam().by_xnnpack_alone) lists.push_back(xnnpack_kernels());
  for (const auto kernels : lists) {
    SessionOptions options = machine_options(nullptr);
    options.kernels = kernels;
    options.growable = true;
    auto session = Session::create(*model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    const Status fed = feed(*session, inputs);
    ASSERT_TRUE(fed.ok()) << fed.text();
    const Status ran = session->run();
    ASSERT_TRUE(ran.ok()) << ran.text();
    ASSERT_EQ(static_cast<std::size_t>(session->outputs()), outputs.size());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const TensorView got = session->output(static_cast<int>(o));
      TensorView want = outputs[o]->view();
      want.quantization = got.quantization;
      const report::Difference d = report::measure(got, want);
      EXPECT_TRUE(d.within(GetParam().tolerance))
          << kernels.size() << " kernels, output " << o << ": error " << d.relative() << ' ' << d.mismatch;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, Cases, ::testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

class Hostile : public ::testing::TestWithParam<const char*> {};

TEST_P(Hostile, IsRefusedWithAReason) {
  const fs::path file = folder() / GetParam();
  if (!fs::exists(file)) GTEST_SKIP() << "there is no " << file << ": set LITHE_SHARED";
  try {
    import::convert(file, {});
    ADD_FAILURE() << "it was converted";
  } catch (const report::Failure& failure) {
    EXPECT_NE(failure.line.find(file.filename().string()), std::string::npos) << failure.line;
    EXPECT_EQ(std::count(failure.line.begin(), failure.line.end(), '\n'), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, Hostile, ::testing::ValuesIn(hostile), [](const auto& info) {
  std::string name = fs::path(info.param).parent_path().string() + "_" + fs::path(info.param).stem().string();
  return name;
});

TEST(SharedCases, EachIsListedHere) {
  if (!fs::exists(folder())) GTEST_SKIP() << "there is no " << folder() << ": set LITHE_SHARED";
  std::set<std::string> listed(std::begin(others), std::end(others)), found;
  for (const Case& c : cases) listed.insert(c.name);
  for (const auto& entry : fs::directory_iterator(folder()))
    if (entry.is_directory()) found.insert(entry.path().filename().string());
  EXPECT_EQ(found, listed);
}

}  // namespace
}  // namespace lithe::test
