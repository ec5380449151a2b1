// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/evaluate.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "lithe/core/check_node.hpp"
#include "lithe/ops/matmul.hpp"

namespace lithe::graph {

namespace {

/// Feeds a node's attributes to OperatorEntry::parse.
struct Reader {
  std::map<std::string, Attribute>::const_iterator next, end;

  static bool read(void* self, std::string_view& name, AttributeData& data) {
    auto& r = *static_cast<Reader*>(self);
    if (r.next == r.end) return false;
    name = r.next->first;
    data = {r.next->second.ints, r.next->second.floats, r.next->second.text};
    return ++r.next, true;
  }
};

Shape shape_of(const Dims& dims) { return Shape(std::span<const std::int64_t>(dims)); }

std::vector<ValueInfo> describe(const std::vector<InferContext::Input>& inputs) {
  std::vector<ValueInfo> infos;
  for (const auto& i : inputs)
    infos.push_back(
        {i.tensor.dtype, i.tensor.shape, i.known ? i.tensor.data : nullptr, i.tensor.quantization});
  return infos;
}
std::vector<ValueInfo> describe(const std::vector<InferContext::Output>& outputs) {
  std::vector<ValueInfo> infos;
  for (const auto& o : outputs) infos.push_back({o.dtype, o.shape, nullptr, o.quantization});
  return infos;
}

/// A kernel object that is destroyed at the end.
class KernelObject {
 public:
  explicit KernelObject(const KernelEntry& entry)
      : entry_(entry), memory_(entry.bytes / sizeof(std::max_align_t) + 1) {
    entry_.construct(get());
  }
  ~KernelObject() { entry_.destroy(get()); }
  KernelObject(const KernelObject&) = delete;
  KernelObject& operator=(const KernelObject&) = delete;
  void* get() { return memory_.data(); }

 private:
  const KernelEntry& entry_;
  std::vector<std::max_align_t> memory_;
};

/// 64-byte aligned scratch memory.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : blocks_(bytes / sizeof(Block) + 1), bytes_(bytes) {}
  std::span<std::byte> span() { return std::as_writable_bytes(std::span(blocks_)).first(bytes_); }

 private:
  struct alignas(64) Block {
    std::array<std::byte, 64> bytes;
  };
  std::vector<Block> blocks_;
  std::size_t bytes_;
};

}  // namespace

std::uint64_t multiply_adds(std::string_view op, std::span<const Shape> inputs, const Shape& output,
                            bool transpose_a) {
  const auto elements = [](const Shape& shape) { return static_cast<std::uint64_t>(shape.elements()); };
  const auto divided = [](std::uint64_t n, index_t by) {
    return by == 0 ? 0 : n / static_cast<std::uint64_t>(by);
  };
  if (inputs.size() < 2) return 0;
  const Shape &first = inputs[0], &second = inputs[1];
  if (op == "Conv2D" || op == "Conv3D" || op == "FullyConnected" || op == "DynamicFullyConnected")
    return elements(output) * divided(elements(second), second[0]);
  if (op == "DepthwiseConv2D")
    return elements(output) * divided(divided(elements(second), second[2]), second[3]);
  if (op == "ConvTranspose2D" || op == "ConvTranspose3D")
    return elements(first) * divided(elements(second), first.back());
  if (op == "MatMul")
    return elements(output) *
           static_cast<std::uint64_t>(first[first.rank() - (transpose_a && first.rank() > 1 ? 2 : 1)]);
  if (op == "LSTM" || op == "GRU" || op == "RNN")
    return inputs.size() < 3
               ? 0
               : static_cast<std::uint64_t>(first[0] * first[1]) * (elements(second) + elements(inputs[2]));
  return 0;
}

std::uint64_t multiply_adds(const runtime::PlanNode& node) {
  if (node.outputs.empty()) return 0;
  const std::string_view op = node.op->spec->name;
  std::vector<Shape> shapes;
  for (const TensorView& input : node.inputs) shapes.push_back(input.shape);
  const bool transposed =
      op == "MatMul" && static_cast<const ops::MatMul::Attributes*>(node.attributes)->transpose_a;
  return multiply_adds(op, shapes, node.outputs[0].shape, transposed);
}

