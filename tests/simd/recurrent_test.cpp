// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "lithe/runtime/packed_weights.hpp"
#include "lithe/simd/gru.hpp"
#include "lithe/simd/lstm.hpp"
#include "lithe/simd/rnn.hpp"
#include "tests/ops/recurrent_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::RecurrentActivation;
using ops::RecurrentDirection;

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

/// Sizes of a node, and which optional inputs it has.
struct Sizes {
  index_t steps, batches, inputs, hidden;
  bool both = false, bias = true, states = true, peephole = false;
  std::vector<double> lengths{};
};

/// Weights are so small that no unit saturates.
std::vector<Input> inputs_of(const Sizes& s, index_t gates) {
  const index_t directions = s.both ? 2 : 1, rows = gates * s.hidden;
  const auto weights = [](const Shape& shape) { return Input(shape).between(-0.2, 0.2).constant(); };
  const auto optional = [](bool there, const Input& input) { return there ? input : Input::absent(); };
  const Input state = Input({directions, s.batches, s.hidden}).between(-1, 1);
  std::vector<Input> all{Input({s.steps, s.batches, s.inputs}).between(-1, 1),
                         weights({directions, rows, s.inputs}),
                         weights({directions, rows, s.hidden}),
                         optional(s.bias, weights({directions, 2 * rows})),
                         s.lengths.empty() ? Input::absent() : Input::values({s.batches}, s.lengths),
                         optional(s.states, state)};
  if (gates == 4) {
    all.push_back(optional(s.states, state));
    all.push_back(optional(s.peephole, weights({directions, 3 * s.hidden})));
  }
  return all;
}

/// The rows of f32 and f16, weights included.
template <class Op>
std::vector<Types> vector_rows(const std::vector<Input>& inputs) {
  auto rows = concrete_rows(Op::types, inputs, Op::spec.outputs.size());
  std::erase_if(rows, [](const Types& row) {
    return (row.inputs[0] != f32 && row.inputs[0] != f16) || row.inputs[1] != row.inputs[0];
  });
  return rows;
}

template <class Operator, auto reference, index_t gate_count>
class SimdRecurrent : public OnEachIsa {
 protected:
  using Op = Operator;
  using Attributes = typename Op::Attributes;

  static void matches_inputs(const Attributes& a, const std::vector<Input>& inputs,
                             const std::vector<Types>& rows) {
    OnEachIsa::matches<Op>(a, reference, inputs, {.rows = rows});
  }
  static void matches(Attributes a, const Sizes& sizes) {
    if (sizes.both) a.direction = RecurrentDirection::bidirectional;
    const auto inputs = inputs_of(sizes, gate_count);
    matches_inputs(a, inputs, vector_rows<Op>(inputs));
  }

