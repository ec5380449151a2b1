// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/bound_node.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "lithe/core/check_node.hpp"
#include "tools/graph/operators.hpp"

namespace lithe::graph {

namespace {

std::vector<ValueInfo> value_infos(const std::vector<InferContext::Input>& inputs) {
  std::vector<ValueInfo> infos;
  for (const auto& i : inputs)
    infos.push_back(
        {i.tensor.dtype, i.tensor.shape, i.known ? i.tensor.data : nullptr, i.tensor.quantization});
  return infos;
}
std::vector<ValueInfo> value_infos(const std::vector<InferContext::Output>& outputs) {
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

/// Bytes that are aligned to 64.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t bytes) : blocks_(bytes / sizeof(Block) + 1), bytes_(bytes) {}
  std::span<std::byte> span() { return std::as_writable_bytes(std::span(blocks_)).first(bytes_); }

 private:
  struct alignas(64) Block {
    std::array<std::byte, 64> bytes;
  };
  std::vector<Block> blocks_;
  std::size_t bytes_;
};

}  // namespace

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
        input.tensor = TensorView(nullptr, v.dtype, Shape(std::span<const std::int64_t>(*v.dims)));
      input.tensor.dtype = v.dtype;
      input.tensor.quantization = keep(v.quantization);
      input.known = v.constant != nullptr;
    }
    inputs.push_back(input);
    shape_known.push_back(known_shape);
  }
  for (ValueId id : node.outputs) {
    InferContext::Output output;
    if (id != absent) {
      output.dtype = graph.value(id).dtype;
      output.quantization = keep(graph.value(id).quantization);
    }
    outputs.push_back(output);
  }
  status_ = kernel_ == nullptr ? Status{Code::unsupported, "no such operator in this build"} : check(node);
  if (status_.ok()) status_ = attributes_.parse(*kernel_->op, node);
}

const Quantization* BoundNode::keep(const std::optional<ValueQuantization>& q) {
  return q ? &quantizations_.emplace_back(quantization_view(*q)) : nullptr;
}

Status BoundNode::check(const Node& node) const {
  return check_node(
      *kernel_->op->spec, {kernel_, 1}, inputs.size(),
      [this](std::size_t i) { return inputs[i].tensor.dtype; }, outputs.size(),
      [this](std::size_t o) { return outputs[o].dtype; }, node.subgraphs.size());
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
  for (auto& o : outputs) o.extent = Extent::unknown;
  InferContext context(inputs, outputs, max_bytes);
  LITHE_TRY(kernel_->op->infer(attributes_.get(), context));
  for (const auto& o : outputs)
    if (o.dtype != DType::none && o.extent == Extent::unknown)
      return {Code::unsupported, "the operator did not infer an output"};
  return {};
}

std::uint64_t BoundNode::multiply_adds() const {
  const auto count = facts_of(*kernel_->op->spec).multiply_adds;
  if (count == nullptr) return 0;
  const std::vector<ValueInfo> input_infos = value_infos(inputs), output_infos = value_infos(outputs);
  return count(attributes_.get(), {input_infos, output_infos});
}

Result<std::vector<ConstantPtr>> BoundNode::run() {
  static const Cpu cpu{};
  const std::vector<ValueInfo> input_infos = value_infos(inputs), output_infos = value_infos(outputs);
  const NodeInfo info{input_infos, output_infos, &cpu};
  if (!kernel_->supports(attributes_.get(), info))
    return Status{Code::unsupported, "the portable kernel does not take this node"};
  KernelObject object(*kernel_);
  CreateContext create{.node = info};
  LITHE_TRY(kernel_->create(object.get(), attributes_.get(), create));

  std::vector<TensorView> in;
  for (const auto& i : inputs) in.push_back(i.tensor);
  std::vector<std::shared_ptr<Constant>> results;
  std::vector<Tensor> out;
  std::vector<TensorView> out_views;
  for (const auto& o : outputs) {
    auto& result = results.emplace_back(o.dtype == DType::none ? nullptr : std::make_shared<Constant>());
    if (result) {
      result->dtype = o.dtype;
      result->bytes.resize(Tensor(nullptr, o.dtype, o.shape).bytes());
    }
    out.push_back(result ? Tensor(result->bytes.data(), o.dtype, o.shape, o.quantization) : Tensor{});
    out_views.emplace_back(out.back());
    out_views.back().data = nullptr;
  }
  ReshapeContext reshape{.node = info, .inputs = in, .outputs = out_views};
  LITHE_TRY(kernel_->reshape(object.get(), attributes_.get(), reshape));
  AlignedBytes scratch(reshape.workspace_bytes);
  RunContext context(in, out, scratch.span(), nullptr);
  LITHE_TRY(kernel_->run(object.get(), attributes_.get(), context));
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (!results[o]) continue;
    results[o]->shape = out[o].shape;
    results[o]->bytes.resize(out[o].bytes());
  }
  return std::vector<ConstantPtr>(results.begin(), results.end());
}

}  // namespace lithe::graph
