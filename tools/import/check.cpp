// SPDX-License-Identifier: Apache-2.0
#include "tools/import/check.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "lithe/session.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/reopen.hpp"
#include "tools/graph/writer.hpp"
#include "tools/import/difference.hpp"
#include "tools/import/import_model.hpp"
#include "tools/import/rounded.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/error.hpp"

namespace lithe::import {

namespace {

enum class Contents { zero, random, large };
const char* name(Contents c) {
  return c == Contents::zero ? "zero" : c == Contents::random ? "random" : "large";
}

constexpr float largest = 100;                   ///< of large inputs
constexpr float rounding_error = 0x1p-18f;       ///< of an f32 layer's sums, relative to its largest value
constexpr float few_ulps = 0x1p-20f;             ///< of an f32 element, relative to it
constexpr float half_rounding_error = 0x1p-11f;  ///< of a number stored as f16, relative to it

using Buffer = std::vector<std::byte>;

template <class T>
void put(Buffer& buffer, std::size_t i, T value) {
  std::memcpy(buffer.data() + i * sizeof(T), &value, sizeof(T));
}

/// Integers stay small in `random` (they are often indices) and take the whole range of 8 bits.
Buffer make_contents(DType dtype, const Shape& shape, Contents contents, Random& random) {
  const auto count = static_cast<std::size_t>(shape.elements());
  Buffer buffer(static_cast<std::size_t>(bytes(dtype, count)));
  if (contents == Contents::zero) return buffer;
  const float factor = contents == Contents::random ? 1.0f : dtype == DType::f16 ? 10.0f : largest;
  for (std::size_t i = 0; i < count; ++i) {
    const float v = random.uniform() * factor;
    const auto small = static_cast<std::int64_t>(random.bits() % (contents == Contents::random ? 10 : 100));
    switch (dtype) {
      case DType::f32:
        put(buffer, i, v);
        break;
      case DType::f64:
        put(buffer, i, static_cast<double>(v));
        break;
      case DType::f16:
        put(buffer, i, half(v));
        break;
      case DType::bf16:
        put(buffer, i, bfloat16(v));
        break;
      case DType::boolean:
        put(buffer, i, static_cast<std::uint8_t>(small & 1));
        break;
      case DType::s8:
      case DType::u8:
        put(buffer, i, static_cast<std::uint8_t>(random.bits() >> 8));
        break;
      case DType::s16:
      case DType::u16:
        put(buffer, i, static_cast<std::uint16_t>(small));
        break;
      case DType::s32:
      case DType::u32:
        put(buffer, i, static_cast<std::uint32_t>(small));
        break;
      case DType::s64:
      case DType::u64:
        put(buffer, i, small);
        break;
      default:
        buffer[static_cast<std::size_t>(bytes(dtype, i))] = static_cast<std::byte>(random.bits() & 0x33);
        break;
    }
  }
  return buffer;
}

/// Contents for a shape-deciding input, of which nothing is known: a few that operators usually take.
Buffer make_host_contents(DType dtype, const Shape& shape, int attempt) {
  const auto count = static_cast<std::size_t>(shape.elements());
  Buffer buffer(static_cast<std::size_t>(bytes(dtype, count)));
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t v = attempt == 0 ? (i == 0 ? -1 : 1) : attempt == 1 ? 1 : attempt == 2 ? 0 : 2;
    if (dtype == DType::s64 || dtype == DType::u64)
      put(buffer, i, v);
    else if (dtype == DType::s32 || dtype == DType::u32)
      put(buffer, i, static_cast<std::int32_t>(v));
    else if (dtype == DType::f32)
      put(buffer, i, v < 0 ? 1.0f : static_cast<float>(v));
    else if (element_bytes(dtype) == 1)
      put(buffer, i, static_cast<std::int8_t>(v));
  }
  return buffer;
}
constexpr int host_attempts = 4;

/// One side of the comparison.
class Side {
 public:
  Side(const graph::Model& model, std::span<const std::byte> file, SessionOptions options)
      : graph_(model), options_(options), model_(graph::reopen(file)) {
    options_.growable = true;
  }