BoundNode::BoundNode(const Graph& graph, const Node& node) : kernel_(find_kernel(node.op, node.version)) {
  for (ValueId id : node.inputs) {
    InferContext::Input input;
    bool known_shape = true;
    if (id != absent) {
      const Value& v = graph.value(id);
      known_shape = v.constant || (v.dims && fixed(*v.dims));
      if (v.constant)
        input.tensor = v.constant->view();
      else if (known_shape)
        input.tensor = TensorView(nullptr, v.dtype, shape_of(*v.dims));
      input.tensor.dtype = v.dtype;
      input.tensor.quantization = describe(v.quantization);
      input.known = v.constant != nullptr;
    }
    inputs.push_back(input);
    shape_known.push_back(known_shape);
  }
  for (ValueId id : node.outputs) {
    InferContext::Output output;
    if (id != absent)
      output.dtype = graph.value(id).dtype, output.quantization = describe(graph.value(id).quantization);
    outputs.push_back(output);
  }
  status_ = kernel_ == nullptr ? Status{Code::unsupported, "no such operator in this build"} : check(node);
  if (status_.ok()) status_ = parse(node);
}

const Quantization* BoundNode::describe(const std::optional<ValueQuantization>& q) {
  if (!q) return nullptr;
  Quantization& result = quantizations_.emplace_back();
  result.scale = q->scale->bytes.data();
  result.zero_point = q->zero_point ? q->zero_point->bytes.data() : nullptr;
  result.count = q->scale->shape.elements();
  result.block = q->block;
  result.axis = q->axis;
  result.scale_dtype = q->scale->dtype;
  result.zero_point_dtype = q->zero_point ? q->zero_point->dtype : DType::none;
  return &result;
}

Status BoundNode::check(const Node& node) const {
  return check_node(
      *kernel_->op->spec, {kernel_, 1}, inputs.size(),
      [this](std::size_t i) { return inputs[i].tensor.dtype; }, outputs.size(),
      [this](std::size_t o) { return outputs[o].dtype; }, node.subgraphs.size());
}

Status BoundNode::parse(const Node& node) {
  attributes_.resize(kernel_->op->attributes_bytes / sizeof(std::max_align_t) + 1);
  Reader reader{node.attributes.begin(), node.attributes.end()};
  return kernel_->op->parse(attributes_.data(), {&Reader::read, &reader});
}

bool BoundNode::shapes_known() const {
  return std::all_of(shape_known.begin(), shape_known.end(), [](bool known) { return known; });
}

bool BoundNode::constant() const {
  return std::all_of(inputs.begin(), inputs.end(),
                     [](const auto& i) { return i.known || i.tensor.dtype == DType::none; });
}

Status BoundNode::infer(std::uint64_t max_bytes) {
  LITHE_TRY(status_);
  if (kernel_->op->spec->subgraphs > 0)
    return {Code::unsupported, "a node with subgraphs is inferred by the session"};
  for (auto& o : outputs) o.set = false;
  InferContext context(inputs, outputs, max_bytes);
  LITHE_TRY(kernel_->op->infer(attributes_.data(), context));
  for (const auto& o : outputs)
    if (o.dtype != DType::none && !o.set) return {Code::unsupported, "the operator did not infer an output"};
  return {};
}

Result<std::vector<ConstantPtr>> BoundNode::run() {
  static const Cpu cpu{};
  const std::vector<ValueInfo> input_infos = lithe::graph::describe(inputs),
                               output_infos = lithe::graph::describe(outputs);
  const NodeInfo info{input_infos, output_infos, &cpu};
  if (!kernel_->supports(attributes_.data(), info))
    return Status{Code::unsupported, "the portable kernel does not take this node"};
  KernelObject object(*kernel_);
  CreateContext create{.node = info};
  LITHE_TRY(kernel_->create(object.get(), attributes_.data(), create));

  std::vector<TensorView> in;
  for (const auto& i : inputs) in.push_back(i.tensor);
  std::vector<std::shared_ptr<Constant>> results;
  std::vector<Tensor> out;
  std::vector<TensorView> out_views;
  for (const auto& o : outputs) {
    auto& result = results.emplace_back(o.dtype == DType::none ? nullptr : std::make_shared<Constant>());
    if (result) result->dtype = o.dtype, result->bytes.resize(Tensor(nullptr, o.dtype, o.shape).bytes());
    out.push_back(result ? Tensor(result->bytes.data(), o.dtype, o.shape, o.quantization) : Tensor{});
    out_views.emplace_back(out.back());
    out_views.back().data = nullptr;
  }
  ReshapeContext reshape{.node = info, .inputs = in, .outputs = out_views};
  LITHE_TRY(kernel_->reshape(object.get(), attributes_.data(), reshape));
  Scratch scratch(reshape.workspace_bytes);
  RunContext context(in, out, scratch.span(), nullptr);
  LITHE_TRY(kernel_->run(object.get(), attributes_.data(), context));
  for (std::size_t o = 0; o < out.size(); ++o)
    if (results[o]) results[o]->shape = out[o].shape, results[o]->bytes.resize(out[o].bytes());
  return std::vector<ConstantPtr>(results.begin(), results.end());
}

