// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/ports.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "lithe/core/half.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/session.hpp"
#include "tests/support/bare_plan.hpp"

/// Where the caller's tensors meet the plan, seen through sessions of toy kernels.
namespace lithe::test {
namespace {

/// As many sevens as the number in `count` says.
struct Sevens {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "Sevens", .inputs = {"count"}, .outputs = {"y"}};
  static constexpr TypeRow types[] = {{{DType::s64}, {DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_ASSIGN_OR_RETURN(const IntList count, context.ints(0));
    return context.output(0, {count[0]});
  }
};
struct SevensKernel {
  using Op = Sevens;
  static Status run(const Op::Attributes&, RunContext& context) {
    const Tensor& y = context.output();
    for (index_t i = 0; i < y.elements(); ++i) static_cast<float*>(y.data)[i] = 7;
    return {};
  }
};
/// Copies bytes, whatever they mean.
struct CopyBytes {
  using Op = ops::Neg;
  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return node.input(0).dtype == DType::s8;
  }
  static Status run(const Op::Attributes&, RunContext& context) {
    std::memcpy(context.output().data, context.input(0).data, context.input(0).bytes());
    return {};
  }
};
using Kernels = KernelList<AddOne<ops::Relu>, AddOne<ops::Add>, SevensKernel, CopyBytes>;

SessionOptions growing() {
  SessionOptions options;
  options.kernels = Kernels::entries;
  options.source = system_arena;
  options.growable = true;
  return options;
}
Session session_of(const Model& model) {
  auto session = Session::create(model, growing());
  EXPECT_TRUE(session.ok()) << session.status().text();
  return *std::move(session);
}
template <class T>
std::span<std::byte> memory_of(std::vector<T>& elements) {
  return std::as_writable_bytes(std::span(elements));
}

/// y = x + 1 of three elements.
ModelBuilder one_more(DType dtype = DType::f32) {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.input("x", dtype, {3})}, dtype));
  return b;
}

template <class Half>
void expect_conversion(DType dtype) {
  const Model model = one_more(dtype).open();
  Session session = session_of(model);
  EXPECT_EQ(session.input("x").dtype, dtype);
  EXPECT_EQ(session.inspect().nodes()[0].inputs()[0].dtype, DType::f32);
  session.input<Half>("x")[2] = Half(1.5F);
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(static_cast<float>(session.output<Half>("y")[2]), 2.5F);
  std::vector<Half> x(3, Half(-4.0F)), y(3);
  ASSERT_TRUE(session.bind("x", memory_of(x)).ok());
  ASSERT_TRUE(session.bind("y", memory_of(y)).ok());
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(static_cast<float>(y[1]), -3.0F);
}

TEST(Ports, HalfPrecisionIsConvertedAtTheBorder) {
  expect_conversion<half>(DType::f16);
  expect_conversion<bfloat16>(DType::bf16);
}

TEST(Ports, MemoryWithSlackIsUsedInPlaceOtherIsCopied) {
  const Model model = one_more().open();
  Session session = session_of(model);
  for (const std::size_t elements : {3U, 7U}) {  // 16 bytes more than the tensor
    std::vector<float> x(elements, 5), y(elements);
    ASSERT_TRUE(session.bind("x", memory_of(x)).ok());
    ASSERT_TRUE(session.bind("y", memory_of(y)).ok());
    const runtime::NodeView node = session.inspect().nodes()[0];
    EXPECT_EQ(node.inputs()[0].data == x.data(), elements == 7);
    EXPECT_EQ(node.outputs()[0].data == y.data(), elements == 7);
    ASSERT_TRUE(session.run().ok());
    EXPECT_EQ(y[2], 6);
    EXPECT_EQ(session.output("y").data, y.data());
    ASSERT_TRUE(session.bind("x", {}).ok());
    ASSERT_TRUE(session.bind("y", {}).ok());
  }
}

TEST(Ports, OutputsOfSizesThatTheDataDecidesMayOutgrowBoundMemory) {
  ModelBuilder b;
  b.output(b.node<Sevens>("y", {}, {b.input("count", DType::s64, {1})}));
  const Model model = b.open();
  Session session = session_of(model);
  std::vector<float> y(4);
  ASSERT_TRUE(session.bind("y", memory_of(y)).ok());
  session.input<std::int64_t>("count")[0] = 4;
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(y, std::vector<float>(4, 7));
  session.input<std::int64_t>("count")[0] = 5;
  const Status status = session.run();
  EXPECT_EQ(status.code(), Code::out_of_memory);
  EXPECT_EQ(std::string_view(status.text()), "the bound memory is smaller than the output");
  EXPECT_EQ(session.output("y").dtype, DType::none);
  ASSERT_TRUE(session.bind("y", {}).ok());
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(session.output<float>("y").size(), 5U);
}

