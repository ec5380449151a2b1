// SPDX-License-Identifier: Apache-2.0
#include "tools/check/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lithe/core/half.hpp"
#include "lithe/runtime/inspect.hpp"

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

}  // namespace

void Rounding::after(void* self, const runtime::NodeView& node, const Strip* strip) {
  const OpSpec& spec = *node.op().spec;
  if (strip != nullptr || spec.accuracy != Accuracy::rounding) return;
  auto& rounding = *static_cast<Rounding*>(self);
  for (const Tensor& output : node.outputs()) {
    if (!output || !output.dense() || output.data == nullptr) continue;
    const auto disturb_as = [&]<class T>(T* elements) {
      disturb(elements, output.elements(), !spec.elementwise, rounding.by_, rounding.random_);
    };
    if (output.dtype == DType::f32) disturb_as(static_cast<float*>(output.data));
    if (output.dtype == DType::f16) disturb_as(static_cast<half*>(output.data));
    if (output.dtype == DType::bf16) disturb_as(static_cast<bfloat16*>(output.data));
  }
}

}  // namespace lithe::check
