// SPDX-License-Identifier: Apache-2.0
// Includes everything, names no kernel list.
#include <algorithm>
#include <lithe/lithe.hpp>
#include <string_view>

bool uses_fast_kernels(const lithe::Session& session) {
  for (const auto& node : session.plan().nodes)
    if (std::string_view(node.op->spec->name) == "Conv2D")
      return std::string_view(node.kernel->name) != "portable";
  return false;
}

bool answers(lithe::Session& session) {
  std::ranges::fill(session.input<float>("image"), 1.0f);
  if (!session.run().ok()) return false;
  float sum = 0;
  for (const float p : session.output<float>("probabilities")) sum += p;
  return sum > 0.999f && sum < 1.001f;
}
