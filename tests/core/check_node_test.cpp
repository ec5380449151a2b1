// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/check_node.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/graph/bound_node.hpp"
#include "tools/graph/operators.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

using enum DType;

/// A node of one operator: places by dtype, none where left empty.
struct Case {
  std::string what, op;
  std::vector<DType> inputs, outputs;
  int subgraphs = 0;
  Code code = Code::ok;
  std::string_view text = "";
};

constexpr std::string_view inputs_text = "a node has another number of inputs than its operator takes",
                           outputs_text = "a node has another number of outputs than its operator gives",
                           lacks_text = "a node lacks an input that its operator requires",
                           subgraphs_text = "a node has another number of subgraphs than its operator takes",
                           dtype_text = "no listed kernel takes a node of these element types";

const std::vector<Case> cases{
    {"all places", "Conv2D", {f32, f32, f32}, {f32}},
    {"an optional place missing", "Conv2D", {f32, f32}, {f32}},
    {"an optional place empty", "Conv2D", {f32, f32, none}, {f32}},
    {"too few inputs", "Conv2D", {f32}, {f32}, 0, Code::invalid_model, inputs_text},
    {"too many inputs", "Conv2D", {f32, f32, f32, f32}, {f32}, 0, Code::invalid_model, inputs_text},
    {"a required input empty", "Conv2D", {f32, none}, {f32}, 0, Code::invalid_model, lacks_text},
    {"the first input empty", "Conv2D", {none, f32}, {f32}, 0, Code::invalid_model, lacks_text},
    {"no output", "Conv2D", {f32, f32}, {}, 0, Code::invalid_model, outputs_text},
    {"too many outputs", "Conv2D", {f32, f32}, {f32, f32}, 0, Code::invalid_model, outputs_text},
    {"a required output empty", "TopK", {f32, s64}, {none, s64}},
    {"one output of two", "TopK", {f32, s64}, {f32}, 0, Code::invalid_model, outputs_text},
    {"a repeated input", "Concat", {f32, f32, f32}, {f32}},
    {"a repeated input not there", "Concat", {}, {f32}, 0, Code::invalid_model, inputs_text},
    {"the first repetition empty", "Concat", {none, f32}, {f32}, 0, Code::invalid_model, lacks_text},
    {"a later repetition empty", "Concat", {f32, none}, {f32}, 0, Code::invalid_model, lacks_text},
    {"a repeated output", "Split", {f32}, {f32, f32, f32}},
    {"a repeated output not there", "Split", {f32}, {}, 0, Code::invalid_model, outputs_text},
    {"an optional repetition empty", "If", {boolean, f32, none}, {f32}, 2},
    {"an optional repetition not there", "If", {boolean}, {f32}, 2},
    {"too few subgraphs", "If", {boolean}, {f32}, 1, Code::invalid_model, subgraphs_text},
    {"a subgraph too many", "Add", {f32, f32}, {f32}, 1, Code::invalid_model, subgraphs_text},
    {"dtypes of no row", "Conv2D", {f32, s8}, {f32}, 0, Code::dtype, dtype_text},
    {"an output of no row", "Add", {f32, f32}, {s32}, 0, Code::dtype, dtype_text},
};

Status judged(const Case& c) {
  const KernelEntry& kernel = *graph::find_kernel(c.op);
  return check_node(
      *kernel.op->spec, {&kernel, 1}, c.inputs.size(), [&](std::size_t i) { return c.inputs[i]; },
      c.outputs.size(), [&](std::size_t o) { return c.outputs[o]; }, static_cast<std::size_t>(c.subgraphs));
}

/// The node alone in a model.
ModelBuilder model_of(const Case& c) {
  ModelBuilder b;
  graph::Node node{
      .op = c.op, .attributes = {}, .inputs = {}, .outputs = {}, .subgraphs = {}, .onnx_names = {}};
  for (const DType d : c.inputs)
    node.inputs.push_back(d == none ? graph::absent
                                    : b.input("x" + std::to_string(node.inputs.size()), d, {1}));
  for (const DType d : c.outputs) {
    graph::Value value;
    value.name = "y" + std::to_string(node.outputs.size());
    value.dtype = d;
    node.outputs.push_back(d == none ? graph::absent : b.graph().add_value(value));
    if (d != none) b.output(node.outputs.back());
  }
  for (int i = 0; i < c.subgraphs; ++i) node.subgraphs.push_back(b.subgraph("branch" + std::to_string(i)));
  b.graph().nodes.push_back(std::move(node));
  return b;
}

TEST(CheckNode, ByTheSpec) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.op + ": " + c.what);
    const Status status = judged(c);
    EXPECT_EQ(status.code(), c.code);
    EXPECT_EQ(status.text(), c.text);
  }
}

TEST(CheckNode, TheConverterAsksIt) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.op + ": " + c.what);
    ModelBuilder b = model_of(c);
    const Status status = graph::BoundNode(b.graph(), b.graph().nodes[0]).status();
    EXPECT_EQ(status.code(), c.code);
    EXPECT_EQ(status.text(), c.text);
  }
}

TEST(CheckNode, TheLoaderAsksIt) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.op + ": " + c.what);
    const auto storage = model_of(c).storage();
    auto model = Model::open(storage.bytes());
    if (!model.ok()) {  // the verifier was first
      EXPECT_TRUE(c.outputs.empty()) << model.status().text();
      EXPECT_EQ(model.status().code(), c.code);
      continue;
    }
    const Status status = Session::create(*model, portable_options()).status();
    if (c.code == Code::ok) {  // shapes and subgraphs may be refused afterwards
      for (const std::string_view text : {inputs_text, outputs_text, lacks_text, subgraphs_text, dtype_text})
        EXPECT_NE(status.text(), text);
      continue;
    }
    EXPECT_EQ(status.code(), c.code);
    EXPECT_EQ(status.text(), c.text);
  }
}

/// A kernel that lists fewer types does not hide another one's.
TEST(CheckNode, AnyKernelOfTheOperatorMayTakeTheTypes) {
  using Add = portable::Kernel<ops::Add>;
  using Bytes = portable::Only<Add, s8>;
  const auto takes = [](std::span<const KernelEntry> kernels) {
    return check_node(
        ops::Add::spec, kernels, 2, [](std::size_t) { return f32; }, 1, [](std::size_t) { return f32; }, 0);
  };
  EXPECT_EQ(takes(KernelList<Bytes>::entries).code(), Code::dtype);
  EXPECT_TRUE(takes(KernelList<Bytes, Add>::entries).ok());
  EXPECT_EQ(takes(KernelList<portable::Kernel<ops::Sub>>::entries).code(), Code::dtype);
}

}  // namespace
}  // namespace lithe::test
