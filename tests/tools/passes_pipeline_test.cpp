// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/tools/passes_testing.hpp"
#include "tools/import/import_model.hpp"
#include "tools/import/parse.hpp"

namespace lithe::passes {
namespace {

using namespace test;

void network(Builder& b) {
  ValueId x = b.input({1, 3, 16, 12});
  for (index_t channels : {3, 8}) {
    x = b.to_first(
        b.node("Conv2D", {b.to_last(x), b.random({8, 3, 3, channels}, 1)}, {{"pads", ints({1, 1, 1, 1})}}));
    x = b.to_first(b.node("BatchNormalization", {b.to_last(x), b.random({8}, 2), b.random({8}, 3),
                                                 b.random({8}, 4), b.random({8}, 5, 0.5F, 2)}));
    const ValueId active = b.node("Relu", {x});
    const ValueId depthwise = b.node("DepthwiseConv2D", {b.to_last(active), b.random({3, 3, 8, 1}, 6)},
                                     {{"pads", ints({1, 1, 1, 1})}});
    x = b.node("Clip", {b.node("Add", {b.to_first(depthwise), b.random({8, 1, 1}, 7)})},
               {{"clamp", floats({0, 6})}});
    x = b.node("Add", {x, active});
    x = b.to_first(
        b.node("MaxPool2D", {b.to_last(x)}, {{"kernel", ints({2, 2})}, {"strides", ints({2, 2})}}));
  }
  const ValueId dense = b.node("FullyConnected", {b.node("Flatten", {x}), b.random({10, 96}, 8)});
  b.output(b.node("Softmax", {b.node("Add", {dense, b.random({1, 10}, 9)})}));
}

TEST(Pipeline, ClassifierKeepsOneTranspose) {
  Builder b;
  network(b);
  const Graph before = b.graph();
  PassLog log;
  run_pipeline(b.model, log);
  expect_same(before, b.graph(), 1e-4);
  EXPECT_EQ(count(b.graph(), "Transpose"), 1);
  for (const char* gone : {"BatchNormalization", "Relu", "Clip"})
    EXPECT_EQ(count(b.graph(), gone), 0) << gone;
  EXPECT_EQ(count(b.graph(), "Add"), 2);
  EXPECT_EQ(b.graph().nodes.size(),
            12U);  // transpose, 2 x (2 convolutions, sum, pooling), flatten, dense, softmax
  EXPECT_GT(log.changes(), 0);
}

std::string text_of(const Model& model) {
  std::string text;
  for (const Node& node : model.graphs[0].nodes) {
    text += node.op;
    for (const auto& [name, attribute] : node.attributes) {
      text += ' ' + name;
      for (auto i : attribute.ints) text += ',' + std::to_string(i);
      for (auto f : attribute.floats) text += ';' + std::to_string(f);
    }
    for (ValueId v : node.inputs) text += ' ' + std::to_string(v);
    for (ValueId v : node.outputs)
      text += ' ' + model.graphs[0].value(v).name + '=' + model.graphs[0].value(v).onnx_name;
    text += '\n';
  }
  return text;
}

TEST(Pipeline, Deterministic) {
  Builder a, b;
  network(a);
  network(b);
  PassLog first, second;
  run_pipeline(a.model, first);
  run_pipeline(b.model, second);
  EXPECT_EQ(text_of(a.model), text_of(b.model));
  ASSERT_EQ(first.lines().size(), second.lines().size());
}

TEST(Pipeline, SubgraphsAreRewrittenToo) {
  Builder b;
  network(b);
  const Graph before = b.graph();
  b.model.graphs.push_back(b.graph());
  PassLog log;
  run_pipeline(b.model, log);
  EXPECT_EQ(b.model.graphs[0].nodes.size(), b.model.graphs[1].nodes.size());
  expect_same(before, b.model.graphs[1], 1e-4);
}

TEST(Pipeline, ReportsEachPass) {
  Builder b;
  network(b);
  PassLog log;
  std::vector<std::string> names;
  run_pipeline(
      b.model, log,
      [](void* to, const Pass& pass, const Model&) {
        static_cast<std::vector<std::string>*>(to)->push_back(pass.name);
      },
      &names);
  ASSERT_EQ(names.size(), pipeline().size());
  const auto changed_by = [&](const std::string& name) {
    return std::any_of(log.lines().begin(), log.lines().end(),
                       [&](const auto& l) { return l.changed && l.pass == name; });
  };
  for (const char* pass : {"channels_last", "fuse_batch_normalization", "fuse_bias", "fuse_activation"})
    EXPECT_TRUE(changed_by(pass)) << pass;
}

struct Shared {
  const char* name;
  int transposes;
  DType dtype;  ///< the type that convolutions give
  double tolerance;
};
void PrintTo(const Shared& shared, std::ostream* out) { *out << shared.name; }

class SharedModel : public ::testing::TestWithParam<Shared> {};

TEST_P(SharedModel, GivesTheSameAnswers) {
  const char* folder = std::getenv("LITHE_SHARED");
  const std::string path =
      std::string(folder == nullptr ? "" : folder) + "/models/" + GetParam().name + "/model.onnx";
  std::ifstream file(path, std::ios::binary);
  if (!file) GTEST_SKIP() << "there is no " << path << ": set LITHE_SHARED to the folder of models and data";
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  Model model = import::import_model(import::parse(std::as_bytes(std::span(bytes)), path, {}));
  const Graph before = model.graphs[0];
  PassLog log;
  run_pipeline(model, log);
  const Graph& after = model.graphs[0];
  EXPECT_EQ(count(after, "Transpose"), GetParam().transposes);
  for (const Node& node : after.nodes) {
    if (is_any(node, {"Conv2D", "DepthwiseConv2D", "FullyConnected"})) {
      EXPECT_EQ(after.value(node.outputs[0]).dtype, GetParam().dtype) << graph::node_title(after, node);
    }
  }
  expect_same(before, after, GetParam().tolerance, GetParam().dtype != DType::u8);
}

INSTANTIATE_TEST_SUITE_P(Pipeline, SharedModel,
                         ::testing::Values(Shared{"mnist_cnn", 0, DType::f32, 1e-4},
                                           Shared{"kws_ds_cnn_fp32", 0, DType::f32, 1e-4},
                                           Shared{"ic_resnet8_fp32", 0, DType::f32, 1e-4},
                                           Shared{"ultraface_rfb320", 1, DType::f32, 1e-4},
                                           Shared{"dtln_1", 0, DType::f32, 1e-4},
                                           Shared{"kws_ds_cnn_int8", 0, DType::s8, 0.05},
                                           Shared{"ic_resnet8_int8", 0, DType::s8, 0.05},
                                           Shared{"mobilenet_v2_quant", 0, DType::u8, 0.15}));

}  // namespace
}  // namespace lithe::passes
