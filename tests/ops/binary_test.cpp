// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

/// The element of a broadcast input that meets element `flat` of the output.
double broadcast_at(const ReferenceTensor& in, const ReferenceTensor& out, index_t flat) {
  std::vector<index_t> index = out.index_of(flat);
  index.erase(index.begin(), index.begin() + (out.shape.rank() - in.shape.rank()));
  for (int i = 0; i < in.shape.rank(); ++i)
    if (in.shape[i] == 1) index[static_cast<std::size_t>(i)] = 0;
  return in[in.offset(index)];
}

/// A reference that applies `f` to every pair of elements of a broadcast to `shape`.
template <class F>
auto pairs(F f, const Shape& shape) {
  return [f, shape](const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out(shape);
    for (index_t i = 0; i < shape.elements(); ++i)
      out[i] = f(broadcast_at(in[0], out, i), broadcast_at(in[1], out, i));
    return out;
  };
}

struct Shapes {
  Shape a, b, output;
};
const std::vector<Shapes> shapes{
    {{2, 3, 4, 70}, {2, 3, 4, 70}, {2, 3, 4, 70}},  // equal
    {{2, 3, 4, 5}, {}, {2, 3, 4, 5}},               // scalar
    {{1}, {2, 130}, {2, 130}},                      // scalar, longer than a chunk
    {{2, 3, 4, 5}, {5}, {2, 3, 4, 5}},              // last axis
    {{2, 3, 4, 5}, {3, 1, 1}, {2, 3, 4, 5}},        // inner axis
    {{2, 1, 4, 1}, {3, 1, 5}, {2, 3, 4, 5}},        // both, alternating
    {{2, 3, 1, 5}, {1, 1, 4, 1}, {2, 3, 4, 5}},
    {{1, 2, 1, 2, 1, 2, 1, 2}, {2, 1, 2, 1, 2, 1, 2, 1}, {2, 2, 2, 2, 2, 2, 2, 2}},
    {{3, 0}, {1, 1}, {3, 0}},  // nothing
    {{2, 0, 3}, {3}, {2, 0, 3}},
};

std::vector<Types> same_rows(const std::vector<DType>& dtypes) {
  std::vector<Types> rows;
  for (DType d : dtypes) rows.push_back({{d, d}, {d}});
  return rows;
}
const std::vector<DType> floats{DType::f32, DType::f16, DType::f64, DType::bf16};
const std::vector<DType> integers{DType::s8, DType::s16, DType::s32, DType::s64,
                                  DType::u8, DType::u16, DType::u32, DType::u64};

/// Every real type row over all broadcasts; 8-bit ones are quantized.
template <class Op, class F>
void check(F f, double low = -3, double high = 3, const typename Op::Attributes& attributes = {}) {
  SCOPED_TRACE(Op::spec.name);
  OpTest<Op> op{attributes};
  for (const auto& [a, b, output] : shapes) {
    if constexpr (std::is_same_v<Op, ops::PRelu>)
      if (a != output) continue;
    EXPECT_EQ(op.infer({Input(a).as(DType::f32), Input(b).as(DType::f32)}), output);
    op.matches(pairs(f, output), {Input(a).between(-3, 3), Input(b).between(low, high)},
               {.rows = same_rows(floats)});
    op.matches(pairs(f, output), {Input(a), Input(b)}, {.rows = same_rows({DType::s8, DType::u8})});
  }
}
template <class Op, class F>
void check_integers(F f, const std::vector<DType>& dtypes, double low = 0, double high = 11,
                    const typename Op::Attributes& attributes = {}) {
  SCOPED_TRACE(Op::spec.name);
  for (const auto& [a, b, output] : shapes)
    for (DType d : dtypes)
      OpTest<Op>{attributes}.matches(
          pairs(f, output),
          {Input(a).between(is_signed_integer(d) ? -low : low, high), Input(b).between(low, high)},
          {.quantized = Quantized::never, .rows = same_rows({d})});
}

