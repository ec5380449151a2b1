// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/reopen.hpp"
#include "tools/graph/writer.hpp"
#include "tools/lithe/code_path.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct Path {
  std::string computed;  ///< element type
  std::string kernel;    ///< XNNPACK's microkernel, or the name of ours
};

/// A layer as networks have them, alone in a model: zeros as weights.
class Layer {
 public:
  Layer() {
    model_.graphs.resize(1);
    model_.signatures.push_back({"main", 0, {}});
  }

  int input(DType dtype, graph::Dims dims) {
    const int id = value("input", dtype, bits(dtype) <= 8);
    graph().value(id).dims = std::move(dims);
    graph().inputs.push_back(id);
    return id;
  }
  int weights(DType dtype, const Shape& shape) {
    auto zeros = std::make_shared<graph::Constant>();
    zeros->dtype = dtype;
    zeros->shape = shape;
    zeros->bytes.resize(TensorView(nullptr, dtype, shape).bytes());
    const int id = value("weights", dtype, bits(dtype) <= 8);
    graph().value(id).constant = std::move(zeros);
    return id;
  }
  template <class Op>
  std::vector<int> node(std::vector<int> inputs, const std::vector<DType>& outputs) {
    graph::Node node;
    graph::set_attributes<Op>(node, {});
    node.inputs = std::move(inputs);
    const bool quantized = graph().value(node.inputs[0]).quantization.has_value();
    for (const DType dtype : outputs) node.outputs.push_back(value("output", dtype, quantized));
    graph().nodes.push_back(node);
    return node.outputs;
  }
  /// What a session on `machine` runs the last node on.
  Path path(const Machine& machine, const Common& common) {
    graph().outputs = {graph().nodes.back().outputs[0]};
    const lithe::Model model = graph::reopen(graph::write(model_));
    const auto session = Session::create(model, machine.options());
    if (!session.ok()) report::system_refused(session.status().text());
    say_kernels(common, *session);
    const auto node = session->inspect().nodes().back();
    const std::string_view kernel = node.kernel_name();
    return {name(node.inputs()[0].dtype),
            kernel.starts_with("xnn::") ? code_path(*session, node) : std::string(kernel)};
  }

 private:
  graph::Graph& graph() { return model_.graphs[0]; }
  int value(const std::string& name, DType dtype, bool quantized) {
    graph::Value v;
    v.name = name;
    v.dtype = dtype;
    if (quantized)
      v.quantization =
          graph::ValueQuantization{graph::make_constant<float>(Shape{1}, std::vector{1.0F}), nullptr};
    return graph().add_value(std::move(v));
  }

  graph::Model model_;
};

constexpr index_t rows = 64, channels = 64;

Path matrix_path(const Machine& machine, const Common& common, DType dtype) {
  Layer layer;
  const int input = layer.input(dtype, {rows, channels});
  layer.node<ops::FullyConnected>({input, layer.weights(dtype, {channels, channels})}, {dtype});
  return layer.path(machine, common);
}

Path depthwise_path(const Machine& machine, const Common& common, DType dtype) {
  Layer layer;
  const int input = layer.input(dtype, {1, 16, 16, channels});
  layer.node<ops::DepthwiseConv2D>({input, layer.weights(dtype, {3, 3, channels, 1})}, {dtype});
  return layer.path(machine, common);
}

/// Weights of 8 or 4 bits in a float network.
Path dynamic_path(const Machine& machine, const Common& common, DType weights) {
  Layer layer;
  const int input = layer.input(DType::f32, {rows, channels});
  const auto quantized = layer.node<ops::DynamicQuantize>({input}, {DType::s8, DType::f32});
  layer.node<ops::DynamicFullyConnected>(
      {quantized[0], layer.weights(weights, {channels, channels}), graph::absent, quantized[1]},
      {DType::f32});
  return layer.path(machine, common);
}

void print_row(const char* type, const char* computed, const char* matrix, const char* depthwise) {
  std::printf("%-12s %-12s %-60s %s\n", type, computed, matrix, depthwise);
}

int show(const Common& common) {
  const Machine machine(common);
  const SessionOptions o = machine.options();
  const char* names[std::size(cpu_features)];
  const int n = features(o.cpu, names);
  std::printf("processor         %s\n", cpu_name());
  std::printf("features          ");
  for (int i = 0; i < n; ++i) std::printf("%s%s", i == 0 ? "" : " ", names[i]);
  std::printf("%s\n", n == 0 ? "none that lithe or XNNPACK chooses by" : "");
  std::printf("performance cores %u\n", o.cpu.performance_cores);
  std::printf("caches            L1d %u KB, L2 %u KB\n", o.cpu.l1d_bytes / 1024, o.cpu.l2_bytes / 1024);
  std::printf("XNNPACK           commit 4ea82e5%s\n",
              xnn::initialize().ok() ? "" : ", which does not support this processor: portable kernels run");
  std::printf("kernels           %zu in the list\n\n", o.kernels.size());
  print_row("stored as", "computed in", "matrix product", "depthwise convolution");
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::s8, DType::u8}) {
    const Path matrix = matrix_path(machine, common, dtype),
               depthwise = depthwise_path(machine, common, dtype);
    print_row(name(dtype), matrix.computed.c_str(), matrix.kernel.c_str(), depthwise.kernel.c_str());
  }
  for (const DType weights : {DType::s8, DType::s4}) {
    const Path matrix = dynamic_path(machine, common, weights);
    print_row((std::string("f32 by ") + name(weights)).c_str(), matrix.computed.c_str(),
              matrix.kernel.c_str(), "");
  }
  return report::exits::done;
}

}  // namespace

void add_cpu(CLI::App& app, int& exit) {
  auto o = std::make_shared<Common>();
  CLI::App* c =
      app.add_subcommand("cpu", "what this processor offers, and which code paths lithe takes on it");
  add_common(*c, *o);
  c->callback([o, &exit] { exit = show(*o); });
}

}  // namespace lithe::cli
