// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/inspect.hpp"
#include "lithe/runtime/observer.hpp"
#include "lithe/runtime/options.hpp"
#include "lithe/runtime/session_core.hpp"

namespace lithe::inline v0 {

/// A plan of one signature of a model, and the memory to run it. A session belongs to one thread at a time.
/// The model must outlive it, and so must everything that its SessionOptions point to (runtime/options.hpp
/// says which). A session that was moved from may only be destroyed or assigned to.
class Session {
 public:
  /// Verifies every node by its operator, chooses kernels, packs weights and plans the memory at the largest
  /// shapes. Symbols without an upper bound are planned at `options.shapes`, else at their opt or min. If
  /// that gives no valid shapes, or a host input has no contents yet, the session is not planned() and the
  /// first resize() plans it. Errors: what an operator's infer refuses, with the node; Code::unsupported if
  /// no kernel of the list runs a node; Code::out_of_memory if the arena or max_bytes is too small;
  /// Code::invalid_argument for an unknown signature, or a chain that is none.
  static Result<Session> create(const Model& model, const SessionOptions& options) {
    Session session(model, options);
    LITHE_TRY(session.build(options.shapes, true));
    return session;
  }

  Session(Session&& other) noexcept
      : model_(other.model_),
        options_(other.options_),
        core_(std::exchange(other.core_, nullptr)),
        own_weights_(std::exchange(other.own_weights_, nullptr)) {}
  Session& operator=(Session&& other) noexcept {
    std::swap(model_, other.model_);
    std::swap(options_, other.options_);
    std::swap(core_, other.core_);
    std::swap(own_weights_, other.own_weights_);
    return *this;
  }
  ~Session() {
    runtime::SessionCore::destroy(core_);
    if (own_weights_ != nullptr) options_.packed_weights_source.destroy(own_weights_);
  }

  /// Inputs and outputs in the signature's order; `i` must be below inputs() or outputs(). Names live as long
  /// as the model.
  int inputs() const { return static_cast<int>(core_->ports.inputs.size()); }
  int outputs() const { return static_cast<int>(core_->ports.outputs.size()); }
  std::string_view input_name(int i) const {
    return core_->name(core_->ports.inputs[static_cast<std::size_t>(i)]);
  }
  std::string_view output_name(int i) const {
    return core_->name(core_->ports.outputs[static_cast<std::size_t>(i)]);
  }
  /// The index of the input or output of this name, or -1.
  int find_input(std::string_view name) const { return core_->find(core_->ports.inputs, name); }
  int find_output(std::string_view name) const { return core_->find(core_->ports.outputs, name); }

  /// Where to write an input before run(), and to read an output after it, in the model's own dtype. Inputs
  /// are aligned to 64 bytes unless bound, outputs at least to their element type. A tensor of dtype none
  /// answers an unknown name, a session that is not planned(), and bound memory that is too small. Valid
  /// until resize() or bind(), and an output whose size the data decides until the next run(). An input keeps
  /// its contents from run to run.
  Tensor input(int i) {
    return core_->planned ? core_->tensor(core_->ports.inputs[static_cast<std::size_t>(i)]) : Tensor();
  }
  TensorView output(int i) {
    return core_->planned ? TensorView(core_->tensor(core_->ports.outputs[static_cast<std::size_t>(i)]))
                          : TensorView();
  }
  Tensor input(std::string_view name) { return find_input(name) < 0 ? Tensor() : input(find_input(name)); }
  TensorView output(std::string_view name) {
    return find_output(name) < 0 ? TensorView() : output(find_output(name));
  }
  /// The elements; empty for an unknown name and for another dtype than T.
  template <Element T>
  std::span<T> input(std::string_view name) {
    const Tensor t = input(name);
    return t.dtype == dtype_of<T> ? t.as<T>() : std::span<T>();
  }
  template <Element T>
  std::span<const T> output(std::string_view name) {
    const TensorView t = output(name);
    return t.dtype == dtype_of<T> ? t.as<T>() : std::span<const T>();
  }

  /// Runs the plan on the inputs, and keeps states for the next run. Allocates nothing unless the session is
  /// growable. Errors, with the node: Code::out_of_range for an index in the data outside of its tensor;
  /// Code::out_of_memory if a size that the data decides exceeds the plan; Code::stopped; Code::limit.
  /// Code::invalid_argument if the session is not planned(), or bound memory is too small. After an error,
  /// outputs hold nothing of use.
  Status run() {
    if (!core_->planned)
      return {Code::invalid_argument,
              "nothing is planned yet: give the shapes and shape-deciding inputs to resize()"};
    return core_->run();
  }

