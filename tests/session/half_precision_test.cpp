// SPDX-License-Identifier: Apache-2.0
// One file with half precision: computed in it where the processor does, else in f32 with f32's kernels.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/half.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/runtime/cpu.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

constexpr index_t rows = 5, inputs = 33, outputs = 17;

/// A matrix of weights and a Tanh, which XNNPACK has in f32 and f16.
template <class T>
Model network() {
  std::vector<T> weights;
  for (index_t i = 0; i < outputs * inputs; ++i)
    weights.push_back(static_cast<T>(static_cast<float>(i % 13 - 6) / 32));
  ModelBuilder b;
  const int x = b.input("x", dtype_of<T>, {rows, inputs});
  const int m =
      b.node<ops::FullyConnected>("m", {}, {x, b.constant<T>({outputs, inputs}, weights)}, dtype_of<T>);
  b.output(b.node<ops::Tanh>("y", {}, {m}, dtype_of<T>));
  return b.open();
}

template <class T>
std::vector<float> run(Session& session) {
  const auto x = session.input<T>("x");
  EXPECT_EQ(x.size(), static_cast<std::size_t>(rows * inputs));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(static_cast<float>(i % 11) / 8);
  EXPECT_TRUE(session.run().ok());
  const auto y = session.output<T>("y");
  return {y.begin(), y.end()};
}

/// Plans the network of `T` for `cpu`: every node runs in `computed` and on XNNPACK, and near f32.
template <class T>
void runs_in(DType computed, const Cpu& cpu, float tolerance) {
  const Model model = network<T>(), wide = network<float>();
  SessionOptions options = machine_options();
  options.cpu = cpu;
  auto session = Session::create(model, options), reference = Session::create(wide, options);
  ASSERT_TRUE(session.ok() && reference.ok()) << session.status().text();
  for (const auto node : session->inspect().nodes()) {
    EXPECT_EQ(name(node.inputs()[0].dtype), std::string_view(name(computed))) << node.op_name();
    EXPECT_EQ(name(node.outputs()[0].dtype), std::string_view(name(computed))) << node.op_name();
    EXPECT_TRUE(std::string_view(node.kernel_name()).starts_with("xnn::")) << node.kernel_name();
  }
  const auto got = run<T>(*session), want = run<float>(*reference);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << i;
  if (computed == DType::f32) {
    EXPECT_EQ(session->memory().packed_weights, reference->memory().packed_weights);
  }
}

TEST(HalfPrecision, IsNativeWhereTheProcessorComputesInIt) {
  runs_in<half>(cpu().f16_arithmetic ? DType::f16 : DType::f32, cpu(), 1e-2F);
}

TEST(HalfPrecision, RunsOnTheKernelsOfF32Elsewhere) { runs_in<half>(DType::f32, *mask(cpu(), "f16"), 1e-3F); }

TEST(HalfPrecision, Bfloat16RunsOnTheKernelsOfF32) { runs_in<bfloat16>(DType::f32, cpu(), 1e-2F); }

TEST(HalfPrecision, ACastToWhatIsPlannedAlreadyMovesNothing) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {3, 4});
  const int narrow = b.node<ops::Cast>("narrow", {}, {x}, DType::f16);
  const int r = b.node<ops::Relu>("r", {}, {narrow}, DType::f16);
  b.output(b.node<ops::Cast>("y", {}, {r}));
  const Model model = b.open();
  for (const bool native : {false, true}) {
    SessionOptions options = portable_options();
    options.cpu.f16_arithmetic = native;
    auto session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    for (const auto node : session->inspect().nodes())
      EXPECT_EQ(node.runs() == runtime::Runs::never, !native && node.op_name() == "Cast");
    const auto in = session->input<float>("x");
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i) - 4;
    for (int run = 0; run < 2; ++run) {  // the input is not overwritten
      ASSERT_TRUE(session->run().ok());
      const auto y = session->output<float>("y");
      for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], i < 4 ? 0 : static_cast<float>(i) - 4);
    }
  }
}

}  // namespace
}  // namespace lithe::test
