// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace lithe::test {
namespace {

/// y = x * factor, for one float.
struct Scale {
  struct Attributes {
    float factor = 2;
    static constexpr auto fields() { return Fields{field("factor", &Attributes::factor)}; }
  };
  static constexpr OpSpec spec{.name = "Scale", .version = 3, .inputs = {"input"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{DType::f32}, {DType::f32}}};
  static Status infer(const Attributes&, InferContext& context) {
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo&, int, RowSpan output) { return output; }
};
static_assert(Operator<Scale> && RowStreamable<Scale>);

/// Has every optional part, and counts its instances.
struct Fast {
  using Op = Scale;
  static constexpr const char* name = "fast";
  static constexpr std::uint32_t packed_inputs = 2;
  static constexpr bool strided_inputs = true;
  inline static int alive = 0;
  float packed = 0;

  Fast() { ++alive; }
  ~Fast() { --alive; }
  static bool supports(const Scale::Attributes& attributes, const NodeInfo&) { return attributes.factor > 0; }
  Status create(const Scale::Attributes& attributes, CreateContext&) {
    packed = attributes.factor;
    return Status{};
  }
  Status reshape(const Scale::Attributes&, ReshapeContext& context) {
    context.workspace(48);
    return Status{};
  }
  Status run(const Scale::Attributes&, RunContext& context) {
    context.output().as<float>()[0] = context.input(0).as<float>()[0] * packed;
    return {};
  }
};

}  // namespace
}  // namespace lithe::test

/// Knows which types it was compiled for.
template <>
struct lithe::portable::Kernel<lithe::test::Scale> {
  inline static std::uint32_t types_run = 0;
  template <TypeSet types = every_type>
  static Status run(const lithe::test::Scale::Attributes& attributes, RunContext& context) {
    types_run = types.bits;
    context.output().as<float>()[0] = context.input(0).as<float>()[0] * attributes.factor;
    return {};
  }
};

