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
        core_(std::exchange(other.core_, nullptr)),
        own_weights_(std::exchange(other.own_weights_, nullptr)) {}
  Session& operator=(Session&& other) noexcept {
    std::swap(model_, other.model_), std::swap(options_, other.options_), std::swap(core_, other.core_);
    std::swap(own_weights_, other.own_weights_);
    return *this;
  }
  ~Session() {
    runtime::SessionCore::destroy(core_);
    if (own_weights_ != nullptr) options_.packed_weights_source.destroy(own_weights_);
  }

  int inputs() const { return static_cast<int>(core_->ports.inputs.size()); }
  int outputs() const { return static_cast<int>(core_->ports.outputs.size()); }
  std::string_view input_name(int i) const {
    return core_->name(core_->ports.inputs[static_cast<std::size_t>(i)]);
  }
  std::string_view output_name(int i) const {
    return core_->name(core_->ports.outputs[static_cast<std::size_t>(i)]);
  }
  int find_input(std::string_view name) const {
    return core_->find(core_->ports.inputs, name);
  }  ///< -1: no such input
  int find_output(std::string_view name) const {
    return core_->find(core_->ports.outputs, name);
  }  ///< -1: no such output

  /// Where to write an input before run(), and to read an output after it; of dtype none for an unknown name
  /// or while nothing is planned. Valid until resize(), bind(), or for outputs of data-dependent size the
  /// next run().
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
    if (!core_->planned)
      return {Code::invalid_argument,
              "nothing is planned yet: give the shapes and shape-deciding inputs to resize()"};
    return core_->run();
  }

  /// Plans for other input shapes; inputs that are not named keep theirs, as far as shared symbols allow.
  /// Inside the bounds planned so far nothing is allocated; beyond them everything is planned anew, keeping
  /// states and bindings. Errors: Code::invalid_argument for an unknown input, Code::shape for a fixed or
  /// out-of-bounds dimension or symbols that disagree, and what create() says. After an error the session is
  /// as it was.
  Status resize(std::span<const InputShape> shapes) {
    if (core_->planned)
      if (const runtime::Fit fit = core_->resize(shapes); !fit.replans()) return fit.status();
    return build(shapes, false);
  }
  Status resize(std::initializer_list<InputShape> shapes) {
    return resize(std::span<const InputShape>(shapes.begin(), shapes.size()));
  }
  Status resize(std::string_view input, const Shape& shape) { return resize({InputShape{input, shape}}); }

  /// Lets an input be read from, or an output be written to, the caller's memory: in place where `memory` has
  /// room for the tensor and 16 bytes more, else by a copy in run(). Null memory undoes it. It must outlive
  /// its use. Errors: Code::invalid_argument for an unknown name or memory smaller than the tensor.
  Status bind(std::string_view name, std::span<std::byte> memory) { return core_->bind(name, memory); }

  /// Sets all states to zero (quantized ones to their zero point).
  void reset_state() { core_->reset_state(); }
  /// Sees every node run; null for none.
  void observe(const RunObserver* observer) { core_->planning.observer = observer; }
  bool planned() const { return core_->planned; }

  /// The bill at this moment, exact to the byte.
  MemoryReport memory() const {
    MemoryReport m = core_->memory();
    const PackedWeights* weights =
        options_.packed_weights != nullptr ? options_.packed_weights : own_weights_;
    if (weights != nullptr && options_.packed_weights_source.bytes != nullptr)
      m.packed_weights = options_.packed_weights_source.bytes(weights);
    return m;
  }
  /// What tools may see of the plan (runtime/inspect.hpp): nodes, kernels, values, bytes.
  runtime::PlanView inspect() const { return runtime::PlanView(core_->plan, &core_->heap); }

 private:
  Session(const Model& model, const SessionOptions& options) : model_(&model), options_(options) {
    options_.shapes = {};
  }

  Status build(std::span<const InputShape> shapes, bool first) {
    if (options_.packed_weights == nullptr && own_weights_ == nullptr &&
        options_.packed_weights_source.create != nullptr)
      own_weights_ = options_.packed_weights_source.create();
    if (!options_.arena.empty() && core_ != nullptr) {
      if (core_->planned)
        return {Code::out_of_memory,
                "the new shapes need more than this session's arena was planned for: create it with the "
                "largest shapes"};
      runtime::SessionCore::destroy(std::exchange(core_, nullptr));
    }
    PackedWeights* weights = options_.packed_weights != nullptr ? options_.packed_weights : own_weights_;
    LITHE_ASSIGN_OR_RETURN(runtime::SessionCore* const fresh,
                           runtime::SessionCore::create(*model_, {&options_, weights, shapes, core_, first}));
    runtime::SessionCore::destroy(core_);
    core_ = fresh;
    return {};
  }

  const Model* model_;
  SessionOptions options_;
  runtime::SessionCore* core_ = nullptr;
  PackedWeights* own_weights_ = nullptr;
};

}  // namespace lithe::inline v0
