// SPDX-License-Identifier: Apache-2.0
// Trained networks against ONNX Runtime's recorded answers, by every kernel list, on one thread and on two.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/lithe.hpp"
#include "tests/support/recorded_case.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

struct Kernels {
  const char* name;
  std::span<const KernelEntry> entries;
};
const Kernels kernel_lists[] = {
    {"auto", all_kernels()}, {"xnnpack", xnnpack_kernels()}, {"portable", portable_kernels()}};

/// dynamic: 8-bit weights and activations quantized at run time, judged by the angle to the answers alone.
enum class Numbers { real, half, quantized, dynamic };

struct Network {
  const char* name;
  std::size_t cases;
  Numbers numbers = Numbers::real;
  bool growable = false;  ///< its sizes depend on the data
  bool heavy = false;     ///< billions of multiply-adds: not under a sanitizer
  import::Weights weights = import::Weights::f32;
  friend void PrintTo(const Network& network, std::ostream* out) {
    *out << network.name;
  }  // NOLINT(readability-identifier-naming): GoogleTest's
};
constexpr Network networks[] = {
    {"blazeface_short_range", 1},
    {.name = "dnsmos_p835", .cases = 1, .heavy = true},
    {"dtln_1", 2},
    {"gtcrn_stream", 2},
    {"hand_landmark_lite", 1},
    {"ic_resnet8_fp32", 2},
    {"ic_resnet8_int8", 1, Numbers::quantized},
    {"kws_ds_cnn_fp32", 2},
    {"kws_ds_cnn_int8", 2, Numbers::quantized},
    {.name = "magika_v3", .cases = 2, .heavy = true},
    {"mnist_cnn", 1},
    {"mtcnn_pnet", 3},
    {"nanodet_m_320", 1},
    {"ppocr_v4_det", 2},
    {"selfie_segmentation", 1},
    {"squeezenet10_fp16", 1, Numbers::half},
    {"iris_landmark_fp16", 1, Numbers::half},
    {"mobilenet_v2_quant", 1, Numbers::quantized},
    {"ultraface_slim320_qdq_s8", 1, Numbers::quantized},
    {"ultraface_slim320_qop_u8", 1, Numbers::quantized},
    {.name = "minilm_l6_int8", .cases = 3, .numbers = Numbers::dynamic, .heavy = true},
    {.name = "transformer_block_d128", .cases = 4, .weights = import::Weights::int8},
    {.name = "transformer_block_d128", .cases = 4, .weights = import::Weights::int4},
    {.name = "silero_vad", .cases = 3, .growable = true},
    {.name = "style_candy", .cases = 2, .heavy = true},
    {.name = "super_resolution_x3", .cases = 1, .heavy = true},
    {"transformer_block_d128", 4},
    {"ultraface_rfb320", 1},
    {.name = "ultraface_slim320_nms", .cases = 2, .growable = true}};

#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized = __has_feature(address_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

/// The smallest cosine between rows of two tensors.
double cosine(const TensorView& a, const TensorView& b) {
  const std::vector<double> x = report::reals(a), y = report::reals(b);
  const auto n = static_cast<std::size_t>(a.shape.back());
  double smallest = x.size() == y.size() ? 1 : -1;
  for (std::size_t row = 0; row + n <= std::min(x.size(), y.size()); row += n) {
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = row; i < row + n; ++i) {
      xy += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    smallest = std::min(smallest, xy / std::sqrt(xx * yy));
  }
  return smallest;
}

class Models : public ::testing::TestWithParam<Network> {
 protected:
  void SetUp() override {
    if (GetParam().heavy && is_sanitized)
      GTEST_SKIP() << "too slow under a sanitizer: run it in the dev preset";
    const char* shared = std::getenv("LITHE_SHARED");
    folder_ = fs::path(shared == nullptr ? "" : shared) / "models" / GetParam().name;
    if (!fs::exists(folder_ / "model.onnx"))
      GTEST_SKIP() << "there is no " << folder_ / "model.onnx"
                   << ": set LITHE_SHARED to the folder of models and data";
    std::ifstream(folder_ / "meta.json") >> meta_;
    for (const auto& c : meta_.at("cases")) cases_.push_back(read_case(c));
    ASSERT_EQ(cases_.size(), GetParam().cases);
  }

  struct Case {
    std::string name;
    Tensors inputs, outputs;
    Tensors real_outputs;  ///< those of the model before it was quantized, if they are known
    std::vector<double> tolerances;
  };