  Status resize(std::span<const InputShape> shapes) {
    if (!session_) {
      options_.shapes = shapes;
      auto created = Session::create(model_, options_);
      options_.shapes = {};
      if (!created.ok()) return created.status();
      session_.emplace(*std::move(created));
    }
    return session_->resize(shapes);
  }
  Status run(std::span<const Buffer> inputs, const std::vector<bool>& skip) {
    for (int i = 0; i < session_->inputs(); ++i) {
      const Tensor t = session_->input(i);
      const Buffer& from = inputs[static_cast<std::size_t>(i)];
      if (!skip[static_cast<std::size_t>(i)] && t.data != nullptr && !from.empty())
        std::memcpy(t.data, from.data(), std::min(from.size(), t.bytes()));
    }
    return session_->run();
  }
  Session& session() { return *session_; }
  std::string explain(const Status& status) const { return graph::describe(status, graph_); }

 private:
  const graph::Model& graph_;
  SessionOptions options_;
  Model model_;
  std::optional<Session> session_;
};

/// Multiply-adds of a run at the current shapes; subgraphs count nothing.
std::uint64_t multiply_adds(const Session& session) {
  std::uint64_t sum = 0;
  for (const auto& node : session.plan().nodes) sum += graph::multiply_adds(node);
  return sum;
}

/// Whether something that a node makes is empty at the current shapes, as behind a window that does not fit.
bool has_empty_values(const Session& session) {
  for (const auto& node : session.plan().nodes)
    for (const Tensor& output : node.outputs)
      if (output.elements() == 0) return true;
  return false;
}

/// A size for each symbol of the model.
using Sizes = std::vector<std::uint64_t>;

std::vector<Sizes> settings(const graph::Model& model) {
  std::vector<Sizes> all;
  auto add = [&](auto pick) {
    Sizes sizes;
    for (const graph::Symbol& s : model.symbols) sizes.push_back(pick(s));
    if (std::find(all.begin(), all.end(), sizes) == all.end()) all.push_back(std::move(sizes));
  };
  auto at = [&](std::uint64_t unbounded) {
    return [=](const graph::Symbol& s) { return std::max(unbounded, s.min); };
  };
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(1)(s) : s.min; });
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(2)(s) : s.opt != 0 ? s.opt : s.min; });
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(7)(s) : s.max; });
  return all;
}

/// Whether all sizes are what the user asked for.
bool has_bounds(const graph::Model& model) {
  return std::all_of(model.symbols.begin(), model.symbols.end(), [](const auto& s) { return s.max != 0; });
}

/// For models that take none of the small sizes (windows larger than 7): sizes to try until one runs.
std::vector<Sizes> larger_settings(const graph::Model& model) {
  std::vector<Sizes> all;
  const bool bounded = has_bounds(model);
  for (std::uint64_t size : {16, 32, 64, 128, 256, 512}) {
    Sizes sizes;
    for (const graph::Symbol& s : model.symbols)
      sizes.push_back(s.max != 0 ? std::clamp(size, s.min, s.max) : std::max(size, s.min));
    if (!bounded) all.push_back(std::move(sizes));
  }
  return all;
}

std::string describe(const graph::Model& model, const Sizes& sizes) {
  std::string text;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    text += (text.empty() ? "" : ", ") + model.symbols[i].name + "=" + std::to_string(sizes[i]);
  return text;
}

/// Where an optimized output carries a scale, both sides are compared in real units.
std::optional<Quantization> quantization_of(const graph::Value& value) {
  if (!value.quantization) return std::nullopt;
  const graph::ValueQuantization& q = *value.quantization;
  Quantization result;
  result.scale = q.scale->bytes.data(), result.scale_dtype = q.scale->dtype;
  result.count = q.scale->shape.elements(), result.axis = q.axis, result.block = q.block;
  if (q.zero_point)
    result.zero_point = q.zero_point->bytes.data(), result.zero_point_dtype = q.zero_point->dtype;
  return result;
}

/// What a step of quantization is on an input: the scale of the QuantizeLinear that reads it; 1 for integers;
/// 0 where there is none.
double input_step(const graph::Graph& g, graph::ValueId input) {
  if (is_integer(g.value(input).dtype)) return bits(g.value(input).dtype) == 8 ? 1 : 0;
  for (const graph::Node& node : g.nodes) {
    if (node.op != "QuantizeLinear" || node.inputs.size() < 2 || node.inputs[0] != input) continue;
    const graph::Constant* scale = g.constant(node.inputs[1]);
    if (scale != nullptr && scale->dtype == DType::f32 && scale->bytes.size() >= 4)
      return static_cast<double>(scale->as<float>()[0]);
  }
  return 0;
}

