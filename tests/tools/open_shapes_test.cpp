// SPDX-License-Identifier: Apache-2.0
// What is said of shapes while dimensions are open: it holds at every size, and ranks are not lost.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "lithe/format/reader.hpp"
#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

using graph::Dims;

constexpr int opset = 17;

graph::Model imported_at(const std::string& text,
                         const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  const std::string bytes = serialized(text, opset);
  return import::import_model(
      import::parse(std::as_bytes(std::span(bytes)), "test.onnx", {}, {.shapes = shapes}));
}

const graph::Value* find(const graph::Model& model, const std::string& name) {
  for (const graph::Value& v : model.graphs.at(0).values)
    if (v.onnx_name == name) return &v;
  return nullptr;
}

/// The dims of an output as text: numbers, names of symbols, "?" for what is open, "no rank".
std::string dims_of(const std::string& text, const std::string& name) {
  const graph::Model model = imported(text, opset);
  const graph::Value* value = find(model, name);
  if (value == nullptr) return "no such value";
  if (!value->dims) return "no rank";
  std::string line;
  for (const std::int64_t d : *value->dims)
    line += (line.empty() ? "" : " ") + (d >= 0 ? std::to_string(d)
                                         : symbol_of(d) >= 0
                                             ? model.symbols[static_cast<std::size_t>(symbol_of(d))].name
                                             : "?");
  return line;
}

TEST(OpenShapes, SymbolsAndNumbersAreKept) {
  EXPECT_EQ(dims_of("g (float[n,3,h,w] x) => (float[] y) { y = Relu(x) }", "y"), "n 3 h w");
  EXPECT_EQ(dims_of("g (float[n,3,h,w] x) => (float[] y) { y = Transpose <perm = [0, 2, 3, 1]> (x) }", "y"),
            "n h w 3");
  EXPECT_EQ(dims_of("g (float[n,s,8] x, float[8,5] w) => (float[] y) { y = MatMul(x, w) }", "y"), "n s 5");
  EXPECT_EQ(dims_of("g (float[n,8] x, float[m,8] z) => (float[] y) { y = Concat <axis = 0> (x, z) }", "y"),
            "? 8");
}

TEST(OpenShapes, NamesThatMustAgreeKeepTheRestOfTheShape) {
  EXPECT_EQ(dims_of("g (float[n,8] x, float[m,8] z) => (float[] y) { y = Add(x, z) }", "y"), "? 8");
}

TEST(OpenShapes, ShapeArithmeticIsFollowed) {
  EXPECT_EQ(dims_of("g (float[n,s,8] x) => (float[] y) <int64 zero = {0}, int64[1] first = {0}, int64[2] "
                    "rest = {2, -1}> "
                    "{ shape = Shape(x)\n n = Gather(shape, zero)\n one = Unsqueeze(n, first)\n "
                    "to = Concat <axis = 0> (one, rest)\n y = Reshape(x, to) }",
                    "y"),
            "n 2 ?");
  EXPECT_EQ(dims_of("g (float[n,s,8] x) => (float[] y) <int64[1] from = {-2}, int64[1] end = {9}> "
                    "{ shape = Shape(x)\n tail = Slice(shape, from, end)\n y = ConstantOfShape(tail) }",
                    "y"),
            "s 8");
}

TEST(OpenShapes, WhatIsCutIsNotFixed) {
  const auto sliced = [](const std::string& end) {
    return dims_of("g (float[n,8] x) => (float[] y) <int64[1] start = {0}, int64[1] end = {" + end +
                       "}, int64[1] axis = {0}> { y = Slice(x, start, end, axis) }",
                   "y");
  };
  EXPECT_EQ(sliced("512"), "? 8");
  EXPECT_EQ(sliced("50"), "? 8");
  EXPECT_EQ(sliced("1"), "1 8");
}

