// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/import_running.hpp"

/// Sequences of tensors that are lists which the file tells.
namespace lithe::test {
namespace {

constexpr int opset = 18;

/// "y" of a graph with input x, float [2, 3] that holds 1 to 6.
std::vector<double> result(const std::string& nodes, const std::string& constants = "") {
  const std::string text = "g (float[2,3] x) => (float[] y) <" + constants + (constants.empty() ? "" : ", ") +
                           "int64 zero = {0}, int64 last = {-1}> { " + nodes + " }";
  if (const std::string why = refusal(text, opset); !why.empty()) {
    ADD_FAILURE() << why;
    return {};
  }
  RunningModel model(text, opset);
  const auto input = model.session().input<float>("x");
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i + 1);
  const Status status = model.session().run();
  EXPECT_TRUE(status.ok()) << status.text();
  return as_doubles(TensorView(model.session().output("y")));
}
using Numbers = std::vector<double>;

TEST(ImportSequences, ListsAreIndexedAndJoined) {
  EXPECT_EQ(result("n = Neg(x)\n s = SequenceConstruct(x, n)\n y = SequenceAt(s, last)"),
            (Numbers{-1, -2, -3, -4, -5, -6}));
  EXPECT_EQ(result("n = Neg(x)\n s = SequenceConstruct(x, n)\n y = ConcatFromSequence <axis = 1> (s)"),
            (Numbers{1, 2, 3, -1, -2, -3, 4, 5, 6, -4, -5, -6}));
  EXPECT_EQ(
      result(
          "n = Neg(x)\n s = SequenceConstruct(x, n)\n y = ConcatFromSequence <axis = -1, new_axis = 1> (s)"),
      (Numbers{1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6}));
  EXPECT_EQ(result("n = Neg(x)\n s = SequenceConstruct(x, n)\n l = SequenceLength(s)\n f = Cast <to = 1> "
                   "(l)\n y = Mul(x, f)"),
            (Numbers{2, 4, 6, 8, 10, 12}));
}

TEST(ImportSequences, ListsGrowAndShrink) {
  const std::string built =
      "n = Neg(x)\n e = SequenceEmpty()\n a = SequenceInsert(e, x)\n b = SequenceInsert(a, n, zero)\n c = "
      "Identity(b)\n ";
  EXPECT_EQ(result(built + "y = SequenceAt(c, zero)"), (Numbers{-1, -2, -3, -4, -5, -6}));
  EXPECT_EQ(result(built + "d = SequenceErase(c, zero)\n y = ConcatFromSequence <axis = 0> (d)"),
            (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(result(built + "d = SequenceErase(c)\n y = SequenceAt(d, last)"),
            (Numbers{-1, -2, -3, -4, -5, -6}));
}

TEST(ImportSequences, PartsAreSplits) {
  EXPECT_EQ(result("s = SplitToSequence <axis = 1> (x, sizes)\n y = SequenceAt(s, last)",
                   "int64[2] sizes = {1, 2}"),
            (Numbers{2, 3, 5, 6}));
  EXPECT_EQ(result("s = SplitToSequence <axis = -1> (x, size)\n y = SequenceAt(s, last)", "int64 size = {2}"),
            (Numbers{3, 6}));
  EXPECT_EQ(result("s = SplitToSequence <axis = 0> (x)\n y = SequenceAt(s, last)"), (Numbers{4, 5, 6}));
  EXPECT_EQ(result("s = SplitToSequence <axis = 0, keepdims = 0> (x)\n y = ConcatFromSequence <axis = 1, "
                   "new_axis = 1> (s)"),
            (Numbers{1, 4, 2, 5, 3, 6}));
}

/// Two passes append row i of x [2, 3], and its double to a second list; `after` makes y of the lists `rows` and `more`.
Numbers looped(const std::string& after) {
  return result(
      "e = SequenceEmpty()\n z = Sub(x, x)\n sum, rows, more = Loop <body = b (int64 i, bool c, float[2,3] "
      "s, seq(float[3]) l, seq(float[3]) m)"
      " => (bool d, float[2,3] t, seq(float[3]) k, seq(float[3]) j) "
      "{ d = Identity(c)\n r = Gather(x, i)\n t = Add(s, r)\n k = SequenceInsert(l, r)\n q = Add(r, r)\n j = "
      "SequenceInsert(m, q) }> "
      "(trips, , z, e, e)\n " +
          after,
      "int64 trips = {2}");
}

TEST(ImportSequences, ListsOfALoopAreScanOutputs) {
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = 0, new_axis = 1> (rows)"), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = 1, new_axis = 1> (more)"), (Numbers{2, 8, 4, 10, 6, 12}));
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = -1, new_axis = 1> (rows)"), (Numbers{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = -2, new_axis = 1> (rows)"), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = 0> (more)"), (Numbers{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(looped("y = ConcatFromSequence <axis = -1> (rows)"), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(looped("y = SequenceAt(more, last)"), (Numbers{8, 10, 12}));
  EXPECT_EQ(looped("l = SequenceLength(rows)\n f = Cast <to = 1> (l)\n y = Mul(sum, f)"),
            (Numbers{10, 14, 18, 10, 14, 18}));
}

/// Matrices as elements: axes in the middle.
TEST(ImportSequences, ListsOfMatricesAreJoinedAtAnyAxis) {
  const auto joined = [](const std::string& attributes) {
    return result(
        "e = SequenceEmpty()\n all = Loop <body = b (int64 i, bool c, seq(float[2,3]) l) => (bool d, "
        "seq(float[2,3]) k) "
        "{ d = Identity(c)\n f = Cast <to = 1> (i)\n r = Add(x, f)\n k = SequenceInsert(l, r) }> (trips, , "
        "e)\n "
        "y = ConcatFromSequence <" +
            attributes + "> (all)",
        "int64 trips = {2}");
  };
  const Numbers rows{1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7}, side{1, 2, 3, 2, 3, 4, 4, 5, 6, 5, 6, 7},
      last{1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7};
  EXPECT_EQ(joined("axis = 0"), rows);
  EXPECT_EQ(joined("axis = -2"), rows);
  EXPECT_EQ(joined("axis = 1"), side);
  EXPECT_EQ(joined("axis = -1"), side);
  EXPECT_EQ(joined("axis = 0, new_axis = 1"), rows);
  EXPECT_EQ(joined("axis = 1, new_axis = 1"), side);
  EXPECT_EQ(joined("axis = -2, new_axis = 1"), side);
  EXPECT_EQ(joined("axis = 2, new_axis = 1"), last);
  EXPECT_EQ(joined("axis = -1, new_axis = 1"), last);
}

TEST(ImportSequences, OthersAreRefusedByName) {
  const auto refused = [](const std::string& inputs, const std::string& nodes) {
    return refusal("g (" + inputs + ") => (float[] y) { " + nodes + " }", opset);
  };
  EXPECT_NE(refused("float[2] x, int64 i", "s = SequenceConstruct(x, x)\n y = SequenceAt(s, i)")
                .find("SequenceConstruct"),
            std::string::npos);
  EXPECT_NE(refused("float[n] x", "s = SplitToSequence(x)\n y = ConcatFromSequence <axis = 0> (s)")
                .find("SplitToSequence"),
            std::string::npos);
}

}  // namespace
}  // namespace lithe::test
