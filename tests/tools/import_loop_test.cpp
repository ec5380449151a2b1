// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lithe/session.hpp"
#include "tests/support/aligned_copy.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"

/// ONNX's Loop and Scan: what their bodies compute. ONNX's node tests have more.
namespace lithe::test {
namespace {

using Vectors = std::map<std::string, std::vector<float>>;

/// Runs a model given as text on these inputs; an input of one number may be an integer or a bool.
Vectors run(const std::string& graph, const Vectors& inputs, int opset = 18) {
  EXPECT_EQ(refusal(graph, opset), "");
  const std::string bytes = serialized(graph, opset);
  import::Options options;
  options.check = false;
  const import::Conversion converted = import::convert(std::as_bytes(std::span(bytes)), "test.onnx", options);
  const auto model = Model::open(aligned_copy(converted.bytes));
  SessionOptions with = portable_options();
  with.growable = true;
  auto session = Session::create(*model, with);
  EXPECT_TRUE(session.ok()) << session.status().text();
  if (!session.ok()) return {};
  for (const auto& [name, values] : inputs) {
    const Tensor to = session->input(name);
    if (to.dtype == DType::s64) std::ranges::copy(values, to.as<std::int64_t>().begin());
    if (to.dtype == DType::boolean) std::ranges::copy(values, to.as<bool>().begin());
    if (to.dtype == DType::f32) std::ranges::copy(values, to.as<float>().begin());
  }
  const Status status = session->run();
  EXPECT_TRUE(status.ok()) << status.text();
  Vectors outputs;
  for (int o = 0; o < session->outputs(); ++o) {
    const auto values = session->output(o).as<float>();
    outputs[std::string(session->output_name(o))] = {values.begin(), values.end()};
  }
  return outputs;
}

constexpr const char* sums =
    "b (float[2] state, float[2] e) => (float[2] n, float[2] o) { n = Add(state, e)  o = Mul(n, e) }";

TEST(ImportLoop, ScansAreLoopsOverAnAxis) {
  const Vectors inputs{{"s", {100, 200}}, {"x", {1, 2, 3, 4, 5, 6}}};
  const Vectors forward =
      run(std::string("g (float[2] s, float[3, 2] x) => (float[2] last, float[3, 2] all) {"
                      "last, all = Scan <num_scan_inputs = 1, body = ") +
              sums + "> (s, x) }",
          inputs);
  EXPECT_EQ(forward, (Vectors{{"last", {109, 212}}, {"all", {101, 404, 312, 824, 545, 1272}}}));
}

TEST(ImportLoop, ScansHaveAxesAndDirections) {
  const Vectors inputs{{"s", {100, 200}}, {"x", {1, 3, 5, 2, 4, 6}}};
  const Vectors backward =
      run(std::string(
              "g (float[2] s, float[2, 3] x) => (float[2] last, float[2, 3] all) {"
              "last, all = Scan <num_scan_inputs = 1, scan_input_axes = [-1], scan_input_directions = [1], "
              "scan_output_axes = [1], scan_output_directions = [1], body = ") +
              sums + "> (s, x) }",
          inputs);
  EXPECT_EQ(backward, (Vectors{{"last", {109, 212}}, {"all", {109, 324, 525, 424, 840, 1236}}}));
}

TEST(ImportLoop, ABodyReadsWhatIsOutside) {
  const char* const graph =
      "g (int64 trips, float[2] x) => (float[2] y, float[N, 2] all) <bool go = {1}> { w = Neg(x)"
      " y, all = Loop <body = b (int64 i, bool c, float[2] v) => (bool c2, float[2] n, float[2] o) {"
      " c2 = Identity(c)  n = Add(v, w)  f = CastLike(i, n)  o = Mul(n, f) }> (trips, go, x) }";
  EXPECT_EQ(run(graph, {{"trips", {3}}, {"x", {1, 10}}}),
            (Vectors{{"y", {-2, -20}}, {"all", {0, 0, -1, -10, -4, -40}}}));
  EXPECT_EQ(run(graph, {{"trips", {0}}, {"x", {1, 10}}}), (Vectors{{"y", {1, 10}}, {"all", {}}}));
  const graph::Model model = imported(graph, 18);
  const graph::Node& loop = model.graphs[0].nodes.back();
  EXPECT_EQ(loop.op, "Loop");
  EXPECT_EQ(loop.attributes.at("counted").ints, (std::vector<std::int64_t>{1}));
}

TEST(ImportLoop, ABodyMayEndTheLoop) {
  const char* const graph =
      "g (float x, float limit) => (float y) <int64 trips = {1000}> {"
      " y = Loop <body = b (int64 i, bool c, float v) => (bool c2, float n) {"
      " n = Add(v, v)  c2 = Less(n, limit) }> (trips, , x) }";
  EXPECT_EQ(run(graph, {{"x", {3}}, {"limit", {100}}}), (Vectors{{"y", {192}}}));
}

TEST(ImportLoop, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(
      mentions(refusal("g (int64 n, float[2] x) => (float[2] y) { y = Loop <body = b (int64 i, bool c) => "
                       "(bool d, float[2] z) { d = Identity(c)  z = Identity(x) }> (n, , x) }",
                       18),
               "its body has other inputs and outputs than the node gives and takes"));
}

}  // namespace
}  // namespace lithe::test