  /// The error that is allowed, as a part of the output's range; `moved` is how far ONNX Runtime's own
  /// optimizations move the output. An int8 network may move 1.5 times as far.
  static double tolerance(double moved) {
    const Network& network = GetParam();
    if (network.numbers == Numbers::quantized) return std::max(2e-2, 1.5 * moved);
    if (network.weights == import::Weights::int4) return 8e-2;
    if (network.weights == import::Weights::int8) return 2e-2;
    return network.numbers == Numbers::half ? 1e-2 : 1e-4;
  }

  Case read_case(const nlohmann::json& c) const {
    const fs::path at = folder_ / c.at("dir").get<std::string>();
    Case result{c.at("dir"),
                read_numbered(at, "input"),
                read_numbered(at, "output"),
                read_numbered(at, "output_fp32"),
                {}};
    for (std::size_t o = 0; o < result.outputs.size(); ++o) {
      const auto number = [&](const char* key) {  // null: an empty output
        return c.at(key).at(o).is_null() ? 0.0 : c.at(key).at(o).get<double>();
      };
      const double moved = number("ort_optimised_max_abs_diff"), largest = number("output_abs_max");
      result.tolerances.push_back(tolerance(moved / std::max(largest, 1e-2)));
    }
    return result;
  }

  /// The largest error over all cases and outputs.
  double run(Session& session, const std::string& how) {
    double worst = 0;
    for (const Case& c : cases_) {
      const Status fed = feed(session, c.inputs);
      EXPECT_TRUE(fed.ok()) << how << ", " << c.name << ": " << fed.text();
      const Status status = fed.ok() ? session.run() : fed;
      EXPECT_TRUE(status.ok()) << how << ", " << c.name << ": " << status.text() << " at node "
                               << status.node();
      if (!status.ok()) continue;
      EXPECT_EQ(static_cast<std::size_t>(session.outputs()), c.outputs.size());
      for (std::size_t o = 0; o < c.outputs.size(); ++o) {
        const TensorView got = session.output(static_cast<int>(o));
        TensorView want = c.outputs[o]->view();
        want.quantization = got.quantization;
        if (GetParam().numbers == Numbers::dynamic) {
          const TensorView real = c.real_outputs.at(o)->view();
          EXPECT_GE(cosine(got, want), 0.98) << how << ", " << c.name;
          EXPECT_GE(cosine(got, real), cosine(want, real) - 0.002) << how << ", " << c.name;
          worst = std::max(worst, 1 - cosine(got, real));
          continue;
        }
        const report::Difference d = report::measure(got, want);
        EXPECT_TRUE(d.within(c.tolerances[o]))
            << how << ", " << c.name << ", output " << o << ": error " << d.relative() << ' ' << d.mismatch;
        worst = std::max(worst, d.relative());
      }
    }
    return worst;
  }

  fs::path folder_;
  nlohmann::json meta_;
  std::vector<Case> cases_;
};

int kernels_from(const runtime::PlanView& plan, std::string_view prefix) {
  int count = 0;
  for (const auto node : plan.nodes()) {
    count += std::string_view(node.kernel_name()).starts_with(prefix) ? 1 : 0;
    for (std::size_t i = 0; i < node.children(); ++i) count += kernels_from(node.child(i), prefix);
  }
  return count;
}

TEST_P(Models, AreWithinTheErrorMeasure) {
  import::Options convert_options;
  convert_options.weights = GetParam().weights;
  const auto file = import::convert(folder_ / "model.onnx", convert_options).bytes;
  auto model = Model::open(aligned_copy(file));
  ASSERT_TRUE(model.ok()) << model.status().text();
  for (const Kernels& kernels : kernel_lists)
    for (const std::size_t count : {1u, 2u}) {
      const Threads threads(count);
      ASSERT_EQ(threads.threads(), count);
      SessionOptions options = machine_options(&threads);
      options.kernels = kernels.entries;
      options.growable = GetParam().growable;
      auto session = Session::create(*model, options);
      ASSERT_TRUE(session.ok()) << session.status().text() << " at node " << session.status().node();
      const std::string how = std::string(kernels.name) + ", " + std::to_string(count) + " threads";
      const double error = run(*session, how);
      ASSERT_TRUE(session->planned());
      EXPECT_EQ(kernels_from(session->inspect(), "xnn") > 0, std::string_view(kernels.name) != "portable")
          << how;
      std::printf("%s, %s: largest error %.3g\n", GetParam().name, how.c_str(), error);
    }
}

INSTANTIATE_TEST_SUITE_P(Shared, Models, ::testing::ValuesIn(networks), [](const auto& info) {
  const import::Weights weights = info.param.weights;
  return std::string(info.param.name) + (weights == import::Weights::int8   ? "_int8"
                                         : weights == import::Weights::int4 ? "_int4"
                                                                            : "");
});

}  // namespace
}  // namespace lithe::test