  /// Units that do not fill a vector, one vector, a vector and more; all counts of rows; all kinds of lengths.
  static void matches_all_sizes(const Attributes& a) {
    const index_t lanes = GetParam().lanes;
    for (const index_t hidden : {index_t{1}, lanes - 1, lanes, lanes + 1, 3 * lanes})
      for (index_t batches = 1; batches <= 7; batches += hidden == lanes ? 1 : 3)
        matches(a, {.steps = 3, .batches = batches, .inputs = 5, .hidden = hidden});
    for (index_t inputs = 0; inputs < 10; ++inputs)
      matches(a, {.steps = 2, .batches = 1, .inputs = inputs, .hidden = 6, .bias = false, .states = false});
    Attributes reverse = a;
    reverse.direction = RecurrentDirection::reverse;
    for (const Attributes& one : {a, reverse}) {
      matches(one, {.steps = 70, .batches = 1, .inputs = 3, .hidden = 5});
      matches(one, {.steps = 40, .batches = 3, .inputs = 2, .hidden = 5, .lengths = {40, 0, 33}});
      matches(one, {.steps = 3, .batches = 40, .inputs = 2, .hidden = 3});
    }
    matches(a, {.steps = 5, .batches = 2, .inputs = 3, .hidden = 9, .both = true, .lengths = {2, 4}});
    matches(a, {.steps = 37, .batches = 1, .inputs = 3, .hidden = 20, .both = true});
    matches(a, {.steps = 0, .batches = 2, .inputs = 3, .hidden = 4});
    matches(a, {.steps = 2, .batches = 0, .inputs = 3, .hidden = 4});
  }
  /// What two threads share.
  static void matches_large(const Attributes& a) {
    matches(a, {.steps = 3, .batches = 1, .inputs = 4, .hidden = 201});
    matches(a, {.steps = 2, .batches = 5, .inputs = 100, .hidden = 67});
    matches(a, {.steps = 2, .batches = 2, .inputs = 4, .hidden = 130, .both = true});
  }
  /// Weights of s8, with a scale for each row of the gates or for all.
  static void matches_eight_bits(const Attributes& a) {
    for (const bool both : {false, true})
      for (const index_t hidden : {index_t{5}, index_t{33}}) {
        Attributes directed = a;
        if (both) directed.direction = RecurrentDirection::bidirectional;
        auto inputs =
            inputs_of({.steps = 3, .batches = 2, .inputs = 7, .hidden = hidden, .both = both}, gate_count);
        const index_t rows = gate_count * hidden;
        std::vector<float> scales;
        for (index_t row = 0; row < rows; ++row) scales.push_back(0.0004F * static_cast<float>(1 + row % 5));
        inputs[1] = Input({both ? 2 : 1, rows, 7}).quantized_along(1, scales).constant();
        inputs[2] = Input({both ? 2 : 1, rows, hidden}).quantized(0.0011F, 0).constant();
        auto rows_of_types = concrete_rows(Op::types, inputs, Op::spec.outputs.size());
        std::erase_if(rows_of_types, [](const Types& row) { return row.inputs[1] != s8; });
        ASSERT_FALSE(rows_of_types.empty());
        matches_inputs(directed, inputs, rows_of_types);
      }
  }
  /// Inputs and weights that are not finite, in one unit and one sequence.
  static void matches_not_finite(const Attributes& a) {
    std::vector<double> x(24, 0.5);
    x[3] = infinity;
    x[10] = nan;
    x[17] = -infinity;
    x[20] = 1e38;
    auto inputs = inputs_of({.steps = 3, .batches = 4, .inputs = 2, .hidden = 5}, gate_count);
    inputs[0] = Input::values({3, 4, 2}, x).as(f32);
    matches_inputs(a, inputs, vector_rows<Op>(inputs));
    std::vector<double> bias(static_cast<std::size_t>(2 * gate_count * 5), 0.25);
    bias[2] = infinity;
    bias[bias.size() - 2] = nan;
    inputs = inputs_of({.steps = 3, .batches = 1, .inputs = 2, .hidden = 5}, gate_count);
    inputs[3] = Input::values({1, 2 * gate_count * 5}, bias).constant();
    matches_inputs(a, inputs, vector_rows<Op>(inputs));
  }
  /// Outputs that nobody wants are not written.
  static void matches_without_outputs(const Attributes& a) {
    const auto inputs = inputs_of({.steps = 3, .batches = 2, .inputs = 2, .hidden = 5}, gate_count);
    for (std::size_t missing = 0; missing < static_cast<std::size_t>(Op::spec.outputs.size()); ++missing) {
      auto rows = vector_rows<Op>(inputs);
      for (Types& row : rows) row.outputs[missing] = none;
      OnEachIsa::matches<Op>(a,
                             [missing](const Attributes& attributes, const std::vector<ReferenceTensor>& in) {
                               auto all = reference(attributes, in);
                               all[missing] = ReferenceTensor();
                               return all;
                             },
                             inputs, {.rows = rows});
    }
  }
  static void checks_lengths(const Attributes& a) {
    const OpTest<Op> op = [&] {
      OpTest<Op> test{a};
      test.on({cpu(), {ThreadPool{}}}).template kernels<>();
      test.kernel(GetParam().entry);
      return test;
    }();
    for (const double length : {-1.0, 4.0})
      EXPECT_EQ(
          op.run_code(inputs_of({.steps = 3, .batches = 2, .inputs = 2, .hidden = 5, .lengths = {3, length}},
                                gate_count)),
          Code::out_of_range);
  }
  /// Weights that are computed are left to the portable kernel.
  static void takes_constants_alone(const Attributes& a) {
    const Cpu all = every_feature();
    const float data = 0;
    for (const int computed : {0, 1, 2, 3}) {
      std::vector<ValueInfo> inputs{{f32, {3, 1, 2}},
                                    {f32, {1, gate_count * 5, 2}, &data},
                                    {f32, {1, gate_count * 5, 5}, &data},
                                    {f32, {1, 2 * gate_count * 5}, &data}};
      inputs[static_cast<std::size_t>(computed)].data = nullptr;
      const std::vector<ValueInfo> outputs{{f32, {3, 1, 1, 5}}};
      EXPECT_EQ(GetParam().supports(&a, {inputs, outputs, &all}), computed == 0) << "input " << computed;
      for (ValueInfo& input : inputs) input.dtype = f64;
      EXPECT_FALSE(GetParam().supports(&a, {inputs, outputs, &all}));
    }
  }

