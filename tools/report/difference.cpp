// SPDX-License-Identifier: Apache-2.0
#include "tools/report/difference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lithe::report {

namespace {

/// Integer `i` of a packed sub-byte tensor, low bits first.
std::int64_t packed_integer(const TensorView& tensor, index_t i) {
  const int width = bits(tensor.dtype);
  const index_t bit = i * width;
  const unsigned byte = static_cast<const std::uint8_t*>(tensor.data)[bit / 8];
  const int raw = static_cast<int>((byte >> (bit % 8)) & ((1u << width) - 1));
  return is_signed_integer(tensor.dtype) && raw >= 1 << (width - 1) ? raw - (1 << width) : raw;
}

double element(const TensorView& tensor, index_t i) {
  switch (tensor.dtype) {
    case DType::f32:
      return static_cast<const float*>(tensor.data)[i];
    case DType::f16:
      return static_cast<const half*>(tensor.data)[i];
    case DType::bf16:
      return static_cast<const bfloat16*>(tensor.data)[i];
    case DType::f64:
      return static_cast<const double*>(tensor.data)[i];
    case DType::u64:
      return static_cast<double>(static_cast<const std::uint64_t*>(tensor.data)[i]);
    case DType::s4:
    case DType::u4:
    case DType::s2:
    case DType::u2:
    case DType::f4e2m1:  // its code
      return static_cast<double>(packed_integer(tensor, i));
    default:
      return static_cast<double>(integer_at(tensor, i));
  }
}

/// Which scale element `i` has.
index_t parameter(const TensorView& tensor, index_t i) {
  const Quantization& q = *tensor.quantization;
  if (q.per_tensor() || q.axis < 0 || q.axis >= tensor.shape.rank()) return 0;
  const index_t inner = tensor.shape.product(q.axis + 1, tensor.shape.rank()), along = tensor.shape[q.axis];
  const index_t at = i / inner % along;
  if (q.block == 0) return at;
  const index_t blocks = (along + q.block - 1) / q.block;
  return (i / (inner * along) * blocks + at / q.block) * inner + i % inner;
}

bool exact(const TensorView& t) {
  return (is_integer(t.dtype) || t.dtype == DType::boolean) && t.quantization == nullptr;
}

bool exact(const TensorView& got, const TensorView& reference) {
  return (exact(got) && exact(reference)) || got.dtype >= DType::f8e4m3fn;
}

bool equal(const TensorView& got, const TensorView& reference, index_t i) {
  if (bits(got.dtype) < 8 && element(got, i) == element(reference, i)) return true;
  const auto width = static_cast<std::size_t>(element_bytes(got.dtype)),
             at = static_cast<std::size_t>(i) * width;
  return width != 0 && std::memcmp(static_cast<const char*>(got.data) + at,
                                   static_cast<const char*>(reference.data) + at, width) == 0;
}

std::string exact_mismatch(const TensorView& got, const TensorView& reference) {
  if (got.bytes() == 0 || std::memcmp(got.data, reference.data, got.bytes()) == 0) return {};
  for (index_t i = 0; i < got.elements(); ++i) {
    if (equal(got, reference, i)) continue;
    const bool number = is_integer(got.dtype) || got.dtype == DType::boolean;
    if (!number) return "element " + std::to_string(i) + " differs";
    return "element " + std::to_string(i) + " is " + std::to_string(static_cast<long long>(element(got, i))) +
           " instead of " + std::to_string(static_cast<long long>(element(reference, i)));
  }
  return {};
}

/// Whether real numbers have no distance: one is infinite or not a number, and the other is not the same.
bool apart(double a, double b) {
  return !(std::isfinite(a) && std::isfinite(b)) && a != b && !(std::isnan(a) && std::isnan(b));
}

std::string text(const Shape& shape) {
  std::string s;
  for (index_t d : shape.dims()) s += (s.empty() ? "" : ", ") + std::to_string(d);
  return "[" + s + "]";
}

}  // namespace

bool Difference::within(double tolerance, double atol) const {
  return mismatch.empty() && absolute <= std::max(tolerance * scale, atol < 0 ? tolerance * 1e-2 : atol);
}

double Difference::relative() const { return absolute / std::max(scale, 1e-2); }

std::vector<double> reals(const TensorView& tensor) {
  if (tensor.dtype >= DType::f8e4m3fn) return {};
  std::vector<double> result(static_cast<std::size_t>(tensor.elements()));
  for (index_t i = 0; i < tensor.elements(); ++i) {
    double v = element(tensor, i);
    if (tensor.quantization != nullptr) {
      const index_t p = parameter(tensor, i);
      v = (v - tensor.quantization->zero_point_at(p)) * static_cast<double>(tensor.quantization->scale_at(p));
    }
    result[static_cast<std::size_t>(i)] = v;
  }
  return result;
}

Difference measure(const TensorView& got, const TensorView& reference) {
  Difference d;
  if (got.dtype != reference.dtype) {
    d.mismatch = std::string("is ") + name(got.dtype) + " instead of " + name(reference.dtype);
    return d;
  }
  if (!(got.shape == reference.shape)) {
    d.mismatch = "has shape " + text(got.shape) + " instead of " + text(reference.shape);
    return d;
  }
  if (exact(got, reference)) {
    d.mismatch = exact_mismatch(got, reference);
    return d;
  }
  const std::vector<double> a = reals(got), b = reals(reference);
  double low = 0, high = 0;
  bool any = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
      if (apart(a[i], b[i]) && d.mismatch.empty())
        d.mismatch = "element " + std::to_string(i) + " is " + std::to_string(a[i]) + " instead of " +
                     std::to_string(b[i]);
      continue;
    }
    low = any ? std::min(low, b[i]) : b[i];
    high = any ? std::max(high, b[i]) : b[i];
    any = true;
    if (std::fabs(a[i] - b[i]) > d.absolute) {
      d.absolute = std::fabs(a[i] - b[i]);
      d.index = static_cast<index_t>(i);
    }
  }
  d.scale = std::max({high - low, std::fabs(high), std::fabs(low)});
  return d;
}

std::vector<bool> mismatches(const TensorView& got, const TensorView& reference) {
  std::vector<bool> result(static_cast<std::size_t>(got.elements()));
  if (exact(got, reference)) {
    for (index_t i = 0; i < got.elements(); ++i)
      result[static_cast<std::size_t>(i)] = !equal(got, reference, i);
    return result;
  }
  const std::vector<double> a = reals(got), b = reals(reference);
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = apart(a[i], b[i]);
  return result;
}

Similarity similarity(std::span<const double> got, std::span<const double> reference) {
  double signal = 0, noise = 0, both = 0, power = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double a = got[i], b = reference[i];
    signal += b * b;
    noise += (a - b) * (a - b);
    both += a * b;
    power += a * a;
  }
  Similarity s;
  if (noise != 0) s.snr_db = 10 * std::log10(std::max(signal, 1e-30) / noise);
  if (signal != 0 || power != 0) s.cosine = signal == 0 || power == 0 ? 0 : both / std::sqrt(signal * power);
  return s;
}

double default_tolerance(bool half_precision, bool quantized) {
  return quantized ? 2e-2 : half_precision ? 1e-2 : 1e-4;
}

}  // namespace lithe::report
