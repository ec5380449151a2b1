// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/passes_testing.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {
namespace {

using namespace test;

/// Everything that a rewriter knows of a graph.
std::vector<std::string> known(Rewriter& rewriter) {
  std::vector<std::string> lines;
  const Graph& graph = rewriter.graph();
  for (ValueId v = 0; v < static_cast<ValueId>(graph.values.size()); ++v) {
    std::string line = graph.value(v).name + "/" + graph.value(v).onnx_name + " from " +
                       std::to_string(rewriter.producer(v)) + " uses " + std::to_string(rewriter.uses(v)) +
                       " by";
    for (const auto& reader : rewriter.readers(v))
      line += " " + std::to_string(reader.node) + ":" + std::to_string(reader.input);
    lines.push_back(line);
  }
  for (const Node& node : graph.nodes) {
    std::string line = node.op;
    for (const ValueId v : node.inputs) line += " <" + std::to_string(v);
    for (const ValueId v : node.outputs) line += " >" + std::to_string(v);
    lines.push_back(line);
  }
  for (const ValueId v : graph.outputs) lines.push_back("output " + std::to_string(v));
  return lines;
}

TEST(Rewriter, ATrialIsUndoneAltogether) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId w = b.random({2, 3}), a = b.node("Add", {x, w}), r = b.node("Relu", {a});
  const ValueId m = b.node("Mul", {r, w}), y = b.node("Add", {m, r});
  b.output(y);
  b.output(b.node("Abs", {r}));
  Graph graph = b.model.graphs[0];
  Rewriter rewriter(graph);
  const std::vector<std::string> before = known(rewriter);
  for (int round = 0; round < 2; ++round) {
    rewriter.begin_trial();
    const ValueId added = rewriter.like(r, "/trial");
    EXPECT_EQ(rewriter.value(added).name, graph.value(r).name + "/trial") << "names are free again";
    rewriter.add_node(make_node("Neg", {r}, {added}), 1);
    rewriter.replace(m, added);
    rewriter.replace(y, a);  // a graph output
    rewriter.set_inputs(0, {w, x});
    rewriter.set_input(2, 1, x);
    rewriter.set_output(0, 0, rewriter.add_constant(graph.value(w).constant, "other"));
    rewriter.value_to_change(r).onnx_name = "changed";
    rewriter.node(3).op = "Sub";
    rewriter.remove_unread(3);
    rewriter.remove_node(1);
    EXPECT_NE(known(rewriter), before);
    EXPECT_EQ(rewriter.first_added(), 5);
    rewriter.undo_trial();
    EXPECT_EQ(known(rewriter), before);
  }
}

TEST(Rewriter, ATrialThatIsKeptStays) {
  Builder b;
  const ValueId x = b.input({2}), r = b.node("Relu", {x});
  b.output(b.node("Neg", {r}));
  Graph graph = b.model.graphs[0];
  Rewriter rewriter(graph);
  rewriter.begin_trial();
  rewriter.set_input(1, 0, x);
  rewriter.keep_trial();
  rewriter.finish();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op, "Neg");
}

TEST(Names, AreThoseOfTheFirstAndTheLastWhereThereAreMany) {
  Builder b;
  ValueId v = b.input({2});
  for (int i = 0; i < 300; ++i) v = b.node("Relu", {v});
  b.output(v);
  const Passed run(b, {simplify, eliminate_common_subexpressions, remove_dead});
  for (const Node& node : run.graph.nodes) EXPECT_LE(node.onnx_names.size(), 64u);
}

}  // namespace
}  // namespace lithe::passes
