// SPDX-License-Identifier: Apache-2.0
// The files of schema/golden/ never change, and every later lithe must load and run them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "lithe/lithe.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

class Golden : public ::testing::TestWithParam<bool> {
 protected:
  SessionOptions kernels() const { return GetParam() ? machine_options() : portable_options(); }
};
INSTANTIATE_TEST_SUITE_P(Kernels, Golden, ::testing::Values(false, true),
                         [](const auto& i) { return i.param ? "all" : "portable"; });

/// Runs what the file itself brings.
void run_self_test(const Model& model, const SessionOptions& options) {
  ASSERT_NE(model.root().self_tests(), nullptr);
  for (const format::SelfTest* test : *model.root().self_tests()) {
    auto session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    std::vector<InputShape> shapes;
    for (int i = 0; i < session->inputs(); ++i) {
      const format::TestTensor& given = *test->inputs()->Get(static_cast<std::uint32_t>(i));
      Shape shape;
      for (std::int64_t d : *given.dims()) shape.push_back(d);
      const auto& values = *model.root().subgraphs()->Get(0)->values();
      const bool host = values.Get(static_cast<std::uint32_t>(i))->host();
      shapes.push_back({session->input_name(i), shape, host ? model.buffer(given.buffer()).data() : nullptr});
    }
    const Status resized = session->resize(shapes);
    ASSERT_TRUE(resized.ok()) << resized.text();
    for (int i = 0; i < session->inputs(); ++i) {
      const auto bytes = model.buffer(test->inputs()->Get(static_cast<std::uint32_t>(i))->buffer());
      std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(session->input(i).data));
    }
    ASSERT_TRUE(session->run().ok());
    for (int o = 0; o < session->outputs(); ++o) {
      const auto bytes = model.buffer(test->outputs()->Get(static_cast<std::uint32_t>(o))->buffer());
      const auto have = session->output(o).as<float>();
      ASSERT_EQ(have.size() * sizeof(float), bytes.size());
      std::vector<float> want(have.size());
      std::memcpy(want.data(), bytes.data(), bytes.size());
      for (std::size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(have[k], want[k], test->tolerance());
    }
  }
}

TEST_P(Golden, Version1Classifier) {
  const auto model = open("schema/golden/v1_classifier.lithe");
  ASSERT_TRUE(model.ok()) << model.status().text();
  run_self_test(*model, kernels());
  auto session = Session::create(*model, kernels());
  ASSERT_TRUE(session.ok()) << session.status().text();
  const auto image = session->input<float>("image");
  ASSERT_EQ(image.size(), 64u);
  std::iota(image.begin(), image.end(), 0.f);
  ASSERT_TRUE(session->run().ok());
  const float expected[] = {0.828667021f, 0.000906484f, 0.134641866f, 0.035784628f};
  const auto answer = session->output<float>("probabilities");
  ASSERT_EQ(answer.size(), std::size(expected));
  for (std::size_t i = 0; i < answer.size(); ++i) EXPECT_NEAR(answer[i], expected[i], 1e-5);
}

TEST_P(Golden, Version1Everything) {
  const auto model = open("schema/golden/v1.lithe");
  ASSERT_TRUE(model.ok()) << model.status().text();
  EXPECT_EQ(model->root().version(), 1);
  EXPECT_EQ(model->metadata("labels"), "left right");
  EXPECT_EQ(model->metadata("nothing"), "");
  const auto note = model->section("note", "golden");
  ASSERT_EQ(note.size(), 3u);
  EXPECT_EQ(note[2], std::byte{3});
  const auto& image = *model->root().subgraphs()->Get(0)->values()->Get(0);
  EXPECT_EQ(image.onnx_name()->string_view(), "input:0");
  EXPECT_EQ(image.permutation()->Get(1), 2);
  EXPECT_EQ(model->root().symbols()->Get(0)->max(), 4u);
  run_self_test(*model, kernels());
}

TEST_P(Golden, Version1StatesShapesAndBranches) {
  const auto model = open("schema/golden/v1.lithe");
  ASSERT_TRUE(model.ok());
  auto session = Session::create(*model, kernels());
  ASSERT_TRUE(session.ok()) << session.status().text();
  for (const bool negate : {false, true}) {
    const std::int64_t shape[] = {negate ? 4 : 2, 2};
    const index_t n = shape[0];
    ASSERT_TRUE(session->resize({InputShape{"image", {n, 2, 2, 2}}, InputShape{"shape", {2}, shape}}).ok());
    session->reset_state();
    std::ranges::fill(session->input<float>("image"), 0.f);
    session->input<float>("image")[2] = 1.6f;  // quantized with scale 0.5: 1.5
    session->input<bool>("negate")[0] = negate;
    for (int run = 1; run <= 3; ++run) {
      const Status status = session->run();
      ASSERT_TRUE(status.ok()) << status.text();
      const auto count = static_cast<float>(run);
      EXPECT_EQ(session->output<float>("count")[0], count);
      EXPECT_EQ(session->output("answer").shape, (Shape{n, 2}));
      EXPECT_FLOAT_EQ(session->output<float>("answer")[0], (1.5f + count) * (negate ? -1.f : 2.f));
      EXPECT_FLOAT_EQ(session->output<float>("answer")[1], count * (negate ? -1.f : 2.f));
    }
  }
  EXPECT_EQ(session->resize("image", {5, 2, 2, 2}).code(), Code::shape);
}

}  // namespace
}  // namespace lithe::test
