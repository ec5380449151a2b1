// SPDX-License-Identifier: Apache-2.0
#include "tests/support/op_run.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "lithe/core/align.hpp"

namespace lithe::test {
namespace {

/// 64-byte aligned, with the guard page as near after it as that allows.
struct Workspace {
  explicit Workspace(std::size_t size) : bytes(size), buffer(align_up(size, 64), emulator_slack) {}
  std::span<std::byte> span() const { return {buffer.data(), bytes}; }
  std::size_t bytes;
  GuardedBuffer buffer;
};

}  // namespace

InferResult infer_case(const Case& c) {
  std::vector<Quantization> quantizations(c.inputs.size() + c.output_dtypes.size());
  std::vector<InferContext::Input> inputs(c.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const StoredTensor& t = c.inputs[i];
    quantizations[i] = t.quantization.view();
    const bool known = t.present() && c.known[i];
    inputs[i] = {TensorView(known ? t.bytes.data() : nullptr, t.dtype, t.shape,
                            t.quantization.active() ? &quantizations[i] : nullptr),
                 known};
  }
  std::vector<InferContext::Output> outputs(c.output_dtypes.size());
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const TestQuantization* q = o < c.output_quantization.size() ? &c.output_quantization[o] : nullptr;
    outputs[o].dtype = c.output_dtypes[o];
    if (q != nullptr && q->active()) {
      quantizations[inputs.size() + o] = q->view();
      outputs[o].quantization = &quantizations[inputs.size() + o];
    }
  }
  InferContext context(inputs, outputs, c.max_bytes, c.subgraphs);
  InferResult result{c.op->infer(c.attributes, context), {}, {}};
  for (const auto& o : outputs) {
    if (result.status.ok() && o.dtype != DType::none && o.extent == Extent::unknown)
      result.status = {Code::kernel, "infer left an output without a shape"};
    result.shapes.push_back(o.shape);
    result.at_most.push_back(o.extent == Extent::at_most);
  }
  return result;
}

NodeRun::NodeRun(const Case& c, const KernelEntry& entry, const Cpu& cpu, const InferResult& inferred,
                 const Variation& how)
    : case_(c), entry_(entry), how_(how), kernel_(new (std::align_val_t{64}) std::byte[entry.bytes]) {
  const std::size_t n = c.inputs.size(), m = c.output_dtypes.size();
  quantizations_.resize(n + m);
  input_infos_.resize(n);
  output_infos_.resize(m);
  for (std::size_t i = 0; i < n; ++i) {
    const StoredTensor& t = c.inputs[i];
    const Quantization* q = t.quantization.active() ? &(quantizations_[i] = t.quantization.view()) : nullptr;
    const bool constant = how.constants && c.constant[i];
    constants_.emplace_back(t.bytes, read_slack);
    input_infos_[i] = {t.dtype, t.shape, constant ? constants_[i].data() : nullptr, q,
                       constant ? static_cast<std::int32_t>(i) : -1};
  }
  for (std::size_t o = 0; o < m; ++o) {
    const TestQuantization* test = o < c.output_quantization.size() ? &c.output_quantization[o] : nullptr;
    const Quantization* q =
        test != nullptr && test->active() ? &(quantizations_[n + o] = test->view()) : nullptr;
    output_infos_[o] = {c.output_dtypes[o], inferred.shapes[o], nullptr, q, -1};
  }
  node_ = {input_infos_, output_infos_, &cpu};
  entry.construct(kernel_.get());
}

RunResult NodeRun::run() {
  CreateContext create;
  create.node = node_;
  create.threads = &how_.threads;
  RunResult result{entry_.create(kernel_.get(), case_.attributes, create), {}, true};
  for (std::size_t o = 0; o < output_infos_.size(); ++o)
    result.outputs.push_back(output_infos_[o].present()
                                 ? StoredTensor(output_infos_[o].dtype, output_infos_[o].shape,
                                                o < case_.output_quantization.size()
                                                    ? case_.output_quantization[o]
                                                    : TestQuantization{})
                                 : StoredTensor());
  if (!result.status.ok()) return result;
  if (how_.strip_rows == 0) {
    result.status = run_part(nullptr, 0, case_.inputs, result.outputs, result.intact);
    return result;
  }
  const index_t rows = output_infos_[0].shape[1];
  for (index_t first = 0; first < rows && result.status.ok(); first += how_.strip_rows)
    result.status = run_strip(first, result);
  return result;
}

