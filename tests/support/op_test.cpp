// SPDX-License-Identifier: Apache-2.0
#include "tests/support/op_test.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/portable_kernel.hpp"
#include "tests/support/session_run.hpp"

namespace lithe::test {
namespace {

bool eight_bit(DType d) { return d == DType::s8 || d == DType::u8; }

/// The weights of a recurrent layer: they may be quantized where nothing else is.
bool of_gates(const std::string& role) { return role == "weight" || role == "recurrence"; }

/// Scales for a quantized input: s8 filters are symmetric with a scale per channel of axis 0, or of axis 1 where they
/// are those of gates, biases follow from input and filter, anything else has one scale and an odd zero point.
TestQuantization suitable(const Input& input, const std::string& role, DType dtype,
                          const std::vector<StoredTensor>& before, std::size_t index) {
  if (input.fixed_quantization()) return *input.fixed_quantization();
  TestQuantization q;
  if (role == "bias" && dtype == DType::s32 && before.size() >= 2) {
    for (float s : before[1].quantization.scale) q.scale.push_back(before[0].quantization.scale.at(0) * s);
    q.zero_point.assign(q.scale.size(), 0);
    q.axis = q.scale.size() > 1 ? 0 : -1;
    return q;
  }
  if (!eight_bit(dtype)) return q;
  const bool filter = role == "filter" || of_gates(role);
  q.axis = input.scale_axis().value_or(filter && dtype == DType::s8 ? (of_gates(role) ? 1 : 0) : -1);
  const index_t count = q.axis < 0                ? 1
                        : input.scale_count() > 0 ? input.scale_count()
                                                  : input.shape()[q.axis];
  for (index_t i = 0; i < std::max<index_t>(count, 1); ++i)
    q.scale.push_back(0.011f + 0.003f * static_cast<float>((i + static_cast<index_t>(index)) % 7));
  const std::int32_t middle = dtype == DType::u8 ? 128 : 0,
                     off = static_cast<std::int32_t>(index * 11 % 40) - 17;
  q.zero_point.assign(q.scale.size(), filter && dtype == DType::s8 ? 0 : middle + off);
  return q;
}

/// Shapes too large to be held are only for infer: they get no bytes.
Shape checked(const Shape& shape, DType dtype) {
  std::uint64_t bytes = 0;
  return shape.checked_bytes(dtype, default_max_bytes / 8, bytes) ? shape : Shape{0};
}

/// An output quantization under which a few of the reference's values saturate.
TestQuantization output_scales(const ReferenceTensor& reference, DType dtype, const Case& c,
                               const MatchOptions& options) {
  if (options.output_quantization)
    return {{options.output_quantization->first}, {options.output_quantization->second}, -1};
  if (options.same_quantization) return c.inputs[0].quantization;
  double low = 0, high = 0;
  for (double v : reference.values) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const double scale = std::max((high - low) * 0.95 / 255, 1e-3);
  const double zero =
      std::clamp(std::nearbyint(lowest(dtype) - low * 0.95 / scale), lowest(dtype), highest(dtype));
  return {{static_cast<float>(scale)}, {static_cast<std::int32_t>(zero)}, -1};
}

double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 2e-3;
    case DType::bf16:
      return 1.6e-2;
    case DType::f64:
      return 1e-12;
    default:
      return 1e-5;
  }
}

}  // namespace

AnyOpTest::AnyOpTest(const OperatorEntry& op, std::shared_ptr<const void> attributes,
                     std::vector<StoredAttribute> stored_attributes)
    : attributes_(std::move(attributes)),
      kernels_{{&portable_kernel(op), {}}},
      op_(op),
      stored_attributes_(std::move(stored_attributes)) {}

InferResult AnyOpTest::infer(const std::vector<Input>& inputs, int outputs) const {
  const auto rows = concrete_rows(op_.types, inputs, output_count(outputs));
  if (rows.empty()) throw std::invalid_argument("OpTest::infer: no type row has these dtypes");
  return infer_case(make_case(inputs, rows.front(), Quantized::never));
}

InferResult AnyOpTest::infer(const std::vector<Input>& inputs, const Types& types) const {
  EXPECT_TRUE(legal(types));
  return infer_case(make_case(inputs, types, Quantized::never));
}

void AnyOpTest::refuses(const std::vector<Refusal>& table) const {
  for (std::size_t i = 0; i < table.size(); ++i)
    EXPECT_EQ(infer(table[i].inputs).code(), table[i].code) << "refusal number " << i;
}

Code AnyOpTest::run_code(const std::vector<Input>& inputs, int outputs) const {
  const auto rows = concrete_rows(op_.types, inputs, output_count(outputs));
  if (rows.empty()) throw std::invalid_argument("OpTest::run_code: no type row has these dtypes");
  const Case c = make_case(inputs, rows.front(), Quantized::never);
  const InferResult inferred = infer_case(c);
  if (!inferred.status.ok()) return inferred.code();
  const Variation how{.slack = false};
  return NodeRun(c, *kernels_.front().entry, platform_.cpu, inferred, how).run().status.code();
}

