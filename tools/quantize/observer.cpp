// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/observer.hpp"

#include <algorithm>
#include <cmath>

#include "tools/passes/weighted.hpp"
#include "tools/quantize/runner.hpp"
#include "tools/report/progress.hpp"

namespace lithe::quantize {

namespace {

class Observer {
 public:
  Observer(const graph::Graph& graph, const Selection& selection, Observations& seen) {
    const auto watch = [&](graph::ValueId v) {
      values_[graph.value(v).name] = &seen.values[graph.value(v).name];
    };
    for (graph::ValueId v : graph.inputs)
      if (graph.value(v).dtype == DType::f32) watch(v);
    for (const Group& group : selection.groups)
      for (graph::ValueId v : group.roots) watch(v);
    for (int n : selection.nodes)
      if (const graph::Node& node = graph.nodes[static_cast<std::size_t>(n)]; passes::is_weighted(node))
        inputs_[key_of(graph, node)] = &seen.inputs[key_of(graph, node)];
  }
  RunObserver hooks() { return {before, after, this}; }
  void look(const std::string& name, const TensorView& tensor) {
    if (const auto found = values_.find(name); found != values_.end()) add(*found->second, tensor);
  }

 private:
  static std::string output_name(const runtime::NodeView& node, std::size_t o) {
    return node.output_ids()[o] < 0 ? std::string() : std::string(node.output_value(o).name());
  }
  static void before(void* self, const runtime::NodeView& node, const Strip*) {
    if (node.graph() != 0 || node.outputs().empty()) return;
    const auto& inputs = static_cast<Observer*>(self)->inputs_;
    if (const auto found = inputs.find(output_name(node, 0)); found != inputs.end())
      add(*found->second, node.inputs()[0]);
  }
  static void after(void* self, const runtime::NodeView& node, const Strip*) {
    if (node.graph() != 0) return;
    for (std::size_t o = 0; o < node.outputs().size(); ++o)
      if (node.output_ids()[o] >= 0)
        static_cast<Observer*>(self)->look(output_name(node, o), node.outputs()[o]);
  }

  static void add(Histogram& to, const TensorView& tensor) {
    if (tensor.dtype != DType::f32 || tensor.elements() == 0) return;
    if (tensor.dense()) return to.add(tensor.as<float>());
    for (index_t r = 0; r < tensor.shape.rows(); ++r)
      to.add({tensor.row<float>(r), static_cast<std::size_t>(tensor.shape.back())});
  }
  static void add(Channels& to, const TensorView& tensor) {
    if (tensor.dtype != DType::f32 || tensor.elements() == 0) return;
    const auto channels = static_cast<std::size_t>(tensor.shape.back());
    to.sums.resize(channels);
    to.largest.resize(channels);
    for (index_t r = 0; r < tensor.shape.rows(); ++r) {
      const float* row = tensor.row<float>(r);
      for (std::size_t c = 0; c < channels; ++c) {
        if (!std::isfinite(row[c])) continue;
        to.sums[c] += static_cast<double>(row[c]);
        to.largest[c] = std::max(to.largest[c], std::fabs(row[c]));
      }
    }
    to.rows += static_cast<double>(tensor.shape.rows());
  }

  std::map<std::string, Histogram*> values_;
  std::map<std::string, Channels*> inputs_;
};

}  // namespace

std::vector<double> Channels::means() const {
  std::vector<double> result = sums;
  for (double& m : result) m /= std::max(rows, 1.0);
  return result;
}

Observations observe(const graph::Model& model, const Selection& selection, const Samples& samples,
                     std::size_t threads) {
  Observations seen;
  const graph::Graph& main = model.graphs[0];
  Observer observer(main, selection, seen);
  const RunObserver hooks = observer.hooks();
  Runner runner(model, threads);
  report::Progress progress("calibrating", samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i, progress.advance()) {
    runner.run(samples, i, &hooks);
    for (int k = 0; k < runner.session()->inputs(); ++k)
      observer.look(std::string(runner.session()->input_name(k)), runner.session()->input(k));
  }
  return seen;
}

}  // namespace lithe::quantize
