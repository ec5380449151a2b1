// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"
#include "tests/support/aligned_copy.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"

/// From ONNX text through converter, file and session to the answer.
namespace lithe::test {
namespace {

/// A model of onnx's text form, converted; values that the text declares between < and > without contents
/// become random constants of their type.
class Converted {
 public:
  explicit Converted(const std::string& text, const import::Options& options = {}, int opset = 17) {
    onnx::ModelProto proto;
    proto.ParseFromString(serialized(text, opset));
    std::mt19937 random(7);
    for (const auto& info : proto.graph().value_info()) {
      if (info.name().empty() || info.name()[0] != 'w') continue;
      onnx::TensorProto& t = *proto.mutable_graph()->add_initializer();
      const auto& type = info.type().tensor_type();
      t.set_name(info.name());
      t.set_data_type(type.elem_type());
      std::int64_t n = 1;
      for (const auto& d : type.shape().dim()) {
        t.add_dims(d.dim_value());
        n *= d.dim_value();
      }
      for (std::int64_t i = 0; i < n; ++i) add(t, random);
    }
    proto.mutable_graph()->clear_value_info();
    const std::string bytes = proto.SerializeAsString();
    const auto file = import::convert(std::as_bytes(std::span(bytes)), "test.onnx", options).bytes;
    auto model = Model::open(aligned_copy(file));
    EXPECT_TRUE(model.ok()) << model.status().text();
    model_ = *std::move(model);
  }
  const Model& model() const { return *model_; }
  Session session(const SessionOptions& o) const {
    auto session = Session::create(*model_, o);
    EXPECT_TRUE(session.ok()) << session.status().text() << " at node " << session.status().node();
    return *std::move(session);
  }