void AnyOpTest::matches(const Reference& reference, const std::vector<Input>& inputs,
                        const MatchOptions& options) const {
  auto rows =
      options.rows.empty() ? concrete_rows(op_.types, inputs, output_count(options.outputs)) : options.rows;
  EXPECT_FALSE(rows.empty()) << "no type row fits";
  for (const Types& types : rows) {
    std::string text = "dtypes:";
    for (DType d : types.inputs) text += std::string(" ") + name(d);
    text += " ->";
    for (DType d : types.outputs) text += std::string(" ") + name(d);
    SCOPED_TRACE(text);
    ASSERT_TRUE(legal(types)) << "no type row allows this";
    match_row(reference, inputs, types, options);
  }
}

bool AnyOpTest::legal(const Types& types) const {
  return std::ranges::any_of(
      op_.types, [&](const TypeRow& row) { return lithe::matches(row, types.inputs, types.outputs); });
}

bool AnyOpTest::quantize(const Types& types, Quantized mode) const {
  if (mode != Quantized::automatic) return mode == Quantized::always;
  return op_.spec->accuracy == Accuracy::rounding && std::ranges::any_of(types.inputs, eight_bit) &&
         std::ranges::any_of(types.outputs, eight_bit);
}

Case AnyOpTest::make_case(const std::vector<Input>& inputs, const Types& types, Quantized mode) const {
  Case c;
  c.op = &op_;
  c.attributes = attributes_.get();
  c.stored_attributes = stored_attributes_;
  c.max_bytes = max_bytes_;
  c.subgraphs = subgraphs_;
  c.services = services_;
  const bool quantized = quantize(types, mode);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const NameList& names = op_.spec->inputs;
    std::string role = names.size() == 0 ? "" : names[std::min(static_cast<int>(i), names.size() - 1)];
    if (role.ends_with('?')) role.pop_back();
    c.known.push_back(input.is_known());
    c.constant.push_back(input.constness().value_or(role == "filter" || role == "bias"));
    if (!input.present()) {
      c.inputs.emplace_back();
      continue;
    }
    const bool scales =
        quantized || input.fixed_quantization() || (of_gates(role) && eight_bit(types.inputs[i]));
    const auto q = scales ? suitable(input, role, types.inputs[i], c.inputs, i) : TestQuantization{};
    const auto& contents = input.contents();
    StoredTensor tensor(
        types.inputs[i],
        contents && input.shape().valid() ? input.shape() : checked(input.shape(), types.inputs[i]), q);
    tensor.shape = input.shape();
    if (types.inputs[i] == DType::s64 && !input.integers().empty())
      std::memcpy(tensor.bytes.data(), input.integers().data(), tensor.bytes.size());
    else if (contents)
      tensor = StoredTensor(types.inputs[i], ReferenceTensor(input.shape(), *contents), q);
    else if (!tensor.bytes.empty())
      fill_random(tensor, input.range(), static_cast<std::uint32_t>(i * 7919 + 17));
    c.inputs.push_back(std::move(tensor));
  }
  c.output_dtypes = types.outputs;
  return c;
}

void AnyOpTest::match_row(const Reference& reference, const std::vector<Input>& inputs, const Types& types,
                          const MatchOptions& options) const {
  Case c = make_case(inputs, types, options.quantized);
  std::vector<ReferenceTensor> contents;
  for (const StoredTensor& t : c.inputs) contents.push_back(t.present() ? t.reference() : ReferenceTensor());
  const std::vector<ReferenceTensor> wanted = reference(contents);
  ASSERT_EQ(wanted.size(), types.outputs.size()) << "the reference gives another number of outputs";
  for (std::size_t o = 0; o < wanted.size(); ++o)
    c.output_quantization.push_back(quantize(types, options.quantized) && eight_bit(types.outputs[o])
                                        ? output_scales(wanted[o], types.outputs[o], c, options)
                                        : TestQuantization{});
  const InferResult inferred = infer_case(c);
  ASSERT_TRUE(inferred.status.ok()) << name(inferred.code()) << ": " << inferred.status.text();
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    if (types.outputs[o] == DType::none || inferred.at_most[o]) continue;
    ASSERT_EQ(inferred.shapes[o], wanted[o].shape) << "output " << o;
  }
  std::optional<std::vector<StoredTensor>> first;
  for (const Tested& tested : kernels_) {
    SCOPED_TRACE(std::string("kernel: ") + tested.entry->name);
    const bool support =
        tested.dtypes.empty() || std::ranges::find(tested.dtypes, types.inputs.at(0)) != tested.dtypes.end();
    for (const Variation& how : variations(c, inferred, *tested.entry, options)) {
      SCOPED_TRACE("way: " + how.name);
      NodeRun run(c, *tested.entry, platform_.cpu, inferred, how);
      ASSERT_EQ(run.supported(), support) << "the kernel that runs would not be the one under test";
      if (!support) break;
      const RunResult result = run.run();
      ASSERT_TRUE(result.status.ok()) << name(result.status.code()) << ": " << result.status.text();
      EXPECT_TRUE(result.intact) << "something besides the outputs was written";
      for (std::size_t o = 0; o < wanted.size(); ++o)
        compare(result.outputs[o], wanted[o], types.outputs[o], options);
      if (!first) first = result.outputs;
      for (std::size_t o = 0; options.bit_exact && o < wanted.size(); ++o)
        EXPECT_TRUE(result.outputs[o].bytes == (*first)[o].bytes) << "not bit-exact, output " << o;
      if (::testing::Test::HasFailure()) return;
    }
    if (support && std::string_view(tested.entry->name) == "portable" && c.subgraphs == nullptr) {
      SCOPED_TRACE("way: file and session");
      const RunResult result = run_through_session(c, *tested.entry, platform_.cpu);
      ASSERT_TRUE(result.status.ok()) << name(result.status.code()) << ": " << result.status.text();
      for (std::size_t o = 0; o < wanted.size(); ++o)
        compare(result.outputs[o], wanted[o], types.outputs[o], options);
    }
  }
}

