// SPDX-License-Identifier: Apache-2.0
#include "tools/check/rounded.hpp"

#include <utility>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "tools/graph/attributes.hpp"

namespace lithe::check {

namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

constexpr float tiny = 0x1p-101f;  ///< adding and subtracting it rounds to 2^-124

template <class Op>
Node binary(ValueId a, ValueId b, ValueId output) {
  Node node;
  graph::set_attributes<Op>(node, {});
  node.inputs = {a, b};
  node.outputs = {output};
  return node;
}

}  // namespace

graph::Model rounded(graph::Model model, float by, Random& random) {
  for (Graph& g : model.graphs) {
    const auto scalar = [&](float v) {
      return g.add_constant(graph::make_constant<float>(Shape{}, std::vector<float>{v}), "rounding");
    };
    const auto value_like = [&](ValueId v) {
      graph::Value value;
      value.name = g.value(v).name + "/rounded";
      value.dtype = DType::f32;
      value.dims = g.value(v).dims;
      return g.add_value(std::move(value));
    };
    const ValueId shift = scalar(tiny);
    for (Node& node : std::exchange(g.nodes, {})) {
      std::vector<Node> after;
      for (ValueId& v : node.outputs) {
        if (v == graph::absent || g.value(v).dtype != DType::f32) continue;
        const ValueId exact = value_like(v), scaled = value_like(v), shifted = value_like(v);
        after.push_back(binary<ops::Mul>(exact, scalar(1 + by * random.uniform()), scaled));
        after.push_back(binary<ops::Add>(scaled, shift, shifted));
        after.push_back(binary<ops::Sub>(shifted, shift, v));
        v = exact;
      }
      g.nodes.push_back(std::move(node));
      g.nodes.insert(g.nodes.end(), after.begin(), after.end());
    }
  }
  return model;
}

}  // namespace lithe::check