/// The step of an output that was just quantized, or dequantized.
double output_step(const graph::Graph& g, graph::ValueId output) {
  for (const graph::Node& node : g.nodes) {
    const bool quantizes = node.op == "QuantizeLinear" || node.op == "DequantizeLinear";
    if (!quantizes || node.outputs[0] != output) continue;
    const graph::Constant* scale = g.constant(node.inputs[1]);
    if (scale != nullptr && scale->dtype == DType::f32 && scale->bytes.size() == 4)
      return static_cast<double>(scale->as<float>()[0]);
  }
  return 0;
}

/// The contents moved by up to a step, each element on its own.
Buffer moved(const Buffer& from, DType dtype, double step, Random& random) {
  Buffer to = from;
  for (std::size_t i = 0; step != 0 && i < from.size() / static_cast<std::size_t>(element_bytes(dtype));
       ++i) {
    const float by = random.uniform() * static_cast<float>(step);
    if (dtype == DType::f32) {
      float v = 0;
      std::memcpy(&v, from.data() + i * 4, 4);
      put(to, i, v + by);
    } else if (is_integer(dtype)) {
      const auto v = static_cast<std::uint8_t>(from[i]);
      const int wanted = static_cast<int>(v) + (by > 0.33f ? 1 : by < -0.33f ? -1 : 0);
      if (wanted >= 0 && wanted <= 255 && !(dtype == DType::s8 && (v == 127 || v == 128)))
        put(to, i, static_cast<std::uint8_t>(wanted));
    }
  }
  return to;
}

/// What rounding alone may do to an output.
struct Allowance {
  double tolerance = 0;
  std::vector<bool> elements;  ///< that may mismatch; empty: none
};

class Checker {
 public:
  Checker(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> file,
          const CheckOptions& options, std::vector<graph::SelfTest>& tests)
      : original_(reference),
        model_(optimized),
        options_(options),
        tests_(tests),
        threads_(options.threads),
        reference_(reference, graph::write(reference), portable_options()),
        fast_(optimized, file, machine_options(&threads_)) {
    const graph::Graph& main = optimized.graphs[0];
    for (graph::ValueId v : main.inputs) host_.push_back(main.value(v).host);
    for (graph::ValueId v : reference.graphs[0].inputs) {
      const std::size_t i = steps_.size();
      steps_.push_back(input_step(reference.graphs[0], v));
      if (steps_[i] == 0 && i < options.input_steps.size()) steps_[i] = options.input_steps[i];
    }
    for (graph::ValueId v : reference.graphs[0].outputs)
      output_steps_.push_back(output_step(reference.graphs[0], v));
    if (options.unrounded != nullptr)
      unrounded_.emplace(*options.unrounded, graph::write(*options.unrounded), portable_options());
    state_.resize(host_.size());
    for (const graph::State& s : optimized.signatures[0].states)
      state_[static_cast<std::size_t>(s.input)] = true;
    report_.tolerance = tolerance();
  }

  CheckReport run() {
    for (const Sizes& sizes : settings(model_)) at(sizes);
    for (const Sizes& sizes : larger_settings(model_))
      if (report_.cases.empty()) at(sizes);
    if (report_.cases.empty())
      throw report::Failure(report::exits::failed_check,
                            "the model runs at none of the shapes tried (" + report_.notes.back() +
                                "); fix its dims with --shape NAME=..., or give their range with --range "
                                "NAME:AXIS=MIN..OPT..MAX");
    return std::move(report_);
  }

 private:
  double tolerance() const {
    bool half_precision = false, quantized = false;
    for (const graph::Graph& g : model_.graphs)
      for (const graph::Value& v : g.values) {
        half_precision = half_precision || v.dtype == DType::f16 || v.dtype == DType::bf16;
        quantized = quantized || v.quantization.has_value() || (bits(v.dtype) <= 8 && is_float(v.dtype));
      }
    for (const graph::Graph& g : model_.graphs)
      for (const graph::Node& n : g.nodes)
        quantized = quantized || n.op == "QuantizeLinear" || n.op == "DequantizeLinear";
    for (const graph::Graph& g : original_.graphs)  // which passes may replace by real numbers
      for (const graph::Node& n : g.nodes) quantized = quantized || n.op == "DynamicQuantizeLinear";
    return default_tolerance(half_precision, quantized);
  }

