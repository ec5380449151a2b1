// SPDX-License-Identifier: Apache-2.0
#include "tools/check/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lithe/core/half.hpp"
#include "lithe/runtime/inspect.hpp"
#include "tools/graph/operators.hpp"

namespace lithe::check {

namespace {

/// T: f32, f16 or bf16.
template <class T>
void disturb(T* elements, index_t count, bool by_largest, float by, Random& random) {
  float largest = 0;
  for (index_t i = 0; by_largest && i < count; ++i)
    if (const float v = std::fabs(static_cast<float>(elements[i])); std::isfinite(v))
      largest = std::max(largest, v);
  for (index_t i = 0; i < count; ++i) {
    const float v = static_cast<float>(elements[i]);
    if (!std::isfinite(v)) continue;
    const float moved = v + by * random.uniform() * (by_largest ? largest : std::fabs(v));
    elements[i] = static_cast<T>(std::fabs(moved) < std::numeric_limits<float>::min() ? 0.0F : moved);
  }
}

/// T: an integer. Two roundings of one number to whole steps are a step apart in one of six cases.
template <class T>
void step(T* codes, index_t count, Random& random) {
  for (index_t i = 0; i < count; ++i) {
    const std::uint32_t drawn = random.bits() % 12;
    if (drawn > 1 || codes[i] == std::numeric_limits<T>::min() || codes[i] == std::numeric_limits<T>::max())
      continue;
    codes[i] = static_cast<T>(codes[i] + (drawn == 0 ? 1 : -1));
  }
}

void step(const Tensor& codes, Random& random) {
  const index_t count = codes.elements();
  if (codes.dtype == DType::s8) step(static_cast<std::int8_t*>(codes.data), count, random);
  if (codes.dtype == DType::u8) step(static_cast<std::uint8_t*>(codes.data), count, random);
  if (codes.dtype == DType::s16) step(static_cast<std::int16_t*>(codes.data), count, random);
  if (codes.dtype == DType::u16) step(static_cast<std::uint16_t*>(codes.data), count, random);
}

bool is_dense(const Tensor& tensor) { return tensor && tensor.dense() && tensor.data != nullptr; }

}  // namespace

void Rounding::after(void* self, const runtime::NodeView& node, const Strip* strip) {
  const OpSpec& spec = *node.op().spec;
  auto& rounding = *static_cast<Rounding*>(self);
  const Coding coding = graph::facts_of(spec).coding;
  if (strip == nullptr && (coding == Coding::quantizes || coding == Coding::quantizes_by_range) &&
      is_dense(node.outputs()[0]))
    step(node.outputs()[0], rounding.random_);
  if (strip != nullptr || spec.accuracy != Accuracy::rounding) return;
  for (const Tensor& output : node.outputs()) {
    if (!is_dense(output)) continue;
    const auto disturb_as = [&]<class T>(T* elements) {
      disturb(elements, output.elements(), !spec.elementwise, rounding.by_, rounding.random_);
    };
    if (output.dtype == DType::f32) disturb_as(static_cast<float*>(output.data));
    if (output.dtype == DType::f16) disturb_as(static_cast<half*>(output.data));
    if (output.dtype == DType::bf16) disturb_as(static_cast<bfloat16*>(output.data));
  }
}

}  // namespace lithe::check
