// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <numbers>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// The discrete Fourier transform along one axis.
///   input [..., L, ..., 1 or 2], the last axis a real number, or a real and an imaginary part
///   length s64 optional: one number, the length N that the axis is cut or filled with zeros to
///   axis s64 optional: one number, instead of the attribute
///   output [..., M, ..., 2], M = N; with onesided M = N / 2 + 1, because the rest mirrors it
/// inverse divides by N. inverse with onesided takes M = N / 2 + 1 elements of a mirrored spectrum and gives N
/// real numbers [..., N, ..., 1]; without `length` N = 2 * (L - 1).
/// Units: axis lies in [-rank, rank) and is not the last one.
/// Errors: Code::needs_value while `length` or `axis` is unknown; Code::shape for another last axis, an axis out
/// of range, a length that is not one number of at least 1, or a complex input with onesided.
/// Source: ONNX DFT-20; the mixed-radix algorithm of Stockham, Cochran et al., "What is the fast Fourier
/// transform?" (1967).
struct DFT {
  struct Attributes {
    std::int64_t axis = -2;
    bool inverse = false, onesided = false;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("inverse", &Attributes::inverse),
                    field("onesided", &Attributes::onesided)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "DFT",
                               .inputs = {"input", "length?", "axis?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, s64, s64}, {f32}}, {{f64, s64, s64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    Shape shape = context.shape(0);
    std::int64_t along = a.axis;
    if (context.has(2)) {
      LITHE_ASSIGN_OR_RETURN(const IntList given, context.ints(2));
      if (given.size() != 1) return {Code::shape, "the axis of a DFT must be one number"};
      along = given[0];
    }
    const int axis = normalize_axis(along, shape.rank());
    if (axis < 0 || axis == shape.rank() - 1)
      return {Code::shape, "the axis of a DFT lies outside its input"};
    if (shape.back() != 1 && shape.back() != 2)
      return {Code::shape, "the last axis of a DFT's input must be a real number, or a complex one"};
    if (a.onesided && !a.inverse && shape.back() != 1)
      return {Code::shape, "a one-sided DFT is one of real numbers"};
    const bool real = a.inverse && a.onesided;
    std::int64_t length = real ? 2 * (std::int64_t{shape[axis]} - 1) : std::int64_t{shape[axis]};
    if (context.has(1)) {
      LITHE_ASSIGN_OR_RETURN(const IntList given, context.ints(1));
      if (given.size() != 1) return {Code::shape, "the length of a DFT must be one number"};
      length = given[0];
    }
    if (length < 1 || length > most) return {Code::shape, "the length of a DFT must be between 1 and 2^26"};
    shape[axis] = static_cast<index_t>(a.onesided && !a.inverse ? length / 2 + 1 : length);
    shape[shape.rank() - 1] = real ? 1 : 2;
    return context.output(0, shape);
  }
  static constexpr std::int64_t most = std::int64_t{1} << 26;
};
static_assert(Operator<DFT>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DFT> Op>
struct Kernel<Op> {
  using Attributes = ops::DFT::Attributes;

  /// The workspace holds the N roots of unity, and two complex vectors for each part of the work.
  static Status reshape(const Attributes& a, ReshapeContext& context) {
    index_t longest = 1;  // along any axis: which one it is may not be known yet
    for (int i = 0; i < context.outputs[0].shape.rank() - 1; ++i)
      longest = std::max(longest, most_points(a, context.outputs[0].shape[i]));
    const auto n = static_cast<std::uint64_t>(longest);
    const auto element = static_cast<std::uint64_t>(element_bytes(context.inputs[0].dtype));
    return ops::detail::ask_workspace(context, 2 * n * element * (1 + 2 * parts));
  }

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_element_type<every_type, float, double>(
        context.input(0).dtype, [&]<class T>() { return transform<T>(a, context); });
  }

 private:
  static constexpr index_t parts = 4;  ///< that the work is cut into, at most

  template <class T>
  struct Complex {
    T real, imaginary;
    friend Complex operator*(Complex a, Complex b) {
      return {a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real};
    }
    Complex& operator+=(Complex b) {
      real += b.real;
      imaginary += b.imaginary;
      return *this;
    }
  };
  struct Line {
    index_t inner, input, output;  ///< elements between neighbours, and how many there are
    index_t input_parts, output_parts;
  };

  static index_t points(const Attributes& a, const RunContext& context, int axis) {
    if (context.has(1)) return static_cast<index_t>(integer_at(context.input(1), 0));
    return a.onesided && !a.inverse ? context.input(0).shape[axis] : context.output().shape[axis];
  }
  /// An upper bound of N where the output has `m` elements: of a one-sided spectrum it is 2 * m - 2 or 2 * m - 1.
  static index_t most_points(const Attributes& a, index_t m) {
    return a.onesided && !a.inverse ? 2 * m - 1 : m;
  }

  template <class T>
  static Status transform(const Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    const int last = input.shape.rank() - 1,
              axis = normalize_axis(context.has(2) ? integer_at(context.input(2), 0) : a.axis,
                                    input.shape.rank());
    if (axis < 0 || axis == last)
      return {Code::out_of_range, "the axis of a DFT changed after its shape was inferred"};
    const index_t n = points(a, context, axis);
    if (n < 1 || n > most_points(a, output.shape[axis]))
      return {Code::out_of_range, "the length of a DFT changed after its shape was inferred"};
    const Line line{input.shape.product(axis + 1, last), input.shape[axis], output.shape[axis],
                    input.shape.back(), output.shape.back()};
    auto* roots = reinterpret_cast<Complex<T>*>(context.workspace().data());
    for (index_t k = 0; k < n; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
      roots[k] = {static_cast<T>(std::cos(angle)),
                  static_cast<T>(a.inverse ? std::sin(angle) : -std::sin(angle))};
    }
    const index_t lines = input.shape.product(0, axis) * line.inner;
    const ops::detail::Ranges ranges(lines, n * 8, 4096, parts);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t part) {
      Complex<T>* x = roots + n * (1 + 2 * part);
      Complex<T>* y = x + n;
      for (index_t i = 0; i < ranges.length(part); ++i) {
        const index_t l = ranges.first(part) + i, outer = l / line.inner, inner = l % line.inner;
        read(a, line,
             static_cast<const T*>(input.data) + (outer * line.input * line.inner + inner) * line.input_parts,
             x, n);
        const Complex<T>* result = stockham(roots, n, x, y);
        write(a, line, result,
              static_cast<T*>(output.data) + (outer * line.output * line.inner + inner) * line.output_parts,
              n);
      }
    });
    return {};
  }

  template <class T>
  static void read(const Attributes& a, const Line& line, const T* from, Complex<T>* x, index_t n) {
    const index_t mirrored = a.inverse && a.onesided ? n / 2 + 1 : n, count = std::min(line.input, mirrored);
    for (index_t k = 0; k < count; ++k) {
      const T* at = from + k * line.inner * line.input_parts;
      x[k] = {at[0], line.input_parts == 2 ? at[1] : T{0}};
    }
    std::fill(x + count, x + n, Complex<T>{0, 0});
    if (mirrored == n) return;
    x[0].imaginary = 0;  // what a real signal has there
    if (n % 2 == 0) x[n / 2].imaginary = 0;
    for (index_t k = mirrored; k < n; ++k) x[k] = {x[n - k].real, -x[n - k].imaginary};
  }
  template <class T>
  static void write(const Attributes& a, const Line& line, const Complex<T>* x, T* to, index_t n) {
    const T factor = a.inverse ? 1 / static_cast<T>(n) : 1;
    for (index_t k = 0; k < line.output; ++k) {
      T* at = to + k * line.inner * line.output_parts;
      at[0] = x[k].real * factor;
      if (line.output_parts == 2) at[1] = x[k].imaginary * factor;
    }
  }

  /// Transforms x, using y; returns the one of the two that holds the result.
  template <class T>
  static Complex<T>* stockham(const Complex<T>* roots, index_t n, Complex<T>* x, Complex<T>* y) {
    for (index_t rest = n, stride = 1; rest > 1;) {
      const index_t radix = factor(rest), next = rest / radix;
      for (index_t j = 0; j < next; ++j)
        for (index_t t = 0; t < radix; ++t) {
          Complex<T>* to = y + stride * (radix * j + t);
          const Complex<T> turn = roots[j * t * stride % n];
          std::fill(to, to + stride, Complex<T>{0, 0});
          for (index_t r = 0; r < radix; ++r) {
            const Complex<T> w = roots[r * t % radix * (n / radix)] * turn,
                             *from = x + stride * (j + next * r);
            for (index_t q = 0; q < stride; ++q) to[q] += from[q] * w;
          }
        }
      std::swap(x, y);
      rest = next;
      stride *= radix;
    }
    return x;
  }
  /// The smallest factor above 1, 4 before 2.
  static index_t factor(index_t n) {
    if (n % 4 == 0) return 4;
    for (index_t f = 2; f * f <= n; ++f)
      if (n % f == 0) return f;
    return n;
  }
};

}  // namespace lithe::inline v0::portable
