// SPDX-License-Identifier: Apache-2.0
#include "tests/support/session_run.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "lithe/core/align.hpp"
#include "lithe/memory/system_arena.hpp"
#include "lithe/model.hpp"
#include "lithe/session.hpp"
#include "tools/graph/graph.hpp"
#include "tools/graph/writer.hpp"

namespace lithe::test {
namespace {

graph::ConstantPtr constant(const StoredTensor& tensor) {
  auto c = std::make_shared<graph::Constant>();
  c->dtype = tensor.dtype;
  c->shape = tensor.shape;
  c->bytes = tensor.bytes;
  return c;
}
graph::ConstantPtr constant(DType dtype, std::vector<double> values) {
  const Shape shape{static_cast<index_t>(values.size())};
  return constant(StoredTensor(dtype, ReferenceTensor(shape, std::move(values))));
}

graph::Value value(const std::string& name, DType dtype, const TestQuantization& q) {
  graph::Value v;
  v.name = name;
  v.dtype = dtype;
  if (q.active())
    v.quantization = graph::ValueQuantization{
        constant(q.rounded.empty() ? DType::f32 : DType::bf16, {q.scale.begin(), q.scale.end()}),
        constant(bits(dtype) < 8 ? DType::s8 : dtype, {q.zero_point.begin(), q.zero_point.end()}), q.axis,
        q.block};
  return v;
}

graph::Model model_of(const Case& c) {
  graph::Model model;
  graph::Graph& g = model.graphs.emplace_back();
  g.name = "main";
  model.signatures.push_back({"main", 0, {}});
  graph::Node node;
  node.op = c.op->spec->name;
  node.version = c.op->spec->version;
  for (const StoredAttribute& a : c.stored_attributes) node.attributes[a.name] = {a.ints, a.floats, a.text};
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const StoredTensor& t = c.inputs[i];
    node.inputs.push_back(graph::absent);
    if (!t.present()) continue;
    graph::Value v = value("input" + std::to_string(i), t.dtype, t.quantization);
    v.dims.emplace(t.shape.dims().begin(), t.shape.dims().end());
    const bool fixed = c.constant[i] || c.known[i];
    if (fixed) v.constant = constant(t);
    node.inputs[i] = g.add_value(std::move(v));
    if (!fixed) g.inputs.push_back(node.inputs[i]);
  }
  for (std::size_t o = 0; o < c.output_dtypes.size(); ++o) {
    node.outputs.push_back(graph::absent);
    if (c.output_dtypes[o] == DType::none) continue;
    const TestQuantization none, &q = o < c.output_quantization.size() ? c.output_quantization[o] : none;
    node.outputs[o] = g.add_value(value("output" + std::to_string(o), c.output_dtypes[o], q));
    g.outputs.push_back(node.outputs[o]);
  }
  g.nodes.push_back(std::move(node));
  return model;
}

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};
std::unique_ptr<std::byte, Free> aligned(std::size_t bytes) {
  return std::unique_ptr<std::byte, Free>(
      static_cast<std::byte*>(std::aligned_alloc(64, align_up(bytes, 64))));
}

}  // namespace

RunResult run_through_session(const Case& c, const KernelEntry& entry, const Cpu& cpu) {
  RunResult result;
  const std::vector<std::byte> file = graph::write(model_of(c));
  const auto memory = aligned(file.size());
  std::memcpy(memory.get(), file.data(), file.size());
  auto model = Model::open(std::span<const std::byte>(memory.get(), file.size()));
  if (!model.ok()) {
    result.status = model.status();
    return result;
  }
  SessionOptions options;
  options.kernels = {&entry, 1};
  options.cpu = cpu;
  options.source = system_arena;
  options.growable = true;                     // some outputs are as large as the data say
  options.max_bytes = std::uint64_t{1} << 26;  // QEMU keeps 24 bytes for each page that is reserved, for ever
  auto session = Session::create(*model, options);
  if (!session.ok()) {
    result.status = session.status();
    return result;
  }
  for (int i = 0; i < session->inputs(); ++i) {
    const std::string name(session->input_name(i));
    const StoredTensor& from = c.inputs.at(static_cast<std::size_t>(std::stoi(name.substr(5))));
    const Tensor to = session->input(i);
    if (to.bytes() != from.bytes.size()) {
      result.status = {Code::shape, "an input changed its size on the way"};
      return result;
    }
    if (to.bytes() != 0) std::memcpy(to.data, from.bytes.data(), to.bytes());
  }
  result.status = session->run();
  if (!result.status.ok()) return result;
  result.outputs.resize(c.output_dtypes.size());
  for (int o = 0; o < session->outputs(); ++o) {
    const TensorView from = session->output(o);
    const auto k = static_cast<std::size_t>(std::stoi(std::string(session->output_name(o)).substr(6)));
    result.outputs[k] =
        StoredTensor(from.dtype, from.shape,
                     k < c.output_quantization.size() ? c.output_quantization[k] : TestQuantization{});
    if (from.bytes() != 0) std::memcpy(result.outputs[k].bytes.data(), from.data, from.bytes());
  }
  return result;
}

}  // namespace lithe::test
