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
#include "lithe/runtime/execute.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/ports.hpp"
#include "lithe/runtime/state.hpp"

namespace lithe::inline v0 {

/// A plan of one signature of a model, its memory, and the means to run it. Belongs to one thread at a time;
/// the model, the kernels, the thread pool and shared packed weights must outlive it.
class Session {
 public:
  /// Verifies every node by its operator, chooses kernels, packs weights and plans the memory at the largest
  /// shapes. Symbols without an upper bound are planned at `options.shapes`, else at their opt or min; where
  /// that gives no valid shapes the first resize() plans. Errors: what an operator's infer refuses, with the
  /// node; Code::unsupported when no kernel of the list runs a node; Code::out_of_memory when the arena or
  /// max_bytes is too small; Code::invalid_argument for an unknown signature.
  static Result<Session> create(const Model& model, const SessionOptions& options) {
    Session session(model, options);
    LITHE_TRY(session.build(options.shapes, true));
    return session;
  }

  Session(Session&& other) noexcept
      : model_(other.model_),
        options_(other.options_),
        state_(std::exchange(other.state_, nullptr)),
        own_weights_(std::exchange(other.own_weights_, nullptr)) {}
  Session& operator=(Session&& other) noexcept {
    std::swap(model_, other.model_), std::swap(options_, other.options_), std::swap(state_, other.state_);
    std::swap(own_weights_, other.own_weights_);
    return *this;
  }
  ~Session() {
    runtime::State::destroy(state_);
    if (own_weights_ != nullptr) options_.packed_weights_source.destroy(own_weights_);
  }

  int inputs() const { return static_cast<int>(state_->inputs.size()); }
  int outputs() const { return static_cast<int>(state_->outputs.size()); }
  std::string_view input_name(int i) const {
    return state_->name(state_->inputs[static_cast<std::size_t>(i)]);
  }
  std::string_view output_name(int i) const {
    return state_->name(state_->outputs[static_cast<std::size_t>(i)]);
  }
  int find_input(std::string_view name) const {
    return state_->find(state_->inputs, name);
  }  ///< -1: no such input
  int find_output(std::string_view name) const {
    return state_->find(state_->outputs, name);
  }  ///< -1: no such output

  /// Where to write an input before run(), and to read an output after it; of dtype none for an unknown name
  /// or while nothing is planned. Valid until resize(), bind(), or for outputs of data-dependent size the
  /// next run().
  Tensor input(int i) {
    return state_->planned ? state_->tensor(state_->inputs[static_cast<std::size_t>(i)]) : Tensor();
  }
  TensorView output(int i) {
    return state_->planned ? TensorView(state_->tensor(state_->outputs[static_cast<std::size_t>(i)]))
                           : TensorView();
  }
  Tensor input(std::string_view name) { return find_input(name) < 0 ? Tensor() : input(find_input(name)); }
  TensorView output(std::string_view name) {
    return find_output(name) < 0 ? TensorView() : output(find_output(name));
  }
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

  /// Runs the plan; allocates nothing unless the session is growable.
  /// Errors: Code::out_of_range for an index in the data outside its tensor, Code::out_of_memory when a
  /// data-dependent size exceeds the plan, Code::stopped, Code::limit; with the node.
  Status run() {
    if (!state_->planned)
      return {Code::invalid_argument,
              "nothing is planned yet: give the shapes and shape-deciding inputs to resize()"};
    return state_->run();
  }

  /// Plans for other input shapes; inputs that are not named keep theirs, as far as shared symbols allow.
  /// Inside the bounds planned so far nothing is allocated; beyond them everything is planned anew, keeping
  /// states and bindings. Errors: Code::invalid_argument for an unknown input, Code::shape for a fixed or
  /// out-of-bounds dimension or symbols that disagree, and what create() says. After an error the session is
  /// as it was.
  Status resize(std::span<const InputShape> shapes) {
    if (state_->planned) {
      const Status status = state_->resize(shapes);
      if (status.ok() || !state_->context.rebuild) return status;
    }
    return build(shapes, false);
  }
  Status resize(std::initializer_list<InputShape> shapes) {
    return resize(std::span<const InputShape>(shapes.begin(), shapes.size()));
  }
  Status resize(std::string_view input, const Shape& shape) { return resize({InputShape{input, shape}}); }

  /// Lets an input be read from, or an output be written to, the caller's memory: in place where `memory` has
  /// room for the tensor and 16 bytes more, else by a copy in run(). Null memory undoes it. It must outlive
  /// its use. Errors: Code::invalid_argument for an unknown name or memory smaller than the tensor.
  Status bind(std::string_view name, std::span<std::byte> memory) { return state_->bind(name, memory); }

  /// Sets all states to zero (quantized ones to their zero point).
  void reset_state() { state_->reset_state(); }
  /// Sees every node run; null for none.
  void observe(const RunObserver* observer) { state_->context.observer = observer; }
  bool planned() const { return state_->planned; }

  /// The bill at this moment, exact to the byte.
  MemoryReport memory() const {
    MemoryReport m = state_->memory();
    const PackedWeights* weights =
        options_.packed_weights != nullptr ? options_.packed_weights : own_weights_;
    if (weights != nullptr && options_.packed_weights_source.bytes != nullptr)
      m.packed_weights = options_.packed_weights_source.bytes(weights);
    return m;
  }
  /// The plan itself, for tools: nodes, kernels, values. Not a stable interface.
  const runtime::GraphPlan& plan() const { return state_->graph; }
  /// The same for what the kernel library allocated.
  const OperatorHeap& operator_heap() const { return state_->heap; }

 private:
  Session(const Model& model, const SessionOptions& options) : model_(&model), options_(options) {
    options_.shapes = {};
  }

  Status build(std::span<const InputShape> shapes, bool first) {
    if (options_.packed_weights == nullptr && own_weights_ == nullptr &&
        options_.packed_weights_source.create != nullptr)
      own_weights_ = options_.packed_weights_source.create();
    if (!options_.arena.empty() && state_ != nullptr) {
      if (state_->planned)
        return {Code::out_of_memory,
                "the new shapes need more than this session's arena was planned for: create it with the "
                "largest shapes"};
      runtime::State::destroy(std::exchange(state_, nullptr));
    }
    PackedWeights* weights = options_.packed_weights != nullptr ? options_.packed_weights : own_weights_;
    runtime::State* fresh = nullptr;
    const Status status = runtime::State::create(*model_, options_, weights, shapes, state_, first, fresh);
    if (!status.ok()) return status;
    runtime::State::destroy(state_);
    state_ = fresh;
    return {};
  }

  const Model* model_;
  SessionOptions options_;
  runtime::State* state_ = nullptr;
  PackedWeights* own_weights_ = nullptr;
};

}  // namespace lithe::inline v0
