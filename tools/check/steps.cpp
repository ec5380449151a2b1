// SPDX-License-Identifier: Apache-2.0
#include "tools/check/steps.hpp"

#include "tools/graph/operators.hpp"

namespace lithe::check {

double output_step(const graph::Graph& g, graph::ValueId output) {
  for (const graph::Node& node : g.nodes) {
    const bool coded = graph::quantizes(node) || graph::dequantizes(node);
    if (!coded || node.outputs[0] != output) continue;
    const graph::Constant* scale = g.constant(node.inputs[1]);
    if (scale != nullptr && scale->dtype == DType::f32 && scale->bytes.size() == 4)
      return static_cast<double>(scale->as<float>()[0]);
  }
  return 0;
}

}  // namespace lithe::check
