// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/pad.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::PadMode;

/// Pads one axis, an element at a time.
ReferenceTensor pad_axis(const ReferenceTensor& in, int axis, index_t begin, index_t end, PadMode mode,
                         double value) {
  const auto k = static_cast<std::size_t>(axis);
  const index_t first = std::max<index_t>(-begin, 0),
                kept = in.shape[axis] - first - std::max<index_t>(-end, 0);
  Shape shape = in.shape;
  shape[axis] = in.shape[axis] + begin + end;
  ReferenceTensor out(shape);
  for (index_t i = 0; i < shape.elements(); ++i) {
    Index index = out.index_of(i);
    index_t place = index[k] - std::max<index_t>(begin, 0);
    if (mode == PadMode::constant && (place < 0 || place >= kept)) {
      out[i] = value;
      continue;
    }
    while (mode == PadMode::wrap && (place < 0 || place >= kept)) place += place < 0 ? kept : -kept;
    if (mode == PadMode::edge || kept == 1) place = std::clamp<index_t>(place, 0, kept - 1);
    while (place < 0 || place >= kept) place = place < 0 ? -place : 2 * (kept - 1) - place;
    index[k] = place + first;
    out[i] = in[in.offset(index)];
  }
  return out;
}

auto pads_of(std::vector<index_t> pads) {
  return [pads](const ops::Pad::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out = in[0];
    const double value = in.size() > 2 && !in[2].empty() ? in[2][0] : 0;
    const std::size_t rank = pads.size() / 2;
    for (std::size_t d = 0; d < rank; ++d)
      out = pad_axis(out, static_cast<int>(d), pads[d], pads[d + rank], attributes.mode, value);
    return out;
  };
}

TEST(Pad, Values) {
  for (PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::edge, PadMode::wrap}) {
    SCOPED_TRACE(enum_names(mode)[static_cast<std::size_t>(mode)]);
    OpTest<ops::Pad> op{{.mode = mode}};
    op.matches(pads_of({1, 2, 0, 0, 1, 2}), {{2, 3, 4}, Input::ints({1, 2, 0, 0, 1, 2})});
    op.matches(pads_of({0, -1, 1, -1, 0, -2}), {{2, 3, 4}, Input::ints({0, -1, 1, -1, 0, -2})});
    op.matches(pads_of({9, 11}), {{4}, Input::ints({9, 11})});
    op.matches(pads_of({3, 2}), {{1}, Input::ints({3, 2})});
    op.matches(pads_of({-1, 3}), {{4}, Input::ints({-1, 3})});
    op.matches(pads_of({-2, -2}), {{4}, Input::ints({-2, -2})});
    op.matches(pads_of({0, 0, 0, 0}), {{2, 3}, Input::ints({0, 0, 0, 0})});
    op.matches(pads_of({}), {{}, Input::ints({})});
    op.matches(pads_of({0, 0, 3, 0, 0, 1}),
               {{2, 3, 4}, Input::ints({3, 1}), Input::absent(), Input::ints({-1})},
               {.rows = {{{DType::f32, DType::s64, DType::none, DType::s64}, {DType::f32}},
                         {{DType::u8, DType::s64, DType::none, DType::s64}, {DType::u8}}}});
  }
}

TEST(Pad, TheConstant) {
  OpTest<ops::Pad> op;
  op.matches(pads_of({1, 1, 2, 0}), {{2, 3}, Input::ints({1, 1, 2, 0}), Input::scalar(1)});
  op.matches(pads_of({1, 1, 2, 0}), {{2, 3}, Input::ints({1, 1, 2, 0}), Input::values({1}, {1})});
  op.matches(pads_of({2, 0, 1, 0}), {{0, 3}, Input::ints({2, 0, 1, 0}), Input::scalar(1)});
}

TEST(Pad, AQuantizedTensorIsPaddedWithItsZero) {
  OpTest<ops::Pad>{}.matches(pads_of({1, 2}),
                             {Input{5}.as(DType::s8).quantized(0.25f, -7), Input::ints({1, 2})},
                             {.quantized = Quantized::always,
                              .same_quantization = true,
                              .rows = {{{DType::s8, DType::s64}, {DType::s8}}}});
}

TEST(Pad, Refuses) {
  OpTest<ops::Pad> constant;
  constant.refuses({{{{4}, Input{2}}, Code::needs_value},
                    {{{4}, Input::ints({1})}, Code::shape},
                    {{{4}, Input::ints({1, 1, 1, 1})}, Code::shape},
                    {{{4}, Input::ints({-3, -2})}, Code::shape},
                    {{{4}, Input::ints({-5, 3})}, Code::shape},
                    {{{4}, Input::ints({INT64_MAX, INT64_MAX})}, Code::shape},
                    {{{4}, Input::ints({INT64_MIN, INT64_MAX})}, Code::shape},
                    {{{4}, Input::ints({2147483647, 2147483647})}, Code::shape},
                    {{{4}, Input::ints({2000000000, 0})}, Code::out_of_memory},
                    {{{4}, Input::ints({1, 1}), Input{2}}, Code::shape},
                    {{{4}, Input::ints({1, 1}), Input{1}, Input::ints({1})}, Code::shape},
                    {{{4, 4}, Input::ints({1, 1, 1, 1}), Input{1}, Input::ints({0, -2})}, Code::shape},
                    {{{4, 4}, Input::ints({1, 1}), Input{1}, Input{1}}, Code::needs_value},
                    {{Input{4}.as(DType::s4), Input::ints({1, 1})}, Code::unsupported}});
  for (PadMode mode : {PadMode::reflect, PadMode::edge, PadMode::wrap})
    OpTest<ops::Pad>{{.mode = mode}}.refuses(
        {{{{0}, Input::ints({1, 0})}, Code::shape}, {{{4}, Input::ints({-4, 1})}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