TEST(Ports, AConvertedOutputOfSuchASizeGrows) {
  ModelBuilder b;
  const int sevens = b.node<Sevens>("sevens", {}, {b.input("count", DType::s64, {1})}, DType::f32);
  b.output(b.node<ops::Relu>("y", {}, {sevens}, DType::f32));
  b.graph().value(b.graph().outputs[0]).dtype = DType::f16;
  b.graph().value(sevens).dtype = DType::f16;
  const Model model = b.open();
  Session session = session_of(model);
  for (const std::int64_t count : {2, 5000}) {
    session.input<std::int64_t>("count")[0] = count;
    const Status status = session.run();
    ASSERT_TRUE(status.ok()) << status.text();
    const auto y = session.output<half>("y");
    ASSERT_EQ(y.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(static_cast<float>(y.back()), 8);
  }
}

TEST(Ports, SizesDoNotWrapAround) {
  runtime::PlanValue value;
  value.dtype = value.file_dtype = DType::f32;
  value.shape = sizeof(void*) == 8 ? Shape{1 << 30, 1 << 29} : Shape{1 << 27};
  std::array<runtime::Port, 9> inputs;
  for (runtime::Port& port : inputs) {
    port.value = 0;
    port.dtype = DType::f32;
    port.input = true;
    port.stored = true;
  }
  runtime::Plan plan;
  plan.values = {&value, 1};
  runtime::Ports ports;
  ports.inputs = inputs;
  EXPECT_EQ(place_ports(plan, ports), too_large);
  for (runtime::Port& port : inputs) port.state = 0;
  place_states(plan, ports);
  EXPECT_EQ(ports.state_bytes, too_large);
}

TEST(Ports, StatesMustFit) {
  const auto code = [](DType output, std::vector<int> inputs) {
    ModelBuilder b;
    const int x = b.input("x", DType::f32, {3});
    b.output(b.node<ops::Relu>("y", {}, {x}, output));
    b.output(b.node<ops::Relu>("z", {}, {x}));
    int out = 0;
    for (const int in : inputs) b.model().signatures[0].states.push_back({in, out++});
    const Model model = b.open();
    return Session::create(model, growing()).status().code();
  };
  EXPECT_EQ(code(DType::f32, {0}), Code::ok);
  EXPECT_EQ(code(DType::f16, {0}), Code::invalid_model) << "another type";
  EXPECT_EQ(code(DType::f32, {0, 0}), Code::invalid_model) << "an input that two outputs feed";
}

TEST(Ports, AStateKeepsItsShape) {
  ModelBuilder b;
  const int s = b.input("s", DType::f32, {1});
  b.output(b.node<ops::Add>("next", {}, {b.input("x", DType::f32, {3}), s}));
  b.model().signatures[0].states.push_back({0, 0});
  const Model model = b.open();
  Session session = session_of(model);
  const Status status = session.run();
  EXPECT_EQ(status.code(), Code::shape);
  EXPECT_EQ(std::string_view(status.text()), "a state's output has another shape than its input");
}

TEST(Ports, AQuantizedStateBeginsAtItsZeroPoint) {
  ModelBuilder b;
  const int s = b.input("s", DType::s8, {4});
  const int next = b.node<ops::Neg>("next", {}, {s}, DType::s8);
  for (const int value : {s, next}) b.quantize(value, {0.5F}, {-7});
  b.output(next);
  b.model().signatures[0].states.push_back({0, 0});
  const Model model = b.open();
  Session session = session_of(model);
  EXPECT_EQ(session.input<std::int8_t>("s")[3], -7);
  session.input<std::int8_t>("s")[3] = 1;
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(session.input<std::int8_t>("s")[3], 1) << "what the run gave";
  std::vector<std::int8_t> bound(4, 3);
  ASSERT_TRUE(session.bind("s", memory_of(bound)).ok());
  session.reset_state();
  EXPECT_EQ(bound, std::vector<std::int8_t>(4, -7));
}

TEST(Ports, TwoOutputsMayBeOneValueAndAnInput) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {3});
  const int y = b.node<ops::Relu>("y", {}, {x});
  for (const int value : {y, x, y}) b.output(value);
  const Model model = b.open();
  Session session = session_of(model);
  session.input<float>("x")[1] = 9;
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(session.output(0).as<float>()[1], 10);
  EXPECT_EQ(session.output(1).as<float>()[1], 9);
  EXPECT_EQ(session.output(2).as<float>()[1], 10);
}

}  // namespace
}  // namespace lithe::test
