// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

TEST(ImportReshape, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[2,3] x) => (float[3,2] y) <int64[2] s = {3, -1}> { y = Reshape (x, s) }", opset),
        Lines{"Reshape (., [3,-1])"});
    EXPECT_EQ(nodes("g (float[2,3] x, int64[2] s) => (float[n,m] y) { y = Reshape (x, s) }", opset),
              Lines{"Reshape (., .)"});
  }
  for (int opset = 14; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes(
            "g (float[0,3] x) => (float[3,0] y) <int64[2] s = {3, 0}> { y = Reshape <allowzero = 1> (x, s) }",
            opset),
        Lines{"Reshape allow_zero=1 (., [3,0])"});
}

TEST(ImportSqueeze, AxesAreAnAttributeThenAnInput) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const std::string axes = opset < 13 ? "" : "<int64[1] a = {1}> ";
    const std::string arguments = opset < 13 ? " <axes = [1]> (x)" : " (x, a)";
    EXPECT_EQ(
        nodes("g (float[2,1,3] x) => (float[2,3] y) " + axes + "{ y = Squeeze" + arguments + " }", opset),
        Lines{"Squeeze (., [1])"});
    EXPECT_EQ(
        nodes("g (float[2,3] x) => (float[2,1,3] y) " + axes + "{ y = Unsqueeze" + arguments + " }", opset),
        Lines{"Unsqueeze (., [1])"});
    EXPECT_EQ(nodes("g (float[2,1,3] x) => (float[2,3] y) { y = Squeeze (x) }", opset), Lines{"Squeeze (.)"});
  }
}

TEST(ImportTranspose, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,1,3] x) => (float[3,2,1] y) { y = Transpose <perm = [2,0,1]> (x) }", opset),
              Lines{"Transpose permutation=2,0,1 (.)"});
    EXPECT_EQ(nodes("g (float[2,1,3] x) => (float[3,1,2] y) { y = Transpose (x) }", opset),
              Lines{"Transpose (.)"});
  }
}

TEST(ImportSplit, SizesAreAnAttributeThenAnInput) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const std::string sizes = opset < 13 ? "" : "<int64[2] s = {1, 3}> ",
                      attribute = opset < 13 ? ", split = [1,3]" : "";
    EXPECT_EQ(nodes("g (float[2,4] x) => (float[2,1] y, float[2,3] z) " + sizes + "{ y, z = Split <axis = 1" +
                        attribute + ">" + (opset < 13 ? " (x)" : " (x, s)") + " }",
                    opset),
              Lines{"Split axis=1 (., [1,3])"});
    const std::string parts = opset < 18 ? "" : " <num_outputs = 2>";
    EXPECT_EQ(nodes("g (float[4] x) => (float[2] y, float[2] z) { y, z = Split" + parts + " (x) }", opset),
              Lines{"Split (.)"});
  }
  EXPECT_NE(refusal("g (float[4] x) => (float[2] y, float[2] z) { y, z = Split <num_outputs = 4> (x) }", 18),
            "");
}

TEST(ImportSlice, AttributesThenInputs) {
  for (int opset = oldest_opset; opset < 10; ++opset) {
    EXPECT_EQ(
        nodes("g (float[4,4] x) => (float[4,2] y) { y = Slice <starts = [1], ends = [3], axes = [1]> (x) }",
              opset),
        Lines{"Slice (., [1], [3], [1])"});
    EXPECT_EQ(nodes("g (float[4,4] x) => (float[2,4] y) { y = Slice <starts = [1], ends = [3]> (x) }", opset),
              Lines{"Slice (., [1], [3])"});
  }
  for (int opset = 10; opset <= newest_opset; ++opset) {
    const std::string head =
        "g (float[4,4] x) => (float[] y) <int64[1] s = {1}, int64[1] e = {3}, int64[1] t = {2}> { y = Slice ";
    EXPECT_EQ(nodes(head + "(x, s, e, s, t) }", opset), Lines{"Slice (., [1], [3], [1], [2])"});
    EXPECT_EQ(nodes(head + "(x, s, e, , t) }", opset), Lines{"Slice (., [1], [3], -, [2])"});
  }
}

