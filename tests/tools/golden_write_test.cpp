// SPDX-License-Identifier: Apache-2.0
// Writes the files of schema/golden/ when LITHE_WRITE_GOLDEN names a folder; they are written once for each
// version of the format and then stay as they are. Otherwise: today's writer still gives files that mean the
// same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>

#include "lithe/lithe.hpp"
#include "tests/support/golden_models.hpp"
#include "tools/io/write_file.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

template <class T>
graph::ConstantPtr tensor(const Shape& shape, const std::vector<T>& elements) {
  return graph::make_constant<T>(shape, elements);
}

ModelBuilder with_self_test(ModelBuilder b, std::vector<graph::ConstantPtr> inputs,
                            std::vector<graph::ConstantPtr> outputs) {
  b.model().self_tests.push_back({0, std::move(inputs), std::move(outputs), 1e-5f});
  return b;
}

ModelBuilder everything() {
  auto negate = std::make_shared<graph::Constant>();
  negate->dtype = DType::boolean;
  negate->bytes = {std::byte{1}};
  return with_self_test(golden_everything(),
                        {tensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8.1f}), tensor<float>({1}, {4}),
                         negate, tensor<std::int64_t>({2}, {2, -1})},
                        {tensor<float>({2, 1}, {-12, -13}), tensor<float>({1}, {5})});
}

ModelBuilder classifier() {
  ModelBuilder b = golden_classifier();
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  std::vector<float> image(64);
  std::iota(image.begin(), image.end(), 0.f);
  std::copy(image.begin(), image.end(), session->input<float>("image").begin());
  EXPECT_TRUE(session->run().ok());
  const auto out = session->output<float>("probabilities");
  return with_self_test(std::move(b), {tensor<float>({1, 8, 8, 1}, image)},
                        {tensor<float>({1, 4}, {out.begin(), out.end()})});
}

void check(const char* name, const ModelBuilder& built) {
  if (const char* folder = std::getenv("LITHE_WRITE_GOLDEN"))
    io::write_file(std::string(folder) + "/" + name, built.bytes());
  const std::string path = std::string("schema/golden/") + name;
  const auto golden = open(path.c_str());
  ASSERT_TRUE(golden.ok()) << path;
  const Model fresh = built.open();
  EXPECT_EQ(fresh.root().subgraphs()->size(), golden->root().subgraphs()->size());
  EXPECT_EQ(fresh.root().operators()->size(), golden->root().operators()->size());
  EXPECT_EQ(fresh.root().buffers()->size(), golden->root().buffers()->size());
  EXPECT_EQ(fresh.root().symbols() == nullptr, golden->root().symbols() == nullptr);
  EXPECT_EQ(fresh.root().self_tests()->size(), golden->root().self_tests()->size());
}

TEST(GoldenWrite, Everything) { check("v1.lithe", everything()); }
TEST(GoldenWrite, Classifier) { check("v1_classifier.lithe", classifier()); }

}  // namespace
}  // namespace lithe::test
