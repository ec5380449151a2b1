// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dft.hpp"

#include <complex>
#include <numbers>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::DFT;
using Attributes = DFT::Attributes;

/// The sum of the definition.
ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[0].shape;
  const auto along = in.size() > 2 ? static_cast<std::int64_t>(in[2][0]) : a.axis;
  const int axis = static_cast<int>(along < 0 ? along + shape.rank() : along), last = shape.rank() - 1;
  const bool real = a.inverse && a.onesided;
  const index_t given = shape[axis];
  const index_t n = in.size() > 1 && in[1].values.size() == 1 ? static_cast<index_t>(in[1][0])
                    : real                                    ? 2 * (given - 1)
                                                              : given;
  Shape out = shape;
  out[axis] = a.onesided && !a.inverse ? n / 2 + 1 : n;
  out[last] = real ? 1 : 2;
  ReferenceTensor y(out);
  const index_t inner = shape.product(axis + 1, last), outer = shape.product(0, axis), parts = shape[last];
  for (index_t line = 0; line < outer * inner; ++line) {
    const index_t o = line / inner, i = line % inner;
    std::vector<std::complex<double>> x(static_cast<std::size_t>(n));
    for (index_t k = 0; k < std::min(given, real ? n / 2 + 1 : n); ++k) {
      const index_t at = ((o * given + k) * inner + i) * parts;
      x[static_cast<std::size_t>(k)] = {in[0][at], parts == 2 ? in[0][at + 1] : 0};
    }
    if (real) {
      x[0] = x[0].real();
      if (n % 2 == 0) x[static_cast<std::size_t>(n / 2)] = x[static_cast<std::size_t>(n / 2)].real();
      for (index_t k = n / 2 + 1; k < n; ++k)
        x[static_cast<std::size_t>(k)] = std::conj(x[static_cast<std::size_t>(n - k)]);
    }
    for (index_t f = 0; f < out[axis]; ++f) {
      std::complex<double> sum = 0;
      for (index_t k = 0; k < n; ++k)
        sum += x[static_cast<std::size_t>(k)] *
               std::polar(1.0, (a.inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(f * k % n) /
                                   static_cast<double>(n));
      if (a.inverse) sum /= static_cast<double>(n);
      const index_t at = ((o * out[axis] + f) * inner + i) * out[last];
      y[at] = sum.real();
      if (!real) y[at + 1] = sum.imag();
    }
  }
  return y;
}

TEST(DFT, Lengths) {
  for (const index_t n : {1, 2, 3, 4, 5, 6, 8, 12, 15, 16, 17, 49, 60, 64, 97, 400})
    OpTest<DFT>{{.axis = 1}}.matches(reference, {{2, n, 1}});
}

TEST(DFT, Forms) {
  for (const bool inverse : {false, true}) {
    OpTest<DFT>{{.axis = 1, .inverse = inverse}}.matches(reference, {{2, 10, 2}});
    OpTest<DFT>{{.axis = 0, .inverse = inverse}}.matches(reference, {{6, 3, 2}});
    OpTest<DFT>{{.axis = -3, .inverse = inverse}}.matches(reference, {{2, 7, 3, 2}});
    for (const index_t n : {2, 5, 8, 9, 20}) {
      OpTest<DFT>{{.axis = 1, .inverse = inverse}}.matches(reference, {{3, 9, 2}, Input::ints({n})});
      OpTest<DFT>{{.axis = 1, .inverse = inverse, .onesided = true}}.matches(
          reference, {{3, 9, inverse ? 2 : 1}, Input::ints({n})});
    }
    OpTest<DFT>{{.axis = 1, .inverse = inverse, .onesided = true}}.matches(reference,
                                                                           {{3, 9, inverse ? 2 : 1}});
  }
  OpTest<DFT>{}.matches(reference, {{5, 7, 3, 2}, Input::absent(), Input::ints({0})});
  OpTest<DFT>{}.matches(reference, {{5, 7, 3, 2}, Input::ints({6}), Input::ints({-3})});
  OpTest<DFT>{{.axis = 1}}.on(reversed_threads).matches(reference, {{50, 64, 1}});
  OpTest<DFT>{{.axis = 1}}.matches(reference, {{0, 8, 1}});
}

TEST(DFT, Refuses) {
  OpTest<DFT>{}.refuses({{{{2, 8, 3}}, Code::shape}, {{{2, 0, 1}}, Code::shape}, {{{8}}, Code::shape}});
  OpTest<DFT>{{.axis = 2}}.refuses({{{{2, 8, 1}}, Code::shape}});
  OpTest<DFT>{{.axis = 5}}.refuses({{{{2, 8, 1}}, Code::shape}});
  OpTest<DFT>{{.axis = 1, .onesided = true}}.refuses({{{{2, 8, 2}}, Code::shape}});
  OpTest<DFT>{{.axis = 1, .inverse = true, .onesided = true}}.refuses({{{{2, 1, 2}}, Code::shape}});
  OpTest<DFT>{{.axis = 1}}.refuses({{{{2, 8, 1}, Input::ints({0})}, Code::shape},
                                    {{{2, 8, 1}, Input::ints({-4})}, Code::shape},
                                    {{{2, 8, 1}, Input::ints({INT64_MAX})}, Code::shape},
                                    {{{2, 8, 1}, Input::ints({3, 4})}, Code::shape},
                                    {{{2, 8, 1}, Input::absent(), Input::ints({2})}, Code::shape},
                                    {{{2, 8, 1}, Input::absent(), {1}}, Code::needs_value}});
}

}  // namespace
}  // namespace lithe::test