namespace {

std::uint64_t work_of(const Node& node, const BoundNode& bound) {
  if (bound.outputs.empty()) return 0;
  std::vector<Shape> shapes;
  for (const auto& input : bound.inputs) shapes.push_back(input.tensor.shape);
  const auto transposed = node.attributes.find("transpose_a");
  return multiply_adds(
      node.op, shapes, bound.outputs[0].shape,
      transposed != node.attributes.end() && transposed->second.ints == std::vector<std::int64_t>{1});
}

}  // namespace

std::optional<std::vector<ConstantPtr>> evaluate(const Graph& graph, const Node& node,
                                                 const EvaluationLimits& limits) {
  if (!node.subgraphs.empty()) return std::nullopt;
  BoundNode bound(graph, node);
  if (!bound.status().ok()) return std::nullopt;
  const OpSpec& spec = *bound.kernel()->op->spec;
  if (spec.accuracy == Accuracy::random) return std::nullopt;
  if (spec.reads_shapes_only ? !bound.shapes_known() : !bound.constant()) return std::nullopt;
  if (!bound.infer(limits.result_bytes).ok()) return std::nullopt;
  std::uint64_t results = 0;
  for (const auto& o : bound.outputs)
    if (o.dtype != DType::none) results += static_cast<std::uint64_t>(o.shape.elements());
  if (std::max(work_of(node, bound), results) > limits.work) return std::nullopt;
  auto values = bound.run();
  if (!values.ok()) return std::nullopt;
  return *std::move(values);
}

namespace {

/// What `infer` says of an output when every dimension that is not fixed is `guess`.
std::optional<InferContext::Output> probe(const Graph& graph, const Node& node, std::size_t output,
                                          std::int64_t guess) {
  BoundNode bound(graph, node);
  for (std::size_t i = 0; i < bound.inputs.size(); ++i) {
    if (bound.shape_known[i]) continue;
    Dims dims = *graph.value(node.inputs[i]).dims;
    for (auto& d : dims)
      if (d < 0) d = guess;
    auto& tensor = bound.inputs[i].tensor;
    tensor = TensorView(nullptr, tensor.dtype, shape_of(dims), tensor.quantization);
  }
  if (!bound.infer(std::numeric_limits<std::uint64_t>::max()).ok()) return std::nullopt;
  return bound.outputs[output];
}

/// What an operator's rule says of an output while dimensions of its inputs are open.
struct Probed {
  Dims dims;                  ///< fixed where every guess, from 0 to a large one, gives the same, else -1
  std::vector<bool> follows;  ///< as large as the guess, whatever it is
  bool rank_varies = false;   ///< as that of a Squeeze without axes
};

/// 64 is wide enough for most windows, 1 fits what broadcasts, 0 tells what is cut from what is fixed, and
/// the last one is beyond any stride and most cuts.
constexpr std::int64_t guesses[] = {64, 1, 3, 0, 1 << 14};

std::optional<Probed> probe_dims(const Graph& graph, const Node& node, std::size_t output) {
  std::optional<Probed> result;
  int answers = 0;
  std::int64_t last = -1;
  for (const std::int64_t guess : guesses) {
    const auto answer = probe(graph, node, output, guess);
    if (!answer) continue;
    const auto dims = answer->shape.dims();
    if (!result) result = Probed{Dims(dims.begin(), dims.end()), std::vector<bool>(dims.size(), true)};
    result->rank_varies = result->rank_varies || dims.size() != result->dims.size();
    if (dims.size() != result->dims.size()) continue;
    ++answers, last = guess;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != result->dims[i] || answer->at_most) result->dims[i] = -1;
      if (dims[i] != guess) result->follows[i] = false;
    }
  }
  if (result && (answers == 1 || last != *std::rbegin(guesses))) result->dims.assign(result->dims.size(), -1);
  return result;
}

