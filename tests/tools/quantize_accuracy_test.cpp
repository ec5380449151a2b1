// SPDX-License-Identifier: Apache-2.0
// Trained networks and real data: calibrated on one part, measured on another. Needs LITHE_SHARED, but for
// the digits' part that lies in the repository.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/quantize_testing.hpp"
#include "tools/import/convert.hpp"
#include "tools/io/npy.hpp"
#include "tools/passes/constants.hpp"
#include "tools/quantize/runner.hpp"

namespace lithe::quantize {
namespace {

namespace fs = std::filesystem;

/// Every other row from `first` on, all of them for a step of 1.
graph::ConstantPtr rows(const graph::Constant& array, std::size_t first, std::size_t step) {
  auto part = std::make_shared<graph::Constant>();
  part->dtype = array.dtype;
  part->shape = array.shape;
  const std::size_t count = static_cast<std::size_t>(array.shape[0]), bytes = array.bytes.size() / count;
  index_t kept = 0;
  for (std::size_t i = first; i < count; i += step, ++kept)
    part->bytes.insert(part->bytes.end(), array.bytes.begin() + static_cast<std::ptrdiff_t>(i * bytes),
                       array.bytes.begin() + static_cast<std::ptrdiff_t>((i + 1) * bytes));
  part->shape[0] = kept;
  return part;
}

class Accuracy : public test::WithFolder {
 protected:
  void SetUp() override {
    WithFolder::SetUp();
    const char* shared = std::getenv("LITHE_SHARED");
    if (shared == nullptr || !fs::exists(fs::path(shared) / "data"))
      GTEST_SKIP() << "there is no folder data: set LITHE_SHARED to the folder of models and data";
    shared_ = shared;
  }
  graph::ConstantPtr data(const std::string& name) const { return io::read_npy(shared_ / "data" / name); }

  /// The largest class of each sample.
  std::vector<std::size_t> classes(const graph::Model& model, const Samples& samples) const {
    std::vector<std::size_t> result;
    Runner runner(model);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      runner.run(samples, i);
      const auto scores = runner.session()->output(0).as<float>();
      result.push_back(
          static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
    }
    return result;
  }
  std::vector<std::size_t> labels_of(const graph::Constant& labels) const {
    std::vector<std::size_t> result;
    const auto numbers = *passes::doubles_of(&labels);
    for (double v : numbers) result.push_back(static_cast<std::size_t>(v));
    return result;
  }
  static int equal(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
    int count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) count += a[i] == b[i];
    return count;
  }

  void expect_accurate(const fs::path& model, const graph::Constant& calibration,
                       const graph::Constant& pictures, const graph::Constant& labels) const {
    fs::create_directories(folder_ / "calibrate");
    fs::create_directories(folder_ / "measure");
    io::write_npy(folder_ / "calibrate/samples.npy", calibration.view());
    io::write_npy(folder_ / "measure/samples.npy", pictures.view());
    const import::Conversion floating = import::convert(model);
    const Samples measured(folder_ / "measure", floating.model);
    const auto wanted = labels_of(labels), by_float = classes(floating.model, measured);
    const auto total = static_cast<double>(wanted.size());
    for (Method method : {Method::minmax, Method::percentile, Method::entropy, Method::mse}) {
      import::Options options;
      options.quantize.emplace();
      options.quantize->samples = folder_ / "calibrate";
      options.quantize->method = method;
      const import::Conversion result = import::convert(model, options);
      ASSERT_TRUE(result.quantized);
      EXPECT_EQ(result.quantized->int8_layers, result.quantized->layers) << name(method);
      const auto by_int8 = classes(result.model, measured);
      const int lost = equal(by_float, wanted) - equal(by_int8, wanted),
                differing = static_cast<int>(total) - equal(by_float, by_int8);
      EXPECT_LE(lost, std::max(3.0, 0.005 * total)) << name(method);
      EXPECT_LE(differing, std::max(2.0, 0.015 * total)) << name(method);
      std::printf("  %-10s %d of %.0f right, %d lost, %d differ from float's, %zu bytes of %zu\n",
                  name(method), equal(by_int8, wanted), total, lost, differing, result.bytes.size(),
                  floating.bytes.size());
    }
  }

  fs::path shared_;
};

TEST_F(Accuracy, Digits) {
  const graph::ConstantPtr held_out = io::read_npy("examples/digits/images.npy"),
                           labels = io::read_npy("examples/digits/labels.npy");
  expect_accurate("examples/digits/digits.onnx", *data("digits_8x8/images.npy"), *held_out, *labels);
}

TEST_F(Accuracy, Mnist) {
  const graph::ConstantPtr pictures = data("mnist_test/images.npy"), labels = data("mnist_test/labels.npy");
  expect_accurate(shared_ / "models/mnist_cnn/model.onnx", *rows(*pictures, 0, 2), *rows(*pictures, 1, 2),
                  *rows(*labels, 1, 2));
}

TEST_F(Accuracy, KeywordSpotting) {
  const graph::ConstantPtr mfcc = data("speech_commands/mfcc.npy"),
                           labels = data("speech_commands/labels.npy");
  expect_accurate(shared_ / "models/kws_ds_cnn_fp32/model.onnx", *rows(*mfcc, 0, 2), *rows(*mfcc, 1, 2),
                  *rows(*labels, 1, 2));
}

}  // namespace
}  // namespace lithe::quantize