void NodeRun::copy_rows(StoredTensor& window, StoredTensor& whole, index_t first, bool into_window) {
  const auto row =
      lithe::bytes(whole.dtype, static_cast<std::uint64_t>(whole.shape.product(2, whole.shape.rank())));
  for (index_t n = 0; n < whole.shape[0]; ++n)
    for (index_t r = 0; r < window.shape[1]; ++r) {
      std::byte* inside = window.bytes.data() + static_cast<std::uint64_t>(n * window.shape[1] + r) * row;
      std::byte* outside =
          whole.bytes.data() + static_cast<std::uint64_t>(n * whole.shape[1] + first + r) * row;
      if (row != 0) into_window ? std::memcpy(inside, outside, row) : std::memcpy(outside, inside, row);
    }
}

NodeRun::Part NodeRun::part_at(index_t first) const {
  const index_t all = output_infos_[0].shape[1], count = std::min(how_.strip_rows, all - first);
  Part part{{first, count, 0, 0}, first == 0 ? 0 : first + count == all ? 2 : 1, {}};
  part.rows.resize(case_.inputs.size());
  for (std::size_t i = 0; i < case_.inputs.size(); ++i) {
    if (!case_.inputs[i].present()) continue;
    const RowSpan need = case_.op->rows(case_.attributes, node_, static_cast<int>(i), {first, count});
    if (need.count == 0) continue;
    const index_t height = case_.inputs[i].shape[1], begin = std::clamp<index_t>(need.first, 0, height);
    const index_t end = std::clamp<index_t>(need.first + need.count, begin, height);
    part.rows[i] = RowSpan{begin, end - begin};
    if (i != 0) continue;
    part.strip.pad_top = std::max<index_t>(0, -need.first);
    part.strip.pad_bottom = std::max<index_t>(0, need.first + need.count - height);
  }
  return part;
}

Shape NodeRun::with_rows(Shape shape, index_t count) {
  shape[1] = count;
  return shape;
}

Status NodeRun::run_strip(index_t first, RunResult& result) {
  const Part part = part_at(first);
  std::vector<StoredTensor> inputs = case_.inputs, outputs = result.outputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!part.rows[i]) continue;
    StoredTensor window(inputs[i].dtype, with_rows(inputs[i].shape, part.rows[i]->count),
                        inputs[i].quantization);
    copy_rows(window, inputs[i], part.rows[i]->first, true);
    inputs[i] = std::move(window);
  }
  for (StoredTensor& output : outputs)
    output = StoredTensor(output.dtype, with_rows(output.shape, part.strip.count), output.quantization);
  LITHE_TRY(run_part(&part.strip, part.slot, inputs, outputs, result.intact));
  for (std::size_t o = 0; o < outputs.size(); ++o) copy_rows(outputs[o], result.outputs[o], first, false);
  return {};
}

Status NodeRun::reshape_also(const Part& part) {
  std::vector<TensorView> inputs, outputs;
  for (std::size_t i = 0; i < case_.inputs.size(); ++i) {
    const StoredTensor& whole = case_.inputs[i];
    inputs.emplace_back(nullptr, whole.dtype,
                        part.rows[i] ? with_rows(whole.shape, part.rows[i]->count) : whole.shape,
                        input_infos_[i].quantization);
  }
  for (const ValueInfo& whole : output_infos_)
    outputs.emplace_back(nullptr, whole.dtype, with_rows(whole.shape, part.strip.count), whole.quantization);
  ReshapeContext reshape{node_, inputs, outputs, &part.strip, part.slot, &how_.threads, 0};
  return entry_.reshape(kernel_.get(), case_.attributes, reshape);
}

std::size_t NodeRun::row_bytes(const StoredTensor& t, index_t elements) {
  return lithe::bytes(t.dtype, static_cast<std::uint64_t>(elements));
}

std::size_t NodeRun::placed_bytes(const StoredTensor& t, index_t gap) {
  if (gap == 0 || t.shape.elements() == 0) return t.bytes.size();
  return row_bytes(t, (t.shape.back() + gap) * (t.shape.rows() - 1) + t.shape.back());
}

NodeRun::Placed NodeRun::place(const StoredTensor& t, index_t gap, std::size_t slack, const Quantization* q) {
  Placed placed{GuardedBuffer(placed_bytes(t, gap), slack), {}};
  placed.view = TensorView(placed.buffer.data(), t.dtype, t.shape, q);
  placed.view.pitch += gap;
  const std::size_t row = row_bytes(t, t.shape.back());
  if (gap == 0 && !t.bytes.empty()) std::memcpy(placed.buffer.data(), t.bytes.data(), t.bytes.size());
  for (index_t r = 0; gap != 0 && row != 0 && r < t.shape.rows(); ++r)
    std::memcpy(placed.buffer.data() + static_cast<std::size_t>(r) * row_bytes(t, t.shape.back() + gap),
                t.bytes.data() + static_cast<std::size_t>(r) * row, row);
  return placed;
}