 private:
  static void add(onnx::TensorProto& t, std::mt19937& random) {
    const float v = std::uniform_real_distribution<float>(-1, 1)(random);
    switch (t.data_type()) {
      case onnx::TensorProto::FLOAT:
        return t.add_float_data(v);
      case onnx::TensorProto::FLOAT16:
        return t.add_int32_data(half(v).bits);
      case onnx::TensorProto::INT8:
        return t.add_int32_data(static_cast<int>(v * 127));
      case onnx::TensorProto::INT32:
        return t.add_int32_data(static_cast<int>(v * 1000));
      default:
        FAIL() << "no random constants of this type";
    }
  }
  std::optional<Model> model_;
};

void fill(Session& session, unsigned seed = 1) {
  std::mt19937 random(seed);
  for (int i = 0; i < session.inputs(); ++i) {
    const Tensor t = session.input(i);
    for (index_t k = 0; k < t.elements(); ++k) {
      const float v = std::uniform_real_distribution<float>(-2, 2)(random);
      if (t.dtype == DType::f16)
        t.as<half>()[static_cast<std::size_t>(k)] = half(v);
      else
        t.as<float>()[static_cast<std::size_t>(k)] = v;
    }
  }
}

std::vector<float> run(Session& session, int output = 0) {
  const Status status = session.run();
  EXPECT_TRUE(status.ok()) << status.text() << " at node " << status.node();
  const TensorView t = session.output(output);
  std::vector<float> result;
  for (index_t i = 0; i < t.elements(); ++i)
    result.push_back(t.dtype == DType::f16 ? static_cast<float>(t.as<half>()[static_cast<std::size_t>(i)])
                                           : t.as<float>()[static_cast<std::size_t>(i)]);
  return result;
}

/// Number of the only node of this operator.
std::int32_t node_of(const Session& session, std::string_view op, int occurrence = 0) {
  const auto nodes = session.inspect().nodes();
  for (std::size_t n = 0; n < nodes.size(); ++n)
    if (nodes[n].op_name() == op && occurrence-- == 0) return static_cast<std::int32_t>(n);
  ADD_FAILURE() << "no " << op;
  return 0;
}
std::string kernel_of(const Session& session, std::string_view op) {
  return session.inspect().nodes()[static_cast<std::size_t>(node_of(session, op))].kernel_name();
}

TEST(EndToEnd, AQdqConvolutionRunsInInt8BitExactOnBothKernels) {
  const Converted converted(
      "g (float[1,8,9,7] x) => (float[1,16,9,7] y) <float xs = {0.02}, int8 xz = {5}, int8[16,8,3,3] w, "
      "float ws = {0.01}, int8 wz = {0}, int32[16] wb, float bs = {0.0002},"
      " float ys = {0.05}, int8 yz = {-3}> { xq = QuantizeLinear(x, xs, xz)\n xd = DequantizeLinear(xq, xs, "
      "xz)\n qd = DequantizeLinear(w, ws, wz)\n bd = DequantizeLinear(wb, bs)\n"
      " c = Conv <pads = [1, 1, 1, 1]> (xd, qd, bd)\n r = Relu(c)\n rq = QuantizeLinear(r, ys, yz)\n y = "
      "DequantizeLinear(rq, ys, yz) }");
  Session fast = converted.session(machine_options()), plain = converted.session(portable_options());
  EXPECT_TRUE(kernel_of(fast, "Conv2D").starts_with("xnn::")) << kernel_of(fast, "Conv2D");
  EXPECT_EQ(kernel_of(plain, "Conv2D"), "portable");
  const auto node = fast.inspect().nodes()[static_cast<std::size_t>(node_of(fast, "Conv2D"))];
  EXPECT_EQ(node.inputs()[0].dtype, DType::s8);
  EXPECT_EQ(node.outputs()[0].dtype, DType::s8);
  fill(fast);
  fill(plain);
  const auto a = run(fast), b = run(plain);
  EXPECT_EQ(a, b);
  EXPECT_GT(std::count_if(a.begin(), a.end(), [](float v) { return v != 0; }),
            static_cast<std::ptrdiff_t>(a.size() / 4));
}

TEST(EndToEnd, AHalfPrecisionNetworkIsLoweredWhereTheCpuHasNoHalfArithmetic) {
  const std::string body =
      "{ c = Conv <pads = [1, 1, 1, 1]> (x, w)\n r = Relu(c)\n p = MaxPool <kernel_shape = [2, 2], strides = "
      "[2, 2]> (r)\n f = Flatten(p)\n m = MatMul(f, w2)\n y = Softmax(m) }";
  const Converted narrow("g (float16[1,3,8,8] x) => (float16[1,5] y) <float16[4,3,3,3] w, float16[64,5] w2>" +
                         body);
  const Converted wide("g (float[1,3,8,8] x) => (float[1,5] y) <float[4,3,3,3] w, float[64,5] w2>" + body);
  SessionOptions masked = machine_options();
  masked.cpu = *mask(masked.cpu, "f16");
  Session lowered = narrow.session(masked), reference = wide.session(machine_options());
  EXPECT_EQ(lowered.input("x").dtype, DType::f16);
  EXPECT_EQ(lowered.output("y").dtype, DType::f16);
  for (const auto node : lowered.inspect().nodes())
    for (const Tensor& t : node.outputs()) EXPECT_NE(t.dtype, DType::f16) << node.op_name();
  EXPECT_TRUE(kernel_of(lowered, "Conv2D").starts_with("xnn::"));
  fill(lowered);
  fill(reference);
  const auto a = run(lowered), b = run(reference);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-2);
}

TEST(EndToEnd, ADepthwiseChainRunsInStripsWithTheSameResult) {
  const Converted converted(
      "g (float[1,8,24,20] x) => (float[1,6,12,10] y) <float[16,8,1,1] w1, float[16,1,3,3] w2, float[16] "
      "w2b, float[6,16,1,1] w3>"
      " { a = Conv(x, w1)\n ar = Relu(a)\n d = Conv <group = 16, pads = [1, 1, 1, 1], strides = [2, 2]> (ar, "
      "w2, w2b)\n dr = Relu(d)\n y = Conv(dr, w3) }");
  for (const SessionOptions& base : {machine_options(), portable_options()}) {
    Session whole = converted.session(base);
    const std::int32_t first = node_of(whole, "Conv2D"), last = node_of(whole, "Conv2D", 1);
    ASSERT_EQ(last, first + 2);
    fill(whole);
    const auto expected = run(whole);
    for (const std::int32_t rows : {1, 3, 5, 12}) {
      const StripChain chain{first, last, rows};
      SessionOptions o = base;
      o.strips = {&chain, 1};
      Session strips = converted.session(o);
      fill(strips);
      const auto got = run(strips);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], expected[i], 1e-5) << "rows " << rows << " element " << i;
      EXPECT_EQ(run(strips), got);  // the rolling rows start again
      if (rows <= 3) {
        EXPECT_LT(strips.memory().tensors, whole.memory().tensors * 3 / 4) << rows;
      }
    }
  }
}