  static void matches_everything(const Attributes& a) {
    matches_all_sizes(a);
    matches_large(a);
    matches_eight_bits(a);
    matches_not_finite(a);
    matches_without_outputs(a);
    checks_lengths(a);
    takes_constants_alone(a);
  }
};

class SimdGru : public SimdRecurrent<ops::GRU, reference_gru, 3> {};
class SimdLinearGru : public SimdGru {};
class SimdLstm : public SimdRecurrent<ops::LSTM, reference_lstm, 4> {};
class SimdRnn : public SimdRecurrent<ops::RNN, reference_rnn, 1> {};
INSTANTIATE_TEST_SUITE_P(On, SimdGru,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::GruOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdLinearGru,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::LinearGruOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdLstm,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::LstmOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdRnn,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::RnnOn>(simd::isa::Every{})),
                         isa_name);

TEST_P(SimdGru, Matches) {
  matches_everything({});
  matches({.clip = 0.4f}, {.steps = 3, .batches = 2, .inputs = 2, .hidden = 5});
  matches({.gate_activation = RecurrentActivation::relu, .hidden_activation = RecurrentActivation::sigmoid},
          {.steps = 3, .batches = 2, .inputs = 2, .hidden = 5});
}

TEST_P(SimdLinearGru, Matches) {
  matches_everything({.linear_before_reset = true});
  matches({.clip = 0.4f, .linear_before_reset = true}, {.steps = 3, .batches = 2, .inputs = 2, .hidden = 5});
}

/// The kernels of a list that take a node with `hidden` units, on a processor with every feature.
template <class List, class Attributes>
std::vector<std::string_view> takers(const Attributes& a, index_t gates, index_t hidden) {
  const Cpu all = every_feature();
  const float data = 0;
  const ValueInfo inputs[] = {
      {f32, {3, 1, 2}}, {f32, {1, gates * hidden, 2}, &data}, {f32, {1, gates * hidden, hidden}, &data}};
  const ValueInfo outputs[] = {{f32, {3, 1, 1, hidden}}};
  std::vector<std::string_view> names;
  for (const KernelEntry& kernel : List::entries)
    if (kernel.supports(&a, {inputs, outputs, &all})) names.emplace_back(kernel.name);
  return names;
}

TEST_P(SimdLstm, Matches) { matches_everything({}); }

TEST_P(SimdLstm, Forms) {
  const Sizes small{.steps = 4, .batches = 3, .inputs = 2, .hidden = 9};
  Sizes peephole = small, both = small, lengths = small;
  peephole.peephole = both.peephole = lengths.peephole = true;
  both.both = lengths.both = true;
  lengths.lengths = {4, 0, 2};
  for (const Sizes& sizes : {small, peephole, both, lengths}) {
    matches({}, sizes);
    matches({.input_forget = true}, sizes);
    matches({.clip = 0.4f}, sizes);
  }
  const RecurrentActivation kinds[] = {RecurrentActivation::sigmoid, RecurrentActivation::tanh,
                                       RecurrentActivation::relu, RecurrentActivation::hard_sigmoid,
                                       RecurrentActivation::softsign};
  for (const auto gate : kinds)
    for (const auto cell : kinds)
      for (const auto hidden : kinds)
        matches({.gate_activation = gate, .cell_activation = cell, .hidden_activation = hidden}, small);
}

TEST_P(SimdRnn, Matches) {
  for (const auto kind : {RecurrentActivation::sigmoid, RecurrentActivation::tanh, RecurrentActivation::relu,
                          RecurrentActivation::hard_sigmoid, RecurrentActivation::softsign}) {
    matches_everything({.activation = kind});
    matches({.activation = kind, .clip = 0.3f}, {.steps = 3, .batches = 2, .inputs = 2, .hidden = 5});
  }
}