TEST(Binary, Arithmetic) {
  check<ops::Add>([](double a, double b) { return a + b; });
  check<ops::Sub>([](double a, double b) { return a - b; });
  check<ops::Mul>([](double a, double b) { return a * b; });
  check<ops::Max>([](double a, double b) { return std::max(a, b); });
  check<ops::Min>([](double a, double b) { return std::min(a, b); });
  check<ops::PRelu>([](double a, double b) { return a < 0 ? a * b : a; });
  const auto clamped = [](double a, double b) { return std::clamp(a + b, 0.0, 1.5); };
  check<ops::Add>(clamped, -3, 3, {.clamp = {0, 1.5f}});
}

TEST(Binary, Division) {
  for (const auto& [a, b, output] : shapes)
    OpTest<ops::Div>().matches(pairs([](double x, double y) { return x / y; }, output),
                               {Input(a), Input(b).between(0.5, 3)}, {.rows = same_rows(floats)});
}

TEST(Binary, Integers) {
  check_integers<ops::Add>([](double a, double b) { return a + b; }, integers);
  check_integers<ops::Mul>([](double a, double b) { return a * b; }, integers);
  check_integers<ops::Max>([](double a, double b) { return std::max(a, b); }, integers, 0, 9);
  check_integers<ops::Min>([](double a, double b) { return std::min(a, b); }, integers, 5, 90);
  check_integers<ops::Div>([](double a, double b) { return std::trunc(a / b); }, integers, 3, 50);
  check_integers<ops::Mod>([](double a, double b) { return a - b * std::floor(a / b); }, integers, 3, 50);
  check_integers<ops::Mod>([](double a, double b) { return std::fmod(a, b); }, integers, 3, 50,
                           {.fmod = true});
  check_integers<ops::Add>([](double a, double b) { return std::clamp(a + b, 3.0, 7.0); }, integers, 0, 11,
                           {.clamp = {2.5f, 7.5f}});
  const std::vector<DType> words{DType::s32, DType::s64, DType::u32, DType::u64};
  check_integers<ops::PRelu>([](double a, double b) { return a < 0 ? a * b : a; }, {}, 3, 50);
  for (DType d : words)
    OpTest<ops::PRelu>().matches(pairs([](double a, double b) { return a < 0 ? a * b : a; }, {4, 30}),
                                 {Input{4, 30}, Input{30}}, {.rows = same_rows({d})});
}

template <class Op, class T>
Result<T> one(T a, T b, const typename Op::Attributes& attributes = {}) {
  T out{};
  const TensorView inputs[] = {{&a, dtype_of<T>, {}}, {&b, dtype_of<T>, {}}};
  Tensor outputs[] = {{&out, Op::types[0].outputs[0] == DType::boolean ? DType::boolean : dtype_of<T>, {}}};
  RunContext context(inputs, outputs, {}, nullptr);
  LITHE_TRY(portable::Kernel<Op>::run(attributes, context));
  return out;
}

TEST(Binary, IntegerTraps) {
  constexpr std::int32_t low = std::numeric_limits<std::int32_t>::min();
  constexpr std::int64_t low64 = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ((one<ops::Div, std::int32_t>(7, 0).code()), Code::out_of_range);
  EXPECT_EQ((one<ops::Mod, std::uint8_t>(7, 0).code()), Code::out_of_range);
  EXPECT_EQ((*one<ops::Div, std::int32_t>(low, -1)), low);
  EXPECT_EQ((*one<ops::Div, std::int64_t>(low64, -1)), low64);
  EXPECT_EQ((*one<ops::Mod, std::int64_t>(low64, -1)), 0);
  EXPECT_EQ((*one<ops::Mul, std::int64_t>(low64, -1)), low64);
  EXPECT_EQ((*one<ops::Add, std::int8_t>(127, 1)), -128);
  EXPECT_EQ((*one<ops::Sub, std::uint16_t>(0, 1)), 65535);
  EXPECT_EQ((*one<ops::Mod, std::int32_t>(-7, 3)), 2);
  EXPECT_EQ((*one<ops::Mod, std::int32_t>(7, -3)), -2);
  EXPECT_EQ((*one<ops::Mod, std::int32_t>(-7, 3, {.fmod = true})), -1);
  EXPECT_EQ((*one<ops::Div, std::uint64_t>(~0ull, 2)), ~0ull / 2);
  EXPECT_EQ((*one<ops::Max, std::uint64_t>(~0ull, 2)), ~0ull);
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ((*one<ops::Div, float>(1, 0)), inf);
}