TEST(EndToEnd, AStreamingNetworkKeepsItsState) {
  import::Options with_state;
  with_state.states = {{"h", "next"}};
  const std::string text =
      "g (float[1,4] x, float[1,4] h) => (float[1,4] y, float[1,4] next) <float[4,4] w> { m = MatMul(h, w)\n "
      "next = Add(x, m)\n y = Tanh(next) }";
  const Converted stateful(text, with_state), plain(text);
  Session streaming = stateful.session(machine_options()), stepwise = plain.session(machine_options());
  fill(streaming);
  fill(stepwise);
  streaming.reset_state();
  std::ranges::fill(stepwise.input<float>("h"), 0.f);
  for (int step = 0; step < 4; ++step) {
    ASSERT_EQ(run(streaming), run(stepwise)) << step;
    std::ranges::copy(stepwise.output<float>("next"), stepwise.input<float>("h").begin());
  }
}

TEST(EndToEnd, OurOwnVectorKernelRunsWhereItIsFaster) {
  const Cpu& here = cpu();
  if (!(here.avx2 && here.fma3) && !here.neon)
    GTEST_SKIP() << "this CPU has neither AVX2 with FMA nor NEON: tools/test.sh code-paths emulates one";
  const Converted converted(
      "g (float[1,24,17,13] x) => (float[1,24,17,13] y) <float[24,1,3,3] w, float[24] wb> { y = Conv <group "
      "= 24, pads = [1, 1, 1, 1]> (x, w, wb) }");
  SessionOptions o = machine_options();
  o.cpu = *mask(o.cpu, "avx512");
  Session ours = converted.session(o), plain = converted.session(portable_options());
  EXPECT_TRUE(kernel_of(ours, "DepthwiseConv2D").starts_with("simd::")) << kernel_of(ours, "DepthwiseConv2D");
  fill(ours);
  fill(plain);
  const auto a = run(ours), b = run(plain);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
}

TEST(EndToEnd, BranchesMayDifferInRank) {
  const Converted converted(
      "g (float[4] x, bool[1] c) => (float[4] z, int64[r] rank) <int64[1] all = {-1}> { y = If <then_branch "
      "= t () => (a) { s = Constant <value = int64[2] {2, 2}> ()\n a = Reshape(x, s) }, else_branch = e () "
      "=> (b) { b = Neg(x) }> (c)\n z = Reshape(y, all)\n rank = Shape(y) }");
  SessionOptions o = machine_options();
  o.growable = true;
  Session session = converted.session(o);
  std::ranges::fill(session.input<float>("x"), 3.f);
  for (const bool condition : {true, false, true}) {
    session.input<bool>("c")[0] = condition;
    ASSERT_TRUE(session.run().ok());
    EXPECT_EQ(session.output("rank").shape, condition ? (Shape{2}) : (Shape{1}));
    EXPECT_EQ(session.output<std::int64_t>("rank")[0], condition ? 2 : 4);
    EXPECT_EQ(session.output<float>("z")[3], condition ? 3 : -3);
  }
}

}  // namespace
}  // namespace lithe::test