  Shape shape_of(const graph::Value& v, const Sizes& sizes) const {
    Shape shape;
    if (!v.dims) return shape;
    for (auto d : *v.dims)
      shape.push_back(d >= -1 ? std::max<std::int64_t>(d, 1)
                              : static_cast<std::int64_t>(sizes[static_cast<std::size_t>(-2 - d)]));
    return shape;
  }

  /// Resizes both sides, trying contents for host inputs; the reason where the reference cannot, or where the
  /// other one cannot and there is nothing to compare.
  std::string resize(const Sizes& sizes) {
    const graph::Graph& main = model_.graphs[0];
    const bool any_host = std::find(host_.begin(), host_.end(), true) != host_.end();
    std::string reason;
    for (int attempt = 0; attempt < (any_host ? host_attempts : 1); ++attempt) {
      host_contents_.assign(main.inputs.size(), {});
      shapes_.clear();
      for (std::size_t i = 0; i < main.inputs.size(); ++i) {
        const graph::Value& v = main.value(main.inputs[i]);
        const Shape shape = shape_of(v, sizes);
        if (host_[i]) host_contents_[i] = make_host_contents(v.dtype, shape, attempt);
        shapes_.push_back(
            {v.name, shape, host_[i] ? static_cast<const void*>(host_contents_[i].data()) : nullptr});
      }
      const Status status = reference_.resize(shapes_);
      if (!status.ok()) {
        reason = reference_.explain(status);
        continue;
      }
      if (unrounded_ && !unrounded_->resize(shapes_).ok()) unrounded_.reset();
      const Status fast = fast_.resize(shapes_);
      if (!fast.ok() && has_empty_values(reference_.session()))
        return fast_.explain(fast);  // a mean of nothing is NaN, which integers do not have
      if (!fast.ok())
        throw report::Failure(report::exits::failed_check,
                              "the optimized model refuses a shape (" + describe(model_, sizes) +
                                  ") that the original takes: " + fast_.explain(fast) +
                                  "; please report this model");
      return {};
    }
    return reason;
  }

