// SPDX-License-Identifier: Apache-2.0
// Includes everything, names no kernel list.
#include <algorithm>
#include <lithe/lithe.hpp>
#include <string_view>

bool uses_fast_kernels(const lithe::Session& session) {
  for (const auto node : session.inspect().nodes())
    if (node.op_name() == "Conv2D") return std::string_view(node.kernel_name()) != "portable";
  return false;
}

bool answers(lithe::Session& session) {
  std::ranges::fill(session.input<float>("image"), 1.0f);
  if (!session.run().ok()) return false;
  float sum = 0;
  for (const float p : session.output<float>("probabilities")) sum += p;
  return sum > 0.999f && sum < 1.001f;
}