  /// Plans for other input shapes. Inputs that are not named keep theirs, as far as shared symbols allow.
  /// Inside the bounds planned so far nothing is allocated; beyond them the session plans again from the
  /// beginning, which keeps bindings, states whose shapes are the same, and the observer. `shapes` is
  /// read during the call alone. Errors: Code::invalid_argument for an unknown input; Code::shape for another
  /// rank, another size of a fixed dimension, a size out of bounds, or symbols that disagree;
  /// Code::needs_value for a host input whose contents are missing; Code::out_of_memory beyond the bounds if
  /// the arena is the caller's; what create() says. After an error the session is as it was.
  Status resize(std::span<const InputShape> shapes) {
    if (core_->planned)
      if (const runtime::Fit fit = core_->resize(shapes); !fit.replans()) return fit.status();
    return options_.arena.empty() ? build(shapes, false) : build_in_place(shapes);
  }
  Status resize(std::initializer_list<InputShape> shapes) {
    return resize(std::span<const InputShape>(shapes.begin(), shapes.size()));
  }
  Status resize(std::string_view input, const Shape& shape) { return resize({InputShape{input, shape}}); }

  /// Lets an input be read from, or an output be written to, the caller's memory. It is used in place if it
  /// has 16 bytes more than the tensor, which may be read and hold anything; else run() copies, and so it
  /// does for half precision that is computed in f32, and for an output that shares storage. The memory must
  /// be aligned to the tensor's element type (64 bytes are fastest), must not overlap other tensors of the
  /// session, and must stay until it is unbound, also across resize(). An empty span with null data undoes
  /// it. If an input and an output have one name, the input is meant. A state's input may be bound too: the
  /// state lives there. Errors: Code::invalid_argument for an unknown name, or if the memory is smaller than
  /// the tensor, or while a session in the caller's arena is not planned().
  Status bind(std::string_view name, std::span<std::byte> memory) {
    if (!options_.arena.empty() && !core_->planned)
      return {Code::invalid_argument, "nothing is planned yet: bind after resize() gave the shapes"};
    return core_->bind(name, memory);
  }

  /// Sets all states to zero, quantized ones to their zero point; does nothing while not planned().
  void reset_state() { core_->reset_state(); }
  /// Calls the observer before and after every node of a run; null for none. It must outlive the session or
  /// the next observe().
  void observe(const RunObserver* observer) { core_->planning.observer = observer; }
  /// False until the first resize() if create() could not know the shapes.
  bool planned() const { return core_->planned; }

  /// The bill at this moment, exact to the byte.
  MemoryReport memory() const {
    MemoryReport m = core_->memory();
    if (weights() != nullptr && options_.packed_weights_source.bytes != nullptr)
      m.packed_weights = options_.packed_weights_source.bytes(weights());
    return m;
  }
  /// What tools may see of the plan (runtime/inspect.hpp): nodes, kernels, values, bytes. Valid until
  /// resize().
  runtime::PlanView inspect() const { return runtime::PlanView(core_->plan, &core_->heap); }

 private:
  Session(const Model& model, const SessionOptions& options) : model_(&model), options_(options) {
    options_.shapes = {};
  }

  PackedWeights* weights() const {
    return options_.packed_weights != nullptr ? options_.packed_weights : own_weights_;
  }

  Status build(std::span<const InputShape> shapes, bool first) {
    if (options_.packed_weights == nullptr && own_weights_ == nullptr &&
        options_.packed_weights_source.create != nullptr)
      own_weights_ = options_.packed_weights_source.create();
    LITHE_ASSIGN_OR_RETURN(
        runtime::SessionCore* const fresh,
        runtime::SessionCore::create(*model_, {&options_, weights(), shapes, core_, first}));
    runtime::SessionCore::destroy(core_);
    core_ = fresh;
    return {};
  }

  /// The caller's arena holds one plan: a session that waits for its shapes makes room, and waits again after an
  /// error.
  Status build_in_place(std::span<const InputShape> shapes) {
    if (core_->planned)
      return {Code::out_of_memory,
              "the new shapes need more than this session's arena was planned for: create it with the "
              "largest shapes"};
    const RunObserver* const observer = core_->planning.observer;
    runtime::SessionCore::destroy(std::exchange(core_, nullptr));
    auto fresh = runtime::SessionCore::create(*model_, {&options_, weights(), shapes, nullptr, false});
    const Status status = fresh.status();
    if (!status.ok())
      fresh = runtime::SessionCore::create(*model_, {&options_, weights(), {}, nullptr, true});
    LITHE_TRY(fresh.status());
    core_ = *fresh;
    core_->planning.observer = observer;
    return status;
  }

  const Model* model_;
  SessionOptions options_;
  runtime::SessionCore* core_ = nullptr;
  PackedWeights* own_weights_ = nullptr;
};

}  // namespace lithe::inline v0