/// What follows from the inputs without any number being known: a permutation, or a shape of known length.
std::optional<Dims> symbolic_dims(const Graph& graph, const Node& node) {
  const auto dims = [&](std::size_t i) -> const std::optional<Dims>& {
    return graph.value(node.inputs[i]).dims;
  };
  const auto numbers = [&](std::size_t i) -> std::optional<std::size_t> {  // elements of a vector
    if (i >= node.inputs.size() || node.inputs[i] == absent || !dims(i) || dims(i)->size() != 1 ||
        (*dims(i))[0] < 0)
      return std::nullopt;
    return static_cast<std::size_t>((*dims(i))[0]);
  };
  if (node.op == "Transpose" && dims(0)) {
    Dims result(dims(0)->rbegin(), dims(0)->rend());
    const auto permutation = node.attributes.find("permutation");
    if (permutation == node.attributes.end()) return result;
    const auto& axes = permutation->second.ints;
    if (axes.size() != result.size()) return std::nullopt;
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (axes[i] < 0 || static_cast<std::size_t>(axes[i]) >= axes.size()) return std::nullopt;
      result[i] = (*dims(0))[static_cast<std::size_t>(axes[i])];
    }
    return result;
  }
  const bool reshape = node.op == "Reshape";
  if (reshape || node.op == "ConstantOfShape")
    if (const auto rank = numbers(reshape ? 1 : 0); rank && *rank <= max_rank) return Dims(*rank, -1);
  return std::nullopt;
}

/// Puts right what is said of a value by what its producer's rule says: fixed dimensions hold, symbols are
/// kept unless `symbols_known` and the rule contradicts them (ONNX's inference keeps the symbol of an axis
/// that Slice-10 cuts).
void correct(Dims& said, const Probed& probed, bool symbols_known) {
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (probed.dims[i] >= 0)
      said[i] = probed.dims[i];
    else if (said[i] < -1 && symbols_known && !probed.follows[i])
      said[i] = -1;
  }
}

/// Gives outputs what the dims of the inputs say while some are open, at least the rank.
void infer_open_dims(Graph& graph, const Node& node) {
  std::set<std::int64_t> symbols;
  std::size_t unknown = 0;
  for (ValueId id : node.inputs) {
    if (id == absent || graph.value(id).constant) continue;
    const auto& dims = graph.value(id).dims;
    if (!dims) return;
    for (const std::int64_t d : *dims) {
      if (d == -1) ++unknown;
      if (d < -1) symbols.insert(d);
    }
  }
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    if (node.outputs[o] == absent) continue;
    auto& known = graph.value(node.outputs[o]).dims;
    auto probed = probe_dims(graph, node, o);
    if (probed && symbols.size() + unknown > 1)  // they may differ, and a guess is one for all
      probed->dims.assign(probed->dims.size(), -1);
    const bool other_rank = known && probed && probed->dims.size() != known->size();
    if (!known || (other_rank && !probed->rank_varies)) {
      if (probed) known = probed->dims;
      if (auto exact = symbolic_dims(graph, node); exact && (!known || known->size() == exact->size()))
        known = std::move(exact);
    } else if (probed && !other_rank) {
      correct(*known, *probed, unknown == 0);
    }
  }
}

}  // namespace

Status infer_dims(Graph& graph, const Node& node) {
  BoundNode bound(graph, node);
  LITHE_TRY(bound.status());
  if (bound.kernel()->op->spec->subgraphs > 0) return {};
  if (!bound.shapes_known()) return infer_open_dims(graph, node), Status{};
  const Status status = bound.infer();
  if (status.code() == Code::needs_value) return infer_open_dims(graph, node), Status{};
  LITHE_TRY(status);
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    if (node.outputs[o] == absent) continue;
    const auto dims = bound.outputs[o].shape.dims();
    auto& known = graph.value(node.outputs[o]).dims;
    if (!bound.outputs[o].at_most)
      known.emplace(dims.begin(), dims.end());
    else if (!known)
      known.emplace(dims.size(), -1);
  }
  return {};
}

void infer_dims(Graph& graph) {
  for (const Node& node : graph.nodes) (void)infer_dims(graph, node).ok();
}

}  // namespace lithe::graph