TEST(Binary, NaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (float v : {*one<ops::Max>(nan, 1.0f), *one<ops::Max>(1.0f, nan), *one<ops::Min>(nan, 1.0f),
                  *one<ops::Min>(1.0f, nan), *one<ops::Add>(nan, 1.0f, {.clamp = {0, 1}})})
    EXPECT_TRUE(std::isnan(v));
  const TensorView inputs[] = {{&nan, DType::f32, {}}, {&nan, DType::f32, {}}};
  bool equal = true;
  Tensor outputs[] = {{&equal, DType::boolean, {}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::Equal>::run({}, context).ok());
  EXPECT_FALSE(equal);
}

template <class Op, class F>
void check_comparison(F f) {
  SCOPED_TRACE(Op::spec.name);
  for (const auto& [a, b, output] : shapes) {
    std::vector<Types> small, wide;
    for (const TypeRow& row : Op::types)
      (bits(row.inputs[0]) == 8 ? small : wide).push_back({{row.inputs[0], row.inputs[1]}, {row.outputs[0]}});
    OpTest<Op>().matches(pairs(f, output), {Input(a).between(0, 3), Input(b).between(0, 3)}, {.rows = small});
    OpTest<Op>().matches(pairs(f, output), {Input(a).between(0, 3), Input(b).between(0, 3)}, {.rows = wide});
  }
}

TEST(Binary, Comparisons) {
  check_comparison<ops::Equal>([](double a, double b) { return a == b; });
  check_comparison<ops::Less>([](double a, double b) { return a < b; });
  check_comparison<ops::LessOrEqual>([](double a, double b) { return a <= b; });
  check_comparison<ops::Greater>([](double a, double b) { return a > b; });
  check_comparison<ops::GreaterOrEqual>([](double a, double b) { return a >= b; });
  // Quantized numbers are compared as the real numbers they stand for: 4 * 0.5 = 2 * 1.
  OpTest<ops::Equal>().matches(
      [](const auto&) { return ReferenceTensor({2}, {1, 0}); },
      {Input::values({2}, {2, 1}).quantized(0.5f, 0), Input::values({2}, {2, 2}).quantized(1, 1)},
      {.rows = {{{DType::s8, DType::s8}, {DType::boolean}}}});
}

TEST(Binary, Bits) {
  const auto with = [](auto f) {
    return [f](double a, double b) {
      return static_cast<double>(f(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)));
    };
  };
  check_comparison<ops::And>(with(std::bit_and<>()));
  check_comparison<ops::Or>(with(std::bit_or<>()));
  check_comparison<ops::Xor>(with(std::bit_xor<>()));
  check_integers<ops::BitwiseAnd>(with(std::bit_and<>()), integers, 0, 100);
  check_integers<ops::BitwiseOr>(with(std::bit_or<>()), integers, 0, 100);
  check_integers<ops::BitwiseXor>(with(std::bit_xor<>()), integers, 0, 100);
}

TEST(Binary, Shifts) {
  for (const bool left : {true, false})
    for (const auto& [a, b, output] : shapes)
      for (DType d : {DType::u8, DType::u16, DType::u32, DType::u64}) {
        const auto shifted = [&](double x, double y) {
          const double moved = std::floor(std::ldexp(x, static_cast<int>(left ? y : -y)));
          return std::fmod(moved, std::ldexp(1.0, bits(d)));
        };
        const Types row{{d, d}, {d}};
        OpTest<ops::BitShift>{{.direction = left ? ops::ShiftDirection::left : ops::ShiftDirection::right}}
            .matches(pairs(shifted, output), {Input(a).between(0, 255), Input(b).between(0, 20)},
                     {.quantized = Quantized::never, .rows = {row}});
      }
  const Input wide = Input::values({2}, {64, 200}).as(DType::u64);
  OpTest<ops::BitShift>{}.matches([](const auto&) { return ReferenceTensor({2}, {0, 0}); },
                                  {Input::values({2}, {5, 5}), wide},
                                  {.rows = {{{DType::u64, DType::u64}, {DType::u64}}}});
}