std::vector<Variation> AnyOpTest::variations(const Case& c, const InferResult& inferred,
                                             const KernelEntry& entry, const MatchOptions& options) const {
  const bool portable = std::string_view(entry.name) == "portable";
  std::vector<Variation> ways;
  for (const ThreadPool& pool : platform_.pools) {
    if (portable && pool.handle != nullptr) continue;
    const std::string threads = ", threads: " + std::to_string(pool.threads);
    ways.push_back({.name = "plain" + threads, .slack = !portable, .threads = pool});
    if (portable && options.computed && std::ranges::any_of(c.constant, std::identity{}))
      ways.push_back({.name = "nothing constant", .constants = false, .slack = false});
    const Shape& shape = inferred.shapes.at(0);
    for (int i = 0; (op_.spec->in_place || op_.spec->alias) && options.in_place &&
                    i < (op_.spec->alias ? 1 : static_cast<int>(c.inputs.size()));
         ++i) {
      const StoredTensor& input = c.inputs[static_cast<std::size_t>(i)];
      const bool same_shape = op_.spec->alias || input.shape == shape;
      if (input.present() && same_shape && bits(input.dtype) == bits(c.output_dtypes[0]) &&
          !c.constant[static_cast<std::size_t>(i)])
        ways.push_back({.name = "in place of input " + std::to_string(i) + threads,
                        .in_place = i,
                        .slack = !portable,
                        .threads = pool});
    }
    if (entry.strided_inputs)
      ways.push_back({.name = "strided inputs" + threads, .input_gap = 3, .threads = pool});
    if (entry.strided_outputs)
      ways.push_back({.name = "strided outputs" + threads, .output_gap = 5, .threads = pool});
    if (entry.strided_inputs && entry.strided_outputs)
      ways.push_back({.name = "strided" + threads, .input_gap = 2, .output_gap = 1, .threads = pool});
    if (entry.op->rows == nullptr || !options.strips || shape.rank() < 3) continue;
    for (index_t rows = 1; rows <= 3 && rows < shape[1]; ++rows)
      ways.push_back({.name = "strips of " + std::to_string(rows) + threads,
                      .strip_rows = rows,
                      .slack = !portable,
                      .threads = pool});
  }
  return ways;
}

void AnyOpTest::compare(const StoredTensor& actual, const ReferenceTensor& wanted, DType dtype,
                        const MatchOptions& options) const {
  if (dtype == DType::none) return;
  ASSERT_EQ(actual.shape, wanted.shape);
  double low = INFINITY, high = -INFINITY, largest = 1e-2;
  for (double v : wanted.values)
    if (std::isfinite(v)) {
      low = std::min(low, v);
      high = std::max(high, v);
      largest = std::max(largest, std::abs(v));
    }
  const double range = std::max(largest, low <= high ? high - low : 0);
  const bool exact = op_.spec->accuracy == Accuracy::exact && options.tolerance == 0;
  const StoredTensor nearest(dtype, wanted, actual.quantization);
  int shown = 0;
  for (index_t i = 0; i < wanted.shape.elements() && shown < 5; ++i) {
    const double have = actual.raw(i), want = nearest.raw(i);
    bool good = have == want || (std::isnan(have) && std::isnan(want));
    if (!good && actual.quantization.active())
      good = std::abs(have - want) <= options.steps;
    else if (!good && !exact && is_float(dtype))
      good = std::abs(have - wanted[i]) <=
             (options.tolerance > 0 ? options.tolerance : tolerance_of(dtype)) * range;
    if (good) continue;
    ++shown;
    ADD_FAILURE() << "element " << i << ": " << have << ", the reference says " << want << " (" << wanted[i]
                  << "), range " << range;
  }
}

}  // namespace lithe::test