TEST(ImportPad, AttributesThenInputs) {
  for (int opset = oldest_opset; opset < 11; ++opset) {
    EXPECT_EQ(nodes("g (float[2] x) => (float[5] y) { y = Pad <pads = [1,2], value = 4.0> (x) }", opset),
              Lines{"Pad (., [1,2], 4)"});
    EXPECT_EQ(
        nodes("g (float[2] x) => (float[4] y) { y = Pad <pads = [1,1], mode = \"reflect\"> (x) }", opset),
        Lines{"Pad mode=reflect (., [1,1])"});
  }
  const std::string constants = "<int64[2] p = {1, 2}, float v = {4}, float[1] one = {4}, int64[1] a = {0}> ";
  for (int opset = 11; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[2] x) => (float[5] y) " + constants + "{ y = Pad <mode = \"edge\"> (x, p) }", opset),
        Lines{"Pad mode=edge (., [1,2])"});
    EXPECT_EQ(nodes("g (float[2] x) => (float[5] y) " + constants + "{ y = Pad (x, p, v) }", opset),
              Lines{"Pad (., [1,2], 4)"});
  }
  for (int opset = 18; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2] x) => (float[5] y) " + constants + "{ y = Pad (x, p, , a) }", opset),
              Lines{"Pad (., [1,2], -, [0])"});
  for (int opset = 19; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (float[2] x) => (float[5] y) " + constants + "{ y = Pad <mode = \"wrap\"> (x, p) }", opset),
        Lines{"Pad mode=wrap (., [1,2])"});
  EXPECT_EQ(nodes("g (float[2] x) => (float[5] y) " + constants + "{ y = Pad (x, p, one) }", 13),
            (Lines{"Reshape (#, [])", "Pad (., [1,2], .)"}));
  EXPECT_TRUE(mentions(
      refusal("g (float[2] x) => (float[] y) " + constants + "{ y = Pad <mode = \"mirror\"> (x, p) }", 13),
      "mirror"));
}

TEST(ImportShape, StartAndEndSince15) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[n,3,4] x) => (int64[3] y) { y = Shape (x) }", opset), Lines{"Shape (.)"});
  for (int opset = 15; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[n,3,4] x) => (int64[1] y) { y = Shape <start = 1, end = -1> (x) }", opset),
              Lines{"Shape end=-1 start=1 (.)"});
}

TEST(ImportConstantOfShape, ValueIsAnInput) {
  for (int opset = 9; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (int64[2] s) => (float[] y) { y = ConstantOfShape (s) }", opset),
              Lines{"ConstantOfShape (., 0)"});
    EXPECT_EQ(
        nodes("g (int64[2] s) => (float[] y) { y = ConstantOfShape <value = float[1] {2.5}> (s) }", opset),
        Lines{"ConstantOfShape (., 2.5)"});
  }
}

TEST(ImportConstant, EveryKindOfValue) {
  const std::string head = "g (float[2] x) => (float[2] y) { c = Constant ", tail = "  y = Add (x, c) }";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(head + "<value = float {2.5}> ()" + tail, opset), Lines{"Add (., 2.5)"});
  for (int opset = 12; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(head + "<value_float = 2.5> ()" + tail, opset), Lines{"Add (., 2.5)"});
    EXPECT_EQ(nodes(head + "<value_floats = [2.5, 3.5]> ()" + tail, opset), Lines{"Add (., #)"});
    EXPECT_EQ(
        nodes("g (float[6] x) => (float[] y) { c = Constant <value_ints = [2, 3]> ()  y = Reshape (x, c) }",
              opset),
        Lines{"Reshape (., [2,3])"});
    EXPECT_EQ(
        nodes("g (int64[2] x) => (int64[2] y) { c = Constant <value_int = 2> ()  y = Add (x, c) }", opset),
        Lines{"Add (., [2])"});
  }
  EXPECT_TRUE(
      mentions(refusal("g () => (string y) { y = Constant <value_string = \"a\"> () }", 13), "string"));
}

TEST(ImportCast, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const graph::Model model = imported("g (float[2] x) => (int32[2] y) { y = Cast <to = 6> (x) }", opset);
    EXPECT_EQ(nodes(model), Lines{"Cast (.)"});
    EXPECT_EQ(model.graphs[0].value(model.graphs[0].nodes[0].outputs[0]).dtype, DType::s32);
  }
  EXPECT_EQ(nodes("g (float[2] x) => (float8e5m2[2] y) { y = Cast <to = 19, saturate = 0> (x) }", 19),
            Lines{"Cast saturate=0 (.)"});
  EXPECT_EQ(nodes("g (float[2] x, int32[1] l) => (int32[2] y) { y = CastLike (x, l) }", 15),
            Lines{"Cast (.)"});
  EXPECT_TRUE(mentions(refusal("g (float[2] x) => (string[2] y) { y = Cast <to = 8> (x) }", 13), "string"));
}