  /// What the inputs hold in the runs at the current shapes: all three, but no more than options.work allows.
  std::span<const Contents> affordable(const std::string& where) {
    static constexpr Contents all[] = {Contents::random, Contents::zero, Contents::large};
    const std::uint64_t run = multiply_adds(reference_.session());
    const std::uint64_t left = options_.work - std::min(options_.work, work_);
    const bool needed = report_.cases.empty() || has_bounds(model_);
    const std::size_t count = run * std::size(all) <= left ? std::size(all) : needed || run <= left ? 1 : 0;
    work_ += run * count;
    if (count < std::size(all))
      report_.notes.push_back((where.empty() ? "" : where + ": ") +
                              std::string(count == 0 ? "not compared" : "compared with random inputs only") +
                              ", since a run of the original takes " + std::to_string(run / 1'000'000'000) +
                              " billion multiply-adds");
    return {all, count};
  }

  void at(const Sizes& sizes) {
    const std::string where = describe(model_, sizes);
    if (const std::string reason = resize(sizes); !reason.empty()) {
      report_.notes.push_back(where + (where.empty() ? "" : ": ") + reason);
      return;
    }
    Random random(1);
    for (Contents contents : affordable(where)) compare(where, contents, random, false);
    const bool record =
        sizes == (settings(model_).size() > 1 ? settings(model_)[1] : settings(model_)[0]) || tests_.empty();
    for (int i = 0;
         record && i < options_.self_tests && static_cast<int>(tests_.size()) < options_.self_tests; ++i)
      compare(where, Contents::random, random, true);
  }

  void compare(const std::string& where, Contents contents, Random& random, bool record) {
    const graph::Graph& main = model_.graphs[0];
    std::vector<Buffer> inputs;
    for (std::size_t i = 0; i < main.inputs.size(); ++i) {
      const Tensor t = reference_.session().input(static_cast<int>(i));
      inputs.push_back(host_[i]    ? host_contents_[i]
                       : state_[i] ? Buffer(t.bytes())
                                   : make_contents(t.dtype, t.shape, contents, random));
    }
    std::vector<bool> skip(host_.size());
    for (std::size_t i = 0; i < skip.size(); ++i) skip[i] = host_[i] || state_[i];
    reference_.session().reset_state();
    fast_.session().reset_state();
    const bool states = std::find(state_.begin(), state_.end(), true) != state_.end();
    for (int step = 0; step < (states && !record ? 2 : 1); ++step) {
      const Status want = reference_.run(inputs, skip), got = fast_.run(inputs, skip);
      if (want.ok()) keep_reference();
      CheckCase result{where, name(contents), {}, 0, 0, report_.tolerance, true, {}};
      if (!want.ok() && !got.ok()) {
        report_.notes.push_back(where + (where.empty() ? "" : ", ") + name(contents) +
                                " inputs are refused: " + reference_.explain(want));
        return;
      }
      if (want.ok() != got.ok()) {
        result.passed = false;
        result.mismatch = want.ok() ? "only the optimized model refuses the input: " + fast_.explain(got)
                                    : "only the original refuses the input: " + reference_.explain(want);
      } else {
        measure(result, {});
        if ((!result.passed || (record && quantized())) && !states)
          measure(result, allowances(inputs, skip, contents));
      }
      report_.cases.push_back(std::move(result));
    }
    if (record) remember(inputs);
  }

  void keep_reference() {
    wanted_.clear();
    for (int o = 0; o < reference_.session().outputs(); ++o) {
      const TensorView t = reference_.session().output(o);
      wanted_.push_back(constant(t.dtype, t.shape, t.data));
    }
  }

  /// Compares the output a session holds with the reference's.
  Difference compare_output(const TensorView& got, std::size_t o) const {
    const graph::Graph& main = model_.graphs[0];
    const auto quantization = quantization_of(main.value(main.outputs[o]));
    TensorView a = got, b = wanted_[o]->view();
    a.quantization = b.quantization = quantization ? &*quantization : nullptr;
    return import::measure(a, b);
  }

  bool quantized() const { return report_.tolerance >= default_tolerance(false, true); }
  bool half_precision() const { return !quantized() && report_.tolerance > default_tolerance(false, false); }

  /// By how much inputs may be moved to see what rounding alone does: a step of quantized models; else
  /// rounding errors of f32 layers or of f16. There a sigmoid's argument of a thousand, which networks were
  /// not trained for, may change its sign, or the mean of an image of equal pixels miss them.
  std::vector<double> rounding_steps(Contents contents) const {
    if (quantized()) return steps_;
    const float step = (contents == Contents::large ? largest : 1) *
                       (half_precision() ? half_rounding_error : rounding_error);
    std::vector<double> steps;
    for (graph::ValueId v : model_.graphs[0].inputs)
      steps.push_back(model_.graphs[0].value(v).dtype == DType::f32 ? step : 0);
    return steps;
  }

  /// What rounding alone may do to each output: what it does to the reference's, in some draws. That of a
  /// model that is not quantized is rounded in all its layers. Empty where the reference cannot be moved.
  std::vector<Allowance> allowances(const std::vector<Buffer>& inputs, const std::vector<bool>& skip,
                                    Contents contents) {
    constexpr int draws = 8;
    const std::vector<double> steps = rounding_steps(contents);
    const graph::Graph& main = model_.graphs[0];
    std::vector<Allowance> result(main.outputs.size());
    if (unrounded_ && unrounded_->run(inputs, skip).ok())
      for (std::size_t o = 0; o < main.outputs.size(); ++o)
        result[o].tolerance = compare_output(unrounded_->session().output(static_cast<int>(o)), o).relative();
    Random random(2);
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<Buffer> near;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        near.push_back(skip[i] ? inputs[i]
                               : moved(inputs[i], main.value(main.inputs[i]).dtype, steps[i], random));
      std::optional<graph::Model> model;
      std::optional<Side> side;
      if (!quantized()) {
        model = rounded(original_, half_precision() ? half_rounding_error : few_ulps, random);
        side.emplace(*model, graph::write(*model), portable_options());
        if (!side->resize(shapes_).ok()) return {};
      }
      Side& other = side ? *side : reference_;
      if (!other.run(near, skip).ok()) return {};
      for (std::size_t o = 0; o < main.outputs.size(); ++o)
        widen(result[o], other.session().output(static_cast<int>(o)), o);
    }
    return result;
  }

  void widen(Allowance& allowance, const TensorView& output, std::size_t o) const {
    const Difference d = compare_output(output, o);
    const TensorView wanted = wanted_[o]->view();
    if (output.dtype != wanted.dtype || !(output.shape == wanted.shape)) return;
    allowance.tolerance = std::max(
        {allowance.tolerance, 1.5 * d.relative(), 1.001 * output_steps_[o] / std::max(d.scale, 1e-2)});
    if (d.mismatch.empty()) return;
    const std::vector<bool> more = mismatches(output, wanted);
    allowance.elements.resize(more.size());
    for (std::size_t i = 0; i < more.size(); ++i) allowance.elements[i] = allowance.elements[i] || more[i];
  }

