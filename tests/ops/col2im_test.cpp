// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/col2im.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::Col2Im;
using Attributes = Col2Im::Attributes;

/// Adds every element of every window to its place.
ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const auto axes = static_cast<int>(in[1].values.size());
  Shape block, image, windows;
  for (int i = 0; i < axes; ++i) {
    image.push_back(static_cast<index_t>(in[1][i]));
    block.push_back(static_cast<index_t>(in[2][i]));
    const auto at = [&](const IntList& list, int k, std::int64_t none) {
      return list.empty() ? none : list[k];
    };
    windows.push_back(
        (image[i] + at(a.pads, i, 0) + at(a.pads, i + axes, 0) - at(a.dilations, i, 1) * (block[i] - 1) - 1) /
            at(a.strides, i, 1) +
        1);
  }
  const index_t channels = in[0].shape[1] / block.elements();
  Shape out{in[0].shape[0], channels};
  for (int i = 0; i < axes; ++i) out.push_back(image[i]);
  ReferenceTensor y(out);
  const ReferenceTensor blocks(block), places(windows), pixels(image);
  for (index_t plane = 0; plane < in[0].shape[0] * channels; ++plane)
    for (index_t b = 0; b < block.elements(); ++b)
      for (index_t w = 0; w < windows.elements(); ++w) {
        const auto tap = blocks.index_of(b), window = places.index_of(w);
        std::vector<index_t> at;
        bool inside = true;
        for (int i = 0; i < axes; ++i) {
          const auto k = static_cast<std::size_t>(i);
          const std::int64_t p = window[k] * (a.strides.empty() ? 1 : a.strides[i]) +
                                 tap[k] * (a.dilations.empty() ? 1 : a.dilations[i]) -
                                 (a.pads.empty() ? 0 : a.pads[i]);
          inside = inside && p >= 0 && p < image[i];
          at.push_back(static_cast<index_t>(p));
        }
        if (inside)
          y[plane * image.elements() + pixels.offset(at)] +=
              in[0][(plane * block.elements() + b) * windows.elements() + w];
      }
  return y;
}

IntList list(std::initializer_list<std::int64_t> values) {
  IntList l;
  for (const std::int64_t v : values) l.push_back(v);
  return l;
}

TEST(Col2Im, Values) {
  OpTest<Col2Im>{}.matches(reference, {{1, 5, 5}, Input::ints({5, 5}), Input::ints({1, 5})});
  OpTest<Col2Im>{}.matches(reference, {{2, 3 * 6, 4 * 4}, Input::ints({5, 6}), Input::ints({2, 3})});
  OpTest<Col2Im>({.strides = list({2, 2})})
      .matches(reference, {{1, 9, 4}, Input::ints({5, 5}), Input::ints({3, 3})});
  OpTest<Col2Im>({.pads = list({1, 0, 1, 2})})
      .matches(reference, {{1, 4, 36}, Input::ints({5, 5}), Input::ints({2, 2})});
  OpTest<Col2Im>({.dilations = list({1, 5})})
      .matches(reference, {{1, 4, 5}, Input::ints({6, 6}), Input::ints({2, 2})});
  OpTest<Col2Im>{}.matches(reference, {{1, 2 * 5, 12}, Input::ints({3, 4, 5}), Input::ints({1, 1, 5})});
  OpTest<Col2Im>({.strides = list({3})}).matches(reference, {{2, 8, 3}, Input::ints({11}), Input::ints({4})});
  OpTest<Col2Im>{}
      .on(reversed_threads)
      .matches(reference, {{4, 40 * 4, 49}, Input::ints({8, 8}), Input::ints({2, 2})});
  OpTest<Col2Im>{}.matches(reference, {{0, 4, 16}, Input::ints({5, 5}), Input::ints({2, 2})});
}

TEST(Col2Im, Refuses) {
  OpTest<Col2Im>{}.refuses({{{{4, 16}, Input::ints({5, 5}), Input::ints({2, 2})}, Code::shape},
                            {{{1, 5, 16}, Input::ints({5, 5}), Input::ints({2, 2})}, Code::shape},
                            {{{1, 4, 15}, Input::ints({5, 5}), Input::ints({2, 2})}, Code::shape},
                            {{{1, 4, 16}, Input::ints({5, 5}), Input::ints({2})}, Code::shape},
                            {{{1, 4, 16}, Input::ints({-5, 5}), Input::ints({2, 2})}, Code::shape},
                            {{{1, 4, 16}, Input::ints({5, 5}), Input::ints({0, 2})}, Code::invalid_model},
                            {{{1, 4, 16}, Input::ints({5, 5}), {2}}, Code::needs_value}});
  for (const Attributes& bad :
       {Attributes{.strides = list({0, 1})}, {.dilations = list({1})}, {.pads = list({1, 1})}})
    EXPECT_EQ(OpTest<Col2Im>(bad).infer({{1, 4, 16}, Input::ints({5, 5}), Input::ints({2, 2})}).code(),
              Code::invalid_model);
}

}  // namespace
}  // namespace lithe::test