/// A table of 80 positions, of which the first `time` are added to x, has no room for a large time.
TEST(OpenShapes, TablesWithAnEndLeaveTheShapeKnown) {
  const auto after_table = [](const std::string& x, const std::string& nodes) {
    return dims_of(
        "g (" + x +
            ") => (float[] y) <int64[3] size = {1, 80, 8}, int64[1] first = {0}, int64[1] second = {1}, "
            "int64[4] heads = {0, 0, -1, 2}, int64[1] last = {-1}> "
            "{ table = ConstantOfShape(size)\n shape = Shape(x)\n time = Gather(shape, second)\n "
            "places = Slice(table, first, time, second)\n placed = Add(x, places)\n " +
            nodes + " }",
        "y");
  };
  EXPECT_EQ(after_table("float[n,time,8] x", "y = Relu(placed)"), "n time 8");
  EXPECT_EQ(after_table("float[n,time,8] x", "y = Reshape(placed, heads)"), "n time 4 2");
  EXPECT_EQ(after_table("float[time,n,8] x", "y = Relu(placed)"), "time n 8");
  EXPECT_EQ(
      after_table("float[n,time,8] x", "t = Transpose <perm = [0, 2, 1]> (placed)\n y = MatMul(placed, t)"),
      "n time time");
  EXPECT_EQ(after_table("float[n,time,8] x", "y = Concat <axis = 1> (placed, placed)"), "n ? 8");
  EXPECT_EQ(after_table(
                "float[n,time,8] x",
                "n = Gather(shape, first)\n least = Min(n, time)\n y = Slice(placed, first, least, second)"),
            "n ? 8")
      << "the smaller of two sizes is neither";
}

TEST(OpenShapes, RanksSurviveWhatIsNotKnown) {
  EXPECT_EQ(dims_of("g (float[n,8] x, int64[3] to) => (float[] y) { r = Reshape(x, to)\n y = Relu(r) }", "y"),
            "? ? ?");
  EXPECT_EQ(dims_of("g (float[n,1,8] x) => (float[] y) { y = Squeeze(x) }", "y"), "n 8");
  const std::string any = "g (float[n,8] x, int64[2] c, int64[1] d, int64[4] p) => (float[] y) ";
  for (const char* node : {"Slice(x, c, c)", "Tile(x, c)", "Expand(x, c)", "Pad(x, p)", "Resize(x, , , c)",
                           "ConstantOfShape(c)"})
    EXPECT_EQ(dims_of(any + "{ r = " + node + "\n y = Relu(r) }", "y"), "? ?") << node;
  EXPECT_EQ(dims_of(any + "{ r = Expand(x, c)\n y = Squeeze(r) }", "y"), "no rank") << "sizes may be 1";
  EXPECT_EQ(dims_of("g (float[n,8] x, int64[k] c) => (float[] y) { r = Expand(x, c)\n y = Relu(r) }", "y"),
            "no rank");
  EXPECT_EQ(
      dims_of("g (float[n,8] x, int64[k] c) => (float[] y) { r = ConstantOfShape(c)\n y = Relu(r) }", "y"),
      "no rank");
  EXPECT_EQ(dims_of(any + "{ r, i = TopK(x, d)\n y = Relu(r) }", "y"), "? ?");
  EXPECT_EQ(dims_of(any + "{ r = ReduceSum <keepdims = 0> (x, d)\n y = Relu(r) }", "y"), "?");
  EXPECT_EQ(dims_of(any + "{ r = Unsqueeze(x, c)\n y = Relu(r) }", "y"), "? ? ? ?");
  EXPECT_EQ(dims_of("g (float[n,8] x) => (float[] y) { i = NonZero(x)\n y = Cast <to = 1> (i) }", "y"),
            "? ?");
}