  /// Whether all elements of an output that mismatch may.
  bool allowed(const Allowance& allowance, const TensorView& got, std::size_t o) const {
    if (allowance.elements.size() != static_cast<std::size_t>(got.elements())) return false;
    const TensorView wanted = wanted_[o]->view();
    if (got.dtype != wanted.dtype || !(got.shape == wanted.shape)) return false;
    const std::vector<bool> found = mismatches(got, wanted);
    for (std::size_t i = 0; i < found.size(); ++i)
      if (found[i] && !allowance.elements[i]) return false;
    return true;
  }

  void measure(CheckCase& result, const std::vector<Allowance>& allowances) {
    const graph::Graph& main = model_.graphs[0];
    double furthest = -1;  // in tolerances
    result.passed = true, result.mismatch.clear();
    for (std::size_t o = 0; o < main.outputs.size(); ++o) {
      const TensorView got = fast_.session().output(static_cast<int>(o));
      Difference d = compare_output(got, o);
      double tolerance = report_.tolerance;
      if (!allowances.empty()) {
        tolerance = std::max(tolerance, allowances[o].tolerance);
        if (!d.mismatch.empty() && allowed(allowances[o], got, o)) d.mismatch.clear();
      }
      if (result.mismatch.empty() && (!d.mismatch.empty() || d.relative() / tolerance > furthest)) {
        furthest = d.relative() / tolerance;
        result.output = main.value(main.outputs[o]).name, result.tolerance = tolerance;
        result.relative = d.relative(), result.absolute = d.absolute, result.mismatch = d.mismatch;
      }
      result.passed = result.passed && d.within(tolerance);
    }
  }

  static graph::ConstantPtr constant(DType dtype, const Shape& shape, const void* data) {
    auto c = std::make_shared<graph::Constant>();
    c->dtype = dtype, c->shape = shape;
    c->bytes.resize(TensorView(nullptr, dtype, shape).bytes());
    if (!c->bytes.empty()) std::memcpy(c->bytes.data(), data, c->bytes.size());
    return c;
  }

  void remember(const std::vector<Buffer>& inputs) {
    graph::SelfTest test;
    test.tolerance = static_cast<float>(report_.cases.back().tolerance);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor t = reference_.session().input(static_cast<int>(i));
      test.inputs.push_back(constant(t.dtype, t.shape, inputs[i].data()));
    }
    test.outputs = wanted_;
    tests_.push_back(std::move(test));
  }

  const graph::Model &original_, &model_;
  const CheckOptions& options_;
  std::vector<graph::SelfTest>& tests_;
  Threads threads_;
  Side reference_, fast_;
  std::optional<Side> unrounded_;
  std::vector<bool> host_, state_;
  std::vector<double> steps_, output_steps_;  ///< of quantization, per input and per output
  std::vector<Buffer> host_contents_;
  std::vector<InputShape> shapes_;          ///< current ones
  std::vector<graph::ConstantPtr> wanted_;  ///< the reference's outputs
  std::uint64_t work_ = 0;                  ///< multiply-adds that the original's runs took
  CheckReport report_;
};

}  // namespace

const CheckCase* CheckReport::worst() const {
  const auto worse = [](const CheckCase& a, const CheckCase& b) {
    return std::pair(!a.passed + !a.mismatch.empty(), a.relative / a.tolerance) <
           std::pair(!b.passed + !b.mismatch.empty(), b.relative / b.tolerance);
  };
  const auto found = std::max_element(cases.begin(), cases.end(), worse);
  return found == cases.end() ? nullptr : &*found;
}

CheckReport check(const graph::Model& reference, const graph::Model& optimized,
                  std::span<const std::byte> bytes, const CheckOptions& options,
                  std::vector<graph::SelfTest>& tests) {
  if (const auto custom = custom_operators(optimized); !custom.empty()) {
    CheckReport report;
    for (const std::string& op : custom)
      report.skipped +=
          (report.skipped.empty() ? "not checked: its kernels are not in this program: " : ", ") + op;
    return report;
  }
  return Checker(reference, optimized, bytes, options, tests).run();
}

}  // namespace lithe::import