TEST(Binary, Pow) {
  for (const auto& [a, b, output] : shapes) {
    const auto power = pairs(
        [](double x, double y) {
          return std::trunc(x) == x && std::trunc(y) == y ? std::nearbyint(std::pow(x, y)) : std::pow(x, y);
        },
        output);
    std::vector<Types> real, integral;
    for (const TypeRow& row : ops::Pow::types)
      (is_float(row.inputs[0]) ? real : integral)
          .push_back({{row.inputs[0], row.inputs[1]}, {row.outputs[0]}});
    OpTest<ops::Pow>().matches(pairs([](double x, double y) { return std::pow(x, y); }, output),
                               {Input(a).between(0.5, 3), Input(b).between(0, 3)}, {.rows = real});
    OpTest<ops::Pow>().matches(
        power,
        {Input(a).between(1, 9),
         Input::values(b, std::vector<double>(static_cast<std::size_t>(b.elements()), 3))},
        {.rows = integral});
  }
  EXPECT_EQ((*one<ops::Pow, std::int32_t>(-3, 3)), -27);
  EXPECT_EQ((*one<ops::Pow, std::int64_t>(2, 64)), 0);
  EXPECT_EQ((*one<ops::Pow, std::int64_t>(-1, -3)), -1);
  EXPECT_EQ((*one<ops::Pow, std::int64_t>(5, -1)), 0);
  EXPECT_EQ((*one<ops::Pow, std::int64_t>(0, 0)), 1);
  EXPECT_EQ((one<ops::Pow, std::int64_t>(0, -1).code()), Code::out_of_range);
}

TEST(Binary, Mod) {
  OpTest<ops::Mod>{{.fmod = true}}.matches(pairs([](double a, double b) { return std::fmod(a, b); }, {60}),
                                           {Input{60}, Input{60}.between(1, 2)},
                                           {.rows = same_rows({DType::f32, DType::f64})});
  EXPECT_EQ(OpTest<ops::Mod>().infer({Input{2}.as(DType::f32), Input{2}.as(DType::f32)}).code(),
            Code::invalid_model);
}

TEST(Binary, Refuses) {
  OpTest<ops::Add> add;
  add.refuses({{{{2, 3}, {4}}, Code::shape}, {{{3, 0}, {2}}, Code::shape}, {{{2, 3}, {3, 2}}, Code::shape}});
  EXPECT_EQ(add.infer({{0}, {1}}), Shape{0});
  EXPECT_EQ(add.infer({{40000, 1, 1}, {1, 40000, 1}}).code(), Code::out_of_memory);
  EXPECT_EQ(add.infer({Input{2}.as(DType::s8).quantized(1, 0), Input{2}.as(DType::s8)}).code(),
            Code::invalid_model);
  OpTest<ops::Add>{{.clamp = {1, 0}}}.refuses({{{{2}, {2}}, Code::invalid_model}});
  OpTest<ops::PRelu>().refuses({{{{3}, {2, 3}}, Code::shape}, {{{1}, {3}}, Code::shape}});
  EXPECT_EQ(OpTest<ops::PRelu>().infer({Input{3}.as(DType::u8), Input{3}.as(DType::u8)}).code(), Code::dtype);
}

TEST(Binary, NamesAreUniqueAndListed) {
  std::vector<std::string> names;
  for (const KernelEntry& entry : portable::BinaryKernels::entries) names.push_back(entry.op->spec->name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace lithe::test