bool NodeRun::collect(const Tensor& view, index_t gap, StoredTensor& into) {
  into = StoredTensor(view.dtype, view.shape, std::move(into.quantization));
  const auto* data = static_cast<const std::byte*>(view.data);
  if (into.bytes.empty()) return true;
  if (gap == 0) {
    if (!into.bytes.empty()) std::memcpy(into.bytes.data(), data, into.bytes.size());
    return true;
  }
  const std::size_t row = row_bytes(into, view.shape.back()),
                    pitch = row_bytes(into, view.shape.back() + gap);
  bool untouched = true;
  for (index_t r = 0; r < view.shape.rows(); ++r) {
    std::memcpy(into.bytes.data() + static_cast<std::size_t>(r) * row,
                data + static_cast<std::size_t>(r) * pitch, row);
    for (std::size_t k = row; k < pitch && r + 1 < view.shape.rows(); ++k)
      untouched &= data[static_cast<std::size_t>(r) * pitch + k] == std::byte{0xFF};
  }
  return untouched;
}

Status NodeRun::run_part(const Strip* strip, int slot, const std::vector<StoredTensor>& inputs,
                         std::vector<StoredTensor>& outputs, bool& intact) {
  std::vector<Placed> in, out;
  std::vector<TensorView> input_views, output_shapes;
  std::vector<Tensor> output_tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool whole = strip == nullptr || inputs[i].shape == case_.inputs[i].shape;
    in.push_back(place(inputs[i], inputs[i].present() && !input_infos_[i].constant() ? how_.input_gap : 0,
                       how_.slack ? read_slack : 0, input_infos_[i].quantization));
    input_views.push_back(in[i].view);
    if (whole && input_infos_[i].constant()) input_views[i].data = constants_[i].data();
    if (entry_.packed_inputs >> i & 1u && input_infos_[i].constant()) input_views[i].data = nullptr;
  }
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    StoredTensor blank = outputs[o];
    std::fill(blank.bytes.begin(), blank.bytes.end(), std::byte{0xFF});
    // Kernels that compute in two passes read what the first one wrote.
    out.push_back(place(blank, outputs[o].present() ? how_.output_gap : 0, how_.slack ? read_slack : 0,
                        output_infos_[o].quantization));
    Tensor tensor(out[o].buffer.data(), outputs[o].dtype, outputs[o].shape, output_infos_[o].quantization);
    tensor.pitch = out[o].view.pitch;
    if (o == 0 && how_.in_place >= 0) tensor.data = in[static_cast<std::size_t>(how_.in_place)].buffer.data();
    output_tensors.push_back(tensor);
    output_shapes.push_back(tensor);
  }
  std::vector<TensorView> input_shapes = input_views;
  for (TensorView& view : input_shapes) view.data = nullptr;
  for (TensorView& view : output_shapes) view.data = nullptr;
  ReshapeContext reshape{node_, input_shapes, output_shapes, strip, slot, &how_.threads, 0};
  LITHE_TRY(entry_.reshape(kernel_.get(), case_.attributes, reshape));
  const index_t other = strip == nullptr || strip->first != 0 ? 0 : how_.strip_rows;
  if (strip != nullptr && how_.strip_rows < output_infos_[0].shape[1])
    LITHE_TRY(reshape_also(part_at(other)));
  Workspace workspace(reshape.workspace_bytes);
  RunContext run(input_views, output_tensors, workspace.span(), &how_.threads, case_.services, strip, slot);
  LITHE_TRY(entry_.run(kernel_.get(), case_.attributes, run));
  intact = intact && workspace.buffer.intact();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool overwritten = how_.in_place == static_cast<int>(i);
    if (!in[i].buffer.intact() || (!overwritten && !unchanged(in[i], inputs[i]))) intact = false;
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (!outputs[o].present()) continue;
    if (!output_tensors[o].shape.valid() || placed_bytes({outputs[o].dtype, output_tensors[o].shape},
                                                         how_.output_gap) > out[o].buffer.bytes().size())
      if (case_.services == nullptr) return {Code::kernel, "an output became larger than infer announced"};
    intact = collect(output_tensors[o], how_.output_gap, outputs[o]) && out[o].buffer.intact() && intact;
  }
  return {};
}

bool NodeRun::unchanged(const Placed& placed, const StoredTensor& original) const {
  if (!original.present()) return true;
  const Placed fresh = place(original, placed.view.pitch - original.shape.back(), 0, nullptr);
  return placed.buffer.bytes().empty() ||
         std::memcmp(placed.buffer.data(), fresh.buffer.data(), placed.buffer.bytes().size()) == 0;
}

}  // namespace lithe::test