namespace lithe::test {
namespace {

using Portable = portable::Kernel<Scale>;

TEST(KernelList, KeepsItsOrderAndFlattensLists) {
  using Inner = KernelList<Portable, Fast>;
  using Outer = KernelList<Fast, Inner, Portable>;
  static_assert(KernelList<>::size == 0 && Inner::size == 2 && Outer::size == 4);
  constexpr std::array<std::string_view, 4> wanted{"fast", "portable", "fast", "portable"};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(Outer::entries[i].name, wanted[i]);
    EXPECT_EQ(Outer::entries[i].op, &operator_entry<Scale>) << "one operator, one entry";
  }
}

TEST(KernelEntry, OptionalPartsHaveDefaults) {
  const auto& [fast, plain] = KernelList<Fast, Portable>::entries;
  EXPECT_EQ(fast.packed_inputs, 2u);
  EXPECT_TRUE(fast.strided_inputs);
  EXPECT_FALSE(fast.strided_outputs);
  EXPECT_EQ(plain.packed_inputs, 0u);
  EXPECT_FALSE(plain.strided_inputs);
  Scale::Attributes negative{-1};
  EXPECT_FALSE(fast.supports(&negative, NodeInfo{}));
  EXPECT_TRUE(plain.supports(&negative, NodeInfo{}));
  CreateContext create;
  ReshapeContext reshape;
  EXPECT_TRUE(plain.create(nullptr, &negative, create).ok());
  EXPECT_TRUE(plain.reshape(nullptr, &negative, reshape).ok());
  EXPECT_EQ(reshape.workspace_bytes, 0u);
}

TEST(KernelEntry, LivesThroughItsStages) {
  for (const KernelEntry& entry : KernelList<Fast, Portable>::entries) {
    SCOPED_TRACE(entry.name);
    alignas(16) std::byte memory[64];
    ASSERT_LE(entry.bytes, sizeof memory);
    const Scale::Attributes attributes{3};
    const int before = Fast::alive;
    entry.construct(memory);
    CreateContext create;
    ReshapeContext reshape;
    ASSERT_TRUE(entry.create(memory, &attributes, create).ok());
    ASSERT_TRUE(entry.reshape(memory, &attributes, reshape).ok());
    const float in = 7;
    float out = 0;
    const std::array<TensorView, 1> inputs{TensorView(&in, DType::f32, {})};
    std::array<Tensor, 1> outputs{Tensor(&out, DType::f32, {})};
    RunContext run(inputs, outputs, {}, nullptr);
    ASSERT_TRUE(entry.run(memory, &attributes, run).ok());
    EXPECT_EQ(out, 21);
    entry.destroy(memory);
    EXPECT_EQ(Fast::alive, before);
  }
}

TEST(Only, RefusesOtherTypesAndPlainBytes) {
  using Small = portable::Only<Portable, DType::s8, DType::f32>;
  const KernelEntry entry = KernelList<Small>::entries[0];
  EXPECT_EQ(entry.op->spec, &Scale::spec);
  EXPECT_STREQ(entry.name, "portable");
  const Scale::Attributes attributes;
  const Quantization steps;
  const auto takes = [&](const ValueInfo& input, const ValueInfo& output) {
    return entry.supports(&attributes, {{&input, 1}, {&output, 1}, nullptr});
  };
  const ValueInfo real{DType::f32, {}}, half{DType::f16, {}}, stored{DType::s8, {}, nullptr, &steps};
  EXPECT_TRUE(takes(real, stored));
  EXPECT_TRUE(takes(stored, real));
  EXPECT_TRUE(takes({}, real)) << "an input that is absent";
  EXPECT_FALSE(takes(half, real));
  EXPECT_FALSE(takes(real, half));
  EXPECT_FALSE(takes(real, {DType::s8, {}})) << "8-bit integers that stand for themselves";
}

TEST(Only, CompilesTheKernelForItsTypes) {
  float out = 0;
  const float in = 7;
  const std::array<TensorView, 1> inputs{TensorView(&in, DType::f32, {})};
  std::array<Tensor, 1> outputs{Tensor(&out, DType::f32, {})};
  RunContext run(inputs, outputs, {}, nullptr);
  const Scale::Attributes attributes;
  ASSERT_TRUE(KernelList<Portable>::entries[0].run(nullptr, &attributes, run).ok());
  EXPECT_EQ(Portable::types_run, every_type.bits);
  portable::Only<Portable, DType::f32> only;
  ASSERT_TRUE(KernelList<decltype(only)>::entries[0].run(&only, &attributes, run).ok());
  EXPECT_EQ(Portable::types_run, type_set(DType::f32).bits);
  EXPECT_EQ(out, 14);
}

TEST(OperatorEntry, ParsesInfersAndStreams) {
  const OperatorEntry& entry = operator_entry<Scale>;
  EXPECT_STREQ(entry.spec->name, "Scale");
  EXPECT_EQ(entry.spec->version, 3);
  EXPECT_EQ(entry.types.size(), 1u);
  struct Source {
    float value = 5;
    const char* name = "factor";
    bool done = false;
  } source;
  const auto next = [](void* self, std::string_view& name, AttributeData& data) {
    auto& s = *static_cast<Source*>(self);
    name = s.name;
    data = {{}, {&s.value, 1}, {}};
    return !std::exchange(s.done, true);
  };
  alignas(Scale::Attributes) std::byte memory[sizeof(Scale::Attributes)];
  ASSERT_TRUE(entry.parse(memory, {next, &source}).ok());
  EXPECT_EQ(reinterpret_cast<Scale::Attributes*>(memory)->factor, 5);
  source = {.name = "power"};
  EXPECT_EQ(entry.parse(memory, {next, &source}).code(), Code::invalid_model);

  const std::array<InferContext::Input, 1> inputs{{{TensorView(nullptr, DType::f32, {4}), false}}};
  std::array<InferContext::Output, 1> outputs{};
  outputs[0].dtype = DType::f32;
  InferContext context(inputs, outputs, 1000);
  ASSERT_TRUE(entry.infer(memory, context).ok());
  EXPECT_EQ(outputs[0].shape, (Shape{4}));
  EXPECT_EQ(entry.rows(memory, NodeInfo{}, 0, {2, 3}).first, 2);
}

TEST(RunContext, WithoutASession) {
  float out[4] = {};
  std::array<Tensor, 2> outputs{Tensor(out, DType::f32, {2, 2}), Tensor{}};
  RunContext run({}, outputs, {}, nullptr);
  EXPECT_TRUE(run.has_output(0));
  EXPECT_FALSE(run.has_output(1));
  EXPECT_FALSE(run.has(0));
  EXPECT_TRUE(run.resize_output(0, {3}).ok());
  EXPECT_EQ(run.output().shape, (Shape{3}));
  EXPECT_EQ(run.output().pitch, 3);
  EXPECT_TRUE(run.resize_output(1, {3}).ok()) << "an absent output is ignored";
  EXPECT_EQ(run.call(0, {}, {}).code(), Code::unsupported);
  EXPECT_FALSE(run.stopped());
  EXPECT_GT(run.max_iterations(), 0u);
}

}  // namespace
}  // namespace lithe::test
