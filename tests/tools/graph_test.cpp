// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/graph.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "tools/graph/hash.hpp"
#include "tools/graph/operators.hpp"

namespace lithe::graph {
namespace {

ValueId add(Graph& g, const char* name) {
  Value v;
  v.name = name;
  v.dtype = DType::f32;
  v.dims = Dims{2};
  return g.add_value(std::move(v));
}

Node node(const char* op, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node n;
  n.op = op;
  n.inputs = std::move(inputs);
  n.outputs = std::move(outputs);
  return n;
}

TEST(Graph, NamesStayUnique) {
  Graph g;
  EXPECT_EQ(g.value(add(g, "x")).name, "x");
  EXPECT_EQ(g.value(add(g, "x")).name, "x_1");
  g.values.push_back({});  // not through add_value
  g.values.back().name = "y";
  EXPECT_EQ(g.value(add(g, "y")).name, "y_1");
  EXPECT_EQ(g.value(add(g, "x")).name, "x_2");
  g.values[0].name = "renamed";
  EXPECT_EQ(g.value(add(g, "x")).name, "x");
}

TEST(Graph, NamesOfDroppedValuesAreFree) {
  Graph g;
  add(g, "a");
  add(g, "a");
  const ValueId first = add(g, "b");
  add(g, "a");
  g.drop_values(first);
  EXPECT_EQ(g.values.size(), 2u);
  EXPECT_EQ(g.value(add(g, "b")).name, "b");
  EXPECT_NE(g.value(add(g, "a")).name, "a_1");
}

TEST(Graph, ProducersAndUses) {
  Graph g;
  const ValueId x = add(g, "x"), y = add(g, "y"), z = add(g, "z");
  g.inputs = {x};
  g.outputs = {z};
  g.nodes = {node("Relu", {x}, {y}), node("Add", {y, y, absent}, {z})};
  EXPECT_EQ(producers(g), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(use_counts(g), (std::vector<int>{1, 2, 1}));
  replace_uses(g, y, x);
  EXPECT_EQ(g.nodes[1].inputs, (std::vector<ValueId>{x, x, absent}));
}

TEST(Graph, RemoveDeadKeepsInputsAndOrder) {
  Graph g;
  const ValueId x = add(g, "x"), unused = add(g, "unused"), dead = add(g, "dead"), deader = add(g, "deader"),
                y = add(g, "y");
  g.inputs = {x, unused};
  g.outputs = {y};
  g.nodes = {node("Relu", {x}, {dead}), node("Neg", {x}, {y}), node("Abs", {dead}, {deader})};
  remove_dead(g);
  ASSERT_EQ(g.nodes.size(), 1u);
  EXPECT_EQ(g.nodes[0].op, "Neg");
  ASSERT_EQ(g.values.size(), 3u);
  EXPECT_EQ(g.value(g.inputs[1]).name, "unused");
  EXPECT_EQ(g.value(g.outputs[0]).name, "y");
  EXPECT_EQ(g.nodes[0].outputs, g.outputs);
}

TEST(Graph, NamesStayUniqueAfterRemoveDead) {
  Graph g;
  add(g, "dead");
  g.inputs = g.outputs = {add(g, "x")};
  remove_dead(g);
  EXPECT_EQ(g.value(add(g, "x")).name, "x_1");
}

TEST(Graph, SortPutsProducersFirstAndFindsCycles) {
  Graph g;
  const ValueId x = add(g, "x"), a = add(g, "a"), b = add(g, "b"), c = add(g, "c");
  g.inputs = {x};
  g.outputs = {c};
  g.nodes = {node("C", {b}, {c}), node("A", {x}, {a}), node("B", {a}, {b})};
  ASSERT_TRUE(sort_nodes(g));
  EXPECT_EQ(g.nodes[0].op + g.nodes[1].op + g.nodes[2].op, "ABC");
  g.nodes[0].inputs = {c};
  EXPECT_FALSE(sort_nodes(g));
}

TEST(Graph, SortKeepsWhatIsSorted) {
  Graph g;
  const ValueId x = add(g, "x"), a = add(g, "a"), b = add(g, "b");
  g.inputs = {x};
  g.outputs = {a, b};
  g.nodes = {node("Second", {x}, {b}), node("First", {x}, {a})};
  ASSERT_TRUE(sort_nodes(g));
  EXPECT_EQ(g.nodes[0].op, "Second");
}

TEST(Graph, KernelsByNameAndVersion) {
  ASSERT_NE(find_kernel("Conv2D"), nullptr);
  EXPECT_STREQ(find_kernel("Conv2D")->op->spec->name, "Conv2D");
  EXPECT_EQ(find_kernel("Conv2D", 99), nullptr);
  EXPECT_EQ(find_kernel("NoSuchOperator"), nullptr);
}

TEST(Hash, DependsOnEveryByteAndOnTheLength) {
  std::array<std::byte, 40> bytes{};
  const auto all = hash(bytes);
  EXPECT_NE(all, hash(std::span(bytes).first(39)));
  EXPECT_NE(hash(std::span(bytes).first(0)), hash(std::span(bytes).first(1)));
  for (auto& b : bytes) {
    b = std::byte{1};
    const auto other = hash(bytes);
    EXPECT_NE(other[0], all[0]);
    EXPECT_NE(other[1], all[1]);
    b = std::byte{0};
  }
  Hash parts;
  parts.add(std::span(bytes).first(16));
  parts.add(std::span(bytes).subspan(16));
  EXPECT_EQ(parts.value(), all);
  EXPECT_EQ(hex({0x0123456789abcdefu, 0xfedcba9876543210u}), "fedcba98765432100123456789abcdef");
}

}  // namespace
}  // namespace lithe::graph