TEST(ImportIdentity, IsNothing) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { z = Identity (x)  y = Relu (z) }", opset),
              Lines{"Relu (.)"});
}

TEST(ImportIf, BranchesShareWhatTheyCapture) {
  const std::string text =
      "g (bool c, float[2] a, float[2] b) => (float[2] y) { "
      "y = If (c) <then_branch = t () => (float[2] z) { z = Relu (a) }, else_branch = e () => (float[2] z) { "
      "s = Add (b, a)  z = Exp (s) }> }";
  for (int opset : {7, 11, 13, 16, 19, 21, 23, 24, 25, 27}) {
    const graph::Model model = imported(text, opset);
    EXPECT_EQ(nodes(model), Lines{"If (., ., .)"});
    const graph::Node& node = model.graphs[0].nodes[0];
    ASSERT_EQ(node.subgraphs.size(), 2U);
    const std::vector<std::string> expected[] = {{"Relu"}, {"Add", "Exp"}};
    for (std::size_t k = 0; k < 2; ++k) {
      const graph::Graph& branch = model.graphs[static_cast<std::size_t>(node.subgraphs[k])];
      EXPECT_EQ(branch.inputs.size(), node.inputs.size() - 1);
      std::vector<std::string> ops;
      for (const graph::Node& inner : branch.nodes) ops.push_back(inner.op);
      EXPECT_EQ(ops, expected[k]);
    }
  }
}

TEST(ImportIf, AKnownConditionLeavesOneBranch) {
  const std::string branches =
      "y = If (c) <then_branch = t () => (float[2] z) { z = Relu (a) }, else_branch = e () => (float[2] z) { "
      "z = ImageDecoder <pixel_format = \"RGB\"> (a) }> }";
  const std::string head = "g (float[2,n] x, float[2] a) => (float[2] y) ";
  EXPECT_EQ(nodes(head + "<bool c = {1}> { " + branches, 20), Lines{"Relu (.)"});
  EXPECT_EQ(nodes(head + "<int64 zero = {0}> { s = Shape (x)  d = Gather (s, zero)  c = Cast <to = 9> (d)  " +
                      branches,
                  20)
                .back(),
            "Relu (.)");
  EXPECT_EQ(
      nodes(head + "<int64 two = {2}> { s = Shape (x)  r = Size (s)  c = Equal (r, two)  " + branches, 20)
          .back(),
      "Relu (.)");
  EXPECT_TRUE(mentions(
      refusal(
          head + "<int64 one = {1}> { s = Shape (x)  d = Gather (s, one)  c = Cast <to = 9> (d)  " + branches,
          20),
      "ImageDecoder"));
}

TEST(ImportRefusal, NamesNodeAndOperator) {
  const std::string text = refusal(
      "g (float[2] x) => (float[2] y, float[2] z) { [first] y = Mish (x)  [second] z = BitShift <direction = "
      "\"LEFT\"> (x, x) }",
      18);
  EXPECT_TRUE(mentions(text, "second"));
  EXPECT_TRUE(mentions(text, "BitShift"));
}

TEST(ImportModels, SharedNetworksImportCompletely) {
  const char* shared = std::getenv("LITHE_SHARED");
  if (shared == nullptr || !std::filesystem::is_directory(std::filesystem::path(shared) / "models"))
    GTEST_SKIP() << "there is no folder models: set LITHE_SHARED to the folder of models and data";
  for (const char* name : {"mnist_cnn", "kws_ds_cnn_fp32", "ic_resnet8_fp32", "ultraface_rfb320",
                           "mtcnn_pnet", "dtln_1", "kws_ds_cnn_int8", "ic_resnet8_int8"}) {
    const graph::Model model =
        import::import_model(import::parse(std::filesystem::path(shared) / "models" / name / "model.onnx"));
    EXPECT_FALSE(model.graphs.at(0).nodes.empty()) << name;
  }
}

}  // namespace
}  // namespace lithe::test
