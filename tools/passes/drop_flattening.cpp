// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "tools/graph/graph.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {
namespace {

/// Known dims whose last one is the size of a row.
bool are_rows(const std::optional<Dims>& dims) {
  return dims && !dims->empty() && dims->back() > 0 &&
         std::find(dims->begin(), dims->end(), -1) == dims->end();
}

void fuse(Rewriter& rewriter, int n, PassLog& log) {
  const Node& layer = rewriter.node(n);
  if (!is(layer, "FullyConnected")) return;
  const int before = rewriter.producer(layer.inputs[0]);
  if (before < 0 || !reshapes(rewriter.node(before))) return;
  const ValueId x = rewriter.node(before).inputs[0], y = layer.outputs[0];
  const std::optional<Dims>& flat = rewriter.value(layer.inputs[0]).dims;
  if (!flat || !are_rows(rewriter.value(x).dims) || rewriter.value(x).dims->back() != flat->back()) return;
  if (rewriter.value(x).quantization || rewriter.value(y).quantization) return;
  if (rewriter.uses(y) != 1 || rewriter.is_output(y)) return;
  const int after = rewriter.readers(y)[0].node;
  if (!reshapes(rewriter.node(after)) || rewriter.readers(y)[0].input != 0) return;
  const ValueId z = rewriter.node(after).outputs[0];
  const auto &outputs = rewriter.value(y).dims, &apart = rewriter.value(z).dims;
  Dims wanted = *rewriter.value(x).dims;
  const std::string name = graph::node_title(rewriter.graph(), layer);
  if (!outputs || outputs->back() < 0 || !apart) return;
  wanted.back() = outputs->back();
  if (wanted != *apart)
    return log.near_miss(
        name + " stays between Reshapes: the second one does not restore the axes that the first one joined");
  append_names(rewriter.node(n), rewriter.node(after));
  prepend_names(rewriter.node(n), rewriter.node(before));
  rewriter.remove_node(after);
  rewriter.set_input(n, 0, x);
  rewriter.set_output(n, 0, z);
  rewriter.remove_unread(before);
  log.changed(name + " reads axes apart that a Reshape had joined");
}

}  // namespace

void drop_flattening(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { fuse(rewriter, n, log); });
}

}  // namespace lithe::passes
