// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>

#include "lithe/memory/system_arena.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

Status created(const ModelBuilder& b, const SessionOptions& options = portable_options()) {
  const auto bytes = b.storage();
  auto model = Model::open(bytes.bytes());
  if (!model.ok()) return model.status();
  return Session::create(*model, options).status();
}

TEST(SessionErrors, AnUnknownOperatorIsNamedByItsNode) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {4});
  const int y = b.node<ops::Relu>("y", {}, {x});
  b.output(b.node<ops::Relu>("z", {}, {y}));
  b.graph().nodes[1].op = "Nonsense";
  const Status status = created(b);
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_EQ(status.node(), 1);
}

TEST(SessionErrors, AKernelListThatLacksTheOperator) {
  ModelBuilder b;
  b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {4})}));
  SessionOptions options = portable_options();
  options.kernels = KernelList<portable::Kernel<ops::Relu>>::entries;
  EXPECT_EQ(created(b, options).code(), Code::unsupported);
}

TEST(SessionErrors, WrongTypesShapesAndCounts) {
  const auto code = [](auto build) {
    ModelBuilder b;
    build(b);
    return created(b).code();
  };
  EXPECT_EQ(code([](ModelBuilder& b) {
              b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::s32, {4})}, DType::s32));
            }),
            Code::dtype);
  EXPECT_EQ(code([](ModelBuilder& b) {
              b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {4})}, DType::f64));
            }),
            Code::dtype);
  EXPECT_EQ(
      code([](ModelBuilder& b) { b.output(b.node<ops::Add>("y", {}, {b.input("x", DType::f32, {4})})); }),
      Code::invalid_model);
  EXPECT_EQ(code([](ModelBuilder& b) {
              const int x = b.input("x", DType::f32, {4});
              b.output(b.node<ops::Exp>("y", {}, {x, x}));
            }),
            Code::invalid_model);
  EXPECT_EQ(
      code([](ModelBuilder& b) {
        b.output(b.node<ops::Add>("y", {}, {b.input("x", DType::f32, {4}), b.input("z", DType::f32, {3})}));
      }),
      Code::shape);
  EXPECT_EQ(code([](ModelBuilder& b) {
              b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {4})}));
              b.graph().nodes[0].attributes["strides"].ints = {1};
            }),
            Code::invalid_model);
}

TEST(SessionErrors, ATensorBeyondTheLimit) {
  ModelBuilder b;
  b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {1 << 20, 1 << 12})}));
  EXPECT_EQ(created(b).code(), Code::out_of_memory);
}

TEST(SessionErrors, UnknownSignature) {
  ModelBuilder b;
  b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {4})}));
  SessionOptions options = portable_options();
  options.signature = "serving";
  EXPECT_EQ(created(b, options).code(), Code::invalid_argument);
}

TEST(SessionErrors, IndicesInTheDataAreChecked) {
  ModelBuilder b;
  b.output(b.node<ops::Gather>("y", {}, {b.input("x", DType::f32, {4}), b.input("i", DType::s64, {1})}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  session->input<std::int64_t>("i")[0] = 4;
  const Status status = session->run();
  EXPECT_EQ(status.code(), Code::out_of_range);
  EXPECT_EQ(status.node(), 0);
  session->input<std::int64_t>("i")[0] = -4;
  EXPECT_TRUE(session->run().ok());
}

TEST(SessionErrors, TheStopFlagStops) {
  ModelBuilder b;
  b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {4})}));
  const Model model = b.open();
  std::atomic<bool> stop{false};
  SessionOptions options = portable_options();
  options.stop = &stop;
  auto session = Session::create(model, options);
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session->run().ok());
  stop = true;
  EXPECT_EQ(session->run().code(), Code::stopped);
}

}  // namespace
}  // namespace lithe::test