TEST(SimdRecurrentLists, VectorsFitTheUnits) {
  for (const index_t hidden : {1, 2, 3, 4, 5, 8, 9, 100}) {
    SCOPED_TRACE(hidden);
    std::size_t fitting = 0;
    for (const KernelOnIsa& kernel : kernels_on<simd::LstmOn>(simd::isa::Every{}))
      fitting += kernel.lanes == 4 || kernel.lanes < 2 * hidden ? 1 : 0;
    EXPECT_EQ(takers<simd::LSTM>(ops::LSTM::Attributes{}, 4, hidden).size(), fitting);
    EXPECT_EQ(takers<simd::RNN>(ops::RNN::Attributes{}, 1, hidden).size(), fitting);
    for (const bool linear : {false, true}) {
      const auto names = takers<simd::GRU>(ops::GRU::Attributes{.linear_before_reset = linear}, 3, hidden);
      EXPECT_EQ(names.size(), fitting);
      for (const std::string_view name : names)
        EXPECT_EQ(name.starts_with("simd::linear_gru_"), linear) << name;
    }
  }
}

/// Sessions share what was packed from the same constants, and nothing else.
TEST(SimdRecurrentPacking, IsSharedByItsConstants) {
  const std::vector<float> ones(1000, 1.0f);
  const auto value = [&](const Shape& shape, int buffer) {
    ValueInfo info{f32, shape, ones.data()};
    info.buffer = buffer;
    return info;
  };
  const Cpu all = every_feature();
  PackedWeights weights;
  std::uint64_t model = 1;
  const auto entries_after = [&](int weight, int recurrence, int bias, int peephole) {
    std::vector<ValueInfo> inputs(8);
    inputs[0] = {f32, {3, 1, 2}};
    inputs[1] = value({1, 20, 2}, weight);
    inputs[2] = value({1, 20, 5}, recurrence);
    if (bias != 0) inputs[3] = value({1, 40}, bias);
    if (peephole != 0) inputs[7] = value({1, 15}, peephole);
    const std::vector<ValueInfo> outputs{{f32, {3, 1, 1, 5}}};
    simd::LstmOn<simd::isa::Baseline> kernel;
    CreateContext context{
        .node = {inputs, outputs, &all}, .packed_weights = &weights, .model_id = {model, 0}};
    EXPECT_TRUE(kernel.create({}, context).ok());
    return weights.entries();
  };
  EXPECT_EQ(entries_after(1, 2, 3, 4), 1u);
  EXPECT_EQ(entries_after(1, 2, 3, 4), 1u);
  EXPECT_EQ(entries_after(9, 2, 3, 4), 2u);
  EXPECT_EQ(entries_after(1, 9, 3, 4), 3u);
  EXPECT_EQ(entries_after(1, 2, 9, 4), 4u);
  EXPECT_EQ(entries_after(1, 2, 3, 9), 5u);
  EXPECT_EQ(entries_after(1, 2, 0, 4), 6u);
  EXPECT_EQ(entries_after(1, 2, 3, 0), 7u);
  model = 2;
  EXPECT_EQ(entries_after(1, 2, 3, 4), 8u);
  EXPECT_EQ(entries_after(1, -1, 3, 4), 8u) << "it has a constant that is not the model's";
}

TEST(SimdRecurrentPacking, IsOfItsScalesToo) {
  const std::vector<std::int8_t> ones(100, 1);
  const Cpu all = every_feature();
  PackedWeights weights;
  const auto entries_after = [&](float weight_scale, float recurrence_scale) {
    const Quantization weight{.scale = &weight_scale, .count = 1},
        recurrence{.scale = &recurrence_scale, .count = 1};
    const std::vector<ValueInfo> inputs{{f32, {3, 1, 2}},
                                        {s8, {1, 20, 2}, ones.data(), &weight, 1},
                                        {s8, {1, 20, 5}, ones.data(), &recurrence, 2}},
        outputs{{f32, {3, 1, 1, 5}}};
    simd::LstmOn<simd::isa::Baseline> kernel;
    CreateContext context{.node = {inputs, outputs, &all}, .packed_weights = &weights, .model_id = {1, 0}};
    EXPECT_TRUE(kernel.create({}, context).ok());
    return weights.entries();
  };
  EXPECT_EQ(entries_after(0.5F, 0.25F), 1u);
  EXPECT_EQ(entries_after(0.5F, 0.25F), 1u);
  EXPECT_EQ(entries_after(0.25F, 0.25F), 2u);
  EXPECT_EQ(entries_after(0.5F, 0.5F), 3u);
}

}  // namespace
}  // namespace lithe::test