/// A tensor of which the rank alone is known meets fixed sizes: those that fit keep the rank of what follows.
TEST(OpenShapes, RanksSurviveWhereUnknownSizesMeetFixedOnes) {
  const auto after = [](const std::string& nodes, const std::string& others = "") {
    return dims_of("g (float[n,8] x, int64[2] to_2, int64[3] to_3, int64[4] to_4" + others +
                       ") => (float[] y) { m = Reshape(x, to_2)\n "
                       "t = Reshape(x, to_3)\n p = Reshape(x, to_4)\n r = " +
                       nodes + "\n y = Relu(r) }",
                   "y");
  };
  EXPECT_EQ(after("MatMul(t, w)", ", float[32,8] w"), "? ? ?");
  EXPECT_EQ(after("Gemm(m, w)", ", float[32,8] w"), "? ?");
  EXPECT_EQ(after("Conv(p, w)", ", float[6,4,3,3] w"), "? ? ? ?");
  EXPECT_EQ(after("ConvTranspose(p, w)", ", float[4,6,3,3] w"), "? ? ? ?");
  EXPECT_EQ(after("InstanceNormalization(p, b, b)", ", float[5] b"), "? ? ? ?");
  EXPECT_EQ(after("LayerNormalization(t, b, b)", ", float[5] b"), "? ? ?");
  EXPECT_EQ(after("PRelu(p, b)", ", float[5,1,1] b"), "? ? ? ?");
  EXPECT_EQ(after("Concat <axis = 1> (t, z)", ", float[2,5,7] z"), "? ? ?");
  EXPECT_EQ(after("Einsum <equation = \"bij,bjk->bik\"> (t, z)", ", float[3,12,5] z"), "? ? ?");
  EXPECT_EQ(after("ScatterND(p, i, p)", ", int64[k,l,2,3,4] i"), "? ? ? ?");
  EXPECT_EQ(after("ScatterElements(p, i, p)", ", int64[k,l,2,3] i"), "? ? ? ?");
  EXPECT_EQ(after("GatherND <batch_dims = 2> (p, i)", ", int64[3,4,2] i"), "? ?");
  EXPECT_EQ(after("GridSample(p, p)"), "? ? ? ?");
  EXPECT_EQ(after("SpaceToDepth <blocksize = 3> (p)"), "? ? ? ?");
  EXPECT_EQ(dims_of("g (float[n,8] x, int64[3] to) => (float[] y) <int64[2] parts = {4, 6}> { t = "
                    "Reshape(x, to)\n y, z = Split <axis = 1> (t, parts) }",
                    "y"),
            "? ? ?");
}

/// The number of updates fits the number of places in the sample of ones alone; the number of axes is known all the same.
TEST(OpenShapes, WhatDependsOnNoSizeIsKnownFromTheSampleOfOnes) {
  EXPECT_EQ(dims_of("g (float[n,m,5] x, int64[a,b,3] i, float[c] u) => (float[] y) <int64[2] to = {-1, 3}> "
                    "{ flat = Reshape(i, to)\n s = ScatterND(x, flat, u)\n y = Shape(s) }",
                    "y"),
            "3");
}

TEST(OpenShapes, TheFilesOwnWordIsAHint) {
  EXPECT_EQ(dims_of("g (float[n,3] x) => (float[7,7] y) { y = Relu(x) }", "y"), "n 3") << "it contradicts";
  EXPECT_EQ(dims_of("g (float[n,8] x, int64[k] to) => (float[n,4,2] y) { y = Reshape(x, to) }", "y"), "n ? ?")
      << "numbers of a file with open inputs are often those of before they were opened";
  EXPECT_EQ(dims_of("g (float[4,8] x, int64[2] to) => (float[16,2] y) { y = Reshape(x, to) }", "y"), "16 2");
}

/// Sizes that depend on each other, as twice h on h, agree in no sample but that of ones; a Shape has its rank there too.
TEST(OpenShapes, SizesThatMeetInOnesAloneKeepRanks) {
  const std::string text =
      "g (float[n,4,twice_h,twice_w] x, float[n,4,h,w] z, float[4,4,2,2] k) => (float[] y) <int64 second = "
      "{1}> "
      "{ c = Conv <strides = [2, 2]> (x, k)\n m = Concat <axis = 1> (c, z)\n s = Shape(m)\n "
      "l = Gather(s, second)\n y = Mul(l, l) }";
  EXPECT_EQ(dims_of(text, "s"), "4");
  EXPECT_EQ(dims_of(text, "l"), "");
}

