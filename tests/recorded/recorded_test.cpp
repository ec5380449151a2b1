// SPDX-License-Identifier: Apache-2.0
// Trained networks on this build's CPU, compared with answers that were recorded elsewhere. The model files
// are those that the dev preset converted (LITHE_MODELS): one file serves every CPU. Float networks are
// compared with ONNX Runtime's answers (LITHE_SHARED), int8 networks to the bit with those of the machine
// that converted them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <span>
#include <string>

#include "lithe/lithe.hpp"
#include "tests/support/row_answers.hpp"
#include "tools/io/npy.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// |a - b| <= tolerance x the range of the reference (its largest value, 1e-2).
void expect_near(std::span<const float> got, std::span<const float> want, float tolerance,
                 const std::string& where) {
  ASSERT_EQ(got.size(), want.size()) << where;
  const auto [low, high] = std::minmax_element(want.begin(), want.end());
  const float scale = std::max({*high - *low, std::fabs(*high), std::fabs(*low), 1e-2f});
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_LE(std::fabs(got[i] - want[i]), tolerance * scale) << where << ", element " << i;
}

io::ConstantPtr numbered(const fs::path& folder, const char* prefix, int i) {
  return io::read_npy(folder / (prefix + std::to_string(i) + ".npy"));
}

void run_case(Session& session, const fs::path& folder, float tolerance) {
  for (int i = 0; i < session.inputs(); ++i) {
    const Status resized = session.resize(session.input_name(i), numbered(folder, "input_", i)->shape);
    ASSERT_TRUE(resized.ok()) << resized.text();
  }
  for (int i = 0; i < session.inputs(); ++i) {
    const Tensor to = session.input(i);
    ASSERT_EQ(to.dtype, DType::f32);
    const auto input = numbered(folder, "input_", i);
    ASSERT_EQ(input->dtype, DType::f32) << folder;
    std::ranges::copy(input->as<float>(), to.as<float>().begin());
  }
  const Status status = session.run();
  ASSERT_TRUE(status.ok()) << status.text() << " at node " << status.node();
  for (int o = 0; o < session.outputs(); ++o) {
    const auto output = numbered(folder, "output_", o);
    ASSERT_EQ(output->dtype, DType::f32) << folder;
    EXPECT_EQ(session.output(o).shape, output->shape);
    expect_near(session.output(o).as<float>(), output->as<float>(), tolerance,
                folder.string() + ", output " + std::to_string(o));
  }
}

struct Network {
  const char* name;
  bool half = false;  ///< computes in half precision where the processor can
  friend void PrintTo(const Network& network, std::ostream* out) {
    *out << network.name;
  }  // NOLINT(readability-identifier-naming): GoogleTest's
};
class Recorded : public ::testing::TestWithParam<Network> {};

bool computes_in_half(const Session& session) {
  for (const auto node : session.inspect().nodes())
    for (const Tensor& output : node.outputs())
      if (output.dtype == DType::f16) return true;
  return false;
}

TEST_P(Recorded, RunsOnThisCpu) {
  const fs::path file = fs::path(environment("LITHE_MODELS")) / (std::string(GetParam().name) + ".lithe");
  const fs::path golden = fs::path(environment("LITHE_SHARED")) / "models" / GetParam().name;
  if (!fs::exists(file)) GTEST_SKIP() << "there is no " << file << ": build the dev preset first";
  if (!fs::exists(golden))
    GTEST_SKIP() << "there is no " << golden << ": set LITHE_SHARED to the folder of models and data";
  auto model = lithe::open(file.c_str());
  ASSERT_TRUE(model.ok()) << model.status().text();
  for (const bool fast : {true, false})
    for (const std::size_t count : {1u, 2u}) {
      const Threads threads(count);
      SessionOptions options = machine_options(&threads);
      if (!fast) options.kernels = portable_kernels();
      auto session = Session::create(*model, options);
      ASSERT_TRUE(session.ok()) << session.status().text() << " at node " << session.status().node();
      EXPECT_EQ(computes_in_half(*session), GetParam().half && cpu().f16_arithmetic);
      const float tolerance = GetParam().half ? 1e-2f : 1e-4f;
      bool numbered = false;
      for (int i = 0; fs::exists(golden / ("case_" + std::to_string(i))); ++i, numbered = true)
        run_case(*session, golden / ("case_" + std::to_string(i)), tolerance);
      if (!numbered) run_case(*session, golden, tolerance);
    }
}

/// Answers to the rows that tests/models/CMakeLists.txt names.
void gives_the_same_bits(const std::string& name, const fs::path& rows) {
  const fs::path models = environment("LITHE_MODELS"), file = models / (name + ".lithe");
  if (!fs::exists(file) || !fs::exists(rows))
    GTEST_SKIP() << "there is no " << file << " or no " << rows << ": build the dev preset first";
  const auto wanted = read_file(models / (name + ".answers"));
  ASSERT_FALSE(wanted.empty());
  const auto model = lithe::open(file.c_str());
  ASSERT_TRUE(model.ok()) << model.status().text();
  for (const auto kernels : {all_kernels(), xnnpack_kernels(), portable_kernels()}) {
    SessionOptions options = machine_options();
    options.kernels = kernels;
    auto session = Session::create(*model, options);
    ASSERT_TRUE(session.ok()) << session.status().text() << " at node " << session.status().node();
    EXPECT_TRUE(row_answers(*session, rows) == wanted) << kernels.size() << " kernels";
  }
}

TEST(Int8, DigitsAreTheSameBitsOnEveryCpu) {
  gives_the_same_bits("digits_int8", "examples/digits/images.npy");
}

TEST(Int8, KeywordsAreTheSameBitsOnEveryCpu) {
  const fs::path shared = environment("LITHE_SHARED");
  gives_the_same_bits("kws_ds_cnn_int8", shared / "models/kws_ds_cnn_int8/case_0/input_0.npy");
}

INSTANTIATE_TEST_SUITE_P(Shared, Recorded,
                         ::testing::Values(Network{"mnist_cnn"}, Network{"kws_ds_cnn_fp32"},
                                           Network{"blazeface_short_range"}, Network{"gtcrn_stream"},
                                           Network{"selfie_segmentation"},
                                           Network{"iris_landmark_fp16", true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace lithe::test