/// Graphs whose shapes depend on those of their inputs in many ways.
constexpr const char* graphs[] = {
    "g (float[n,4,h,w] x, float[6,4,3,3] k) => (float[] y) { c = Conv <pads = [1, 1, 1, 1], strides = [2, "
    "2]> (x, k)\n "
    "p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (c)\n t = Transpose <perm = [0, 2, 3, 1]> (p)\n "
    "f = Flatten(t)\n y = Relu(f) }",
    "g (float[n,h,w] x, float[n,w,h] z) => (float[] y) <int64[3] to = {0, 0, -1}, int64[1] axis = {1}> "
    "{ m = MatMul(x, z)\n r = Reshape(m, to)\n u = Unsqueeze(r, axis)\n y = Softmax(u) }",
    "g (float[n,h,w] x, float[n,h,w] z) => (float[] y) <int64[1] second = {1}> { c = Concat <axis = 1> (x, "
    "z)\n s = Shape(c)\n "
    "l = Gather(s, second)\n e = ReduceMean <keepdims = 0, axes = [2]> (c)\n f = Cast <to = 1> (l)\n y = "
    "Add(e, f) }",
    "g (float[n,h,w] x) => (float[] y) <float[4] scales = {1, 1, 1, 2}, int64[1] axis = {1}> { u = "
    "Unsqueeze(x, axis)\n "
    "r = Resize <mode = \"nearest\", coordinate_transformation_mode = \"asymmetric\", nearest_mode = "
    "\"floor\"> (u, , scales)\n "
    "y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 3]> (r) }",
    "g (float[n,h,w] x) => (float[] y) <int64[1] zero = {0}, int64[1] two = {2}, int64[1] minus = {-1}> { s "
    "= Shape(x)\n "
    "n = Gather(s, zero)\n w = Gather(s, two)\n half = Div(w, two)\n to = Concat <axis = 0> (n, minus, w)\n "
    "r = Reshape(x, to)\n y = Slice(r, zero, half, two) }"};

class OpenShapesHold : public ::testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(OpenShapesHold, AtOtherSizes) {
  const auto [text, number] = GetParam();
  const graph::Model open = imported(text, opset);
  const std::vector<std::int64_t> sizes = number == 0   ? std::vector<std::int64_t>{1, 8, 16}
                                          : number == 1 ? std::vector<std::int64_t>{3, 21, 10}
                                                        : std::vector<std::int64_t>{2, 64, 700};
  const auto size_of = [&](std::int64_t d) { return sizes.at(static_cast<std::size_t>(symbol_of(d))); };
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const graph::ValueId id : open.graphs[0].inputs) {
    Dims dims = *open.graphs[0].value(id).dims;
    for (std::int64_t& d : dims) d = d < 0 ? size_of(d) : d;
    shapes[open.graphs[0].value(id).onnx_name] = dims;
  }
  const graph::Model fixed = imported_at(text, shapes);
  for (const graph::Value& value : open.graphs[0].values) {
    if (value.onnx_name.empty() || value.constant) continue;
    const graph::Value* there = find(fixed, value.onnx_name);
    if (there == nullptr || !there->dims || !value.dims) continue;
    ASSERT_EQ(value.dims->size(), there->dims->size()) << value.onnx_name;
    for (std::size_t i = 0; i < value.dims->size(); ++i) {
      const std::int64_t d = (*value.dims)[i];
      if (d == -1) continue;
      EXPECT_EQ(d < 0 ? size_of(d) : d, (*there->dims)[i]) << value.onnx_name << ", axis " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, OpenShapesHold,
                         ::testing::Combine(::testing::ValuesIn(graphs), ::testing::Range(0, 3)));

}  // namespace
}  // namespace lithe::test
