// SPDX-License-Identifier: Apache-2.0
#include <pthreadpool.h>
#include <xnnpack.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/lithe.hpp"

/// Measures what a session costs above its arithmetic: Session::run() against a loop over XNNPACK operators.
/// This file makes them straight through XNNPACK's interface, with packed weights of their own; they read and
/// write the same addresses. f32 only.
namespace {

using namespace lithe;

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void check(const Status& status) {
  if (status.ok()) return;
  const std::string place = status.node() < 0 ? "" : "node " + std::to_string(status.node()) + ": ";
  throw Failure(place + status.text());
}

struct Delete {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, Delete>;

std::string text_of(const runtime::NodeView& node) {
  std::string text = std::string(node.op().spec->name) + " on " + node.kernel_name();
  if (count(node.file().onnx_names()) != 0) text += " (" + node.file().onnx_names()->Get(0)->str() + ")";
  return text;
}

/// Creates, reshapes and sets up the operators of one node.
class Maker {
 public:
  Maker(const runtime::NodeView& node, pthreadpool_t threads, std::vector<Operator>& operators)
      : node_(node), threads_(threads), operators_(operators) {}

  void make() {
    const auto& makers = table();
    const auto found = makers.find(node_.op().spec->name);
    if (found == makers.end()) throw Failure("no loop by hand for " + text_of(node_));
    for (const TensorView& in : node_.inputs())
      if (in && in.dtype != DType::f32 && in.dtype != DType::s64)
        throw Failure("no loop by hand for other types than f32: " + text_of(node_));
    found->second(*this);
  }

 private:
  using Make = void (*)(Maker&);

  template <class Op>
  const typename Op::Attributes& attributes() const {
    return node_.attributes_of<Op>();
  }
  const TensorView& input(std::size_t i) const { return node_.inputs()[i]; }
  const Tensor& output() const { return node_.outputs()[0]; }
  const float* in(std::size_t i) const { return static_cast<const float*>(input(i).data); }
  float* out() const { return static_cast<float*>(output().data); }
  const float* bias() const { return node_.inputs().size() > 2 && input(2) ? in(2) : nullptr; }
  static std::size_t size(index_t v) { return static_cast<std::size_t>(v); }
  static std::uint32_t unsign(std::int32_t v) { return static_cast<std::uint32_t>(v); }

  void must(xnn_status status) const {
    if (status != xnn_status_success)
      throw Failure("XNNPACK refused (" + std::to_string(static_cast<int>(status)) + ") " + text_of(node_));
  }
  /// The operator that `create` writes, kept for the loop.
  template <class Create>
  xnn_operator_t add(Create create) {
    xnn_operator_t op = nullptr;
    must(create(&op));
    operators_.emplace_back(op);
    return op;
  }
  void* workspace(std::size_t bytes) const {
    if (bytes > node_.workspace().size()) throw Failure("a larger workspace is needed by " + text_of(node_));
    return node_.workspace().data();
  }

  /// Filter [O, KH, KW, C / group], or depthwise [KH, KW, C, M].
  template <class Attributes>
  void convolution(const Attributes& a, std::array<index_t, 2> kernel, index_t groups, index_t channels,
                   index_t outputs, std::uint32_t flags) {
    const Shape& s = input(0).shape;
    const xnn_operator_t op = add([&](xnn_operator_t* result) {
      return xnn_create_convolution2d_nhwc_f32(
          unsign(a.pads[0]), unsign(a.pads[3]), unsign(a.pads[2]), unsign(a.pads[1]), unsign(kernel[0]),
          unsign(kernel[1]), unsign(a.strides[0]), unsign(a.strides[1]), unsign(a.dilations[0]),
          unsign(a.dilations[1]), unsign(groups), size(channels), size(outputs), size(input(0).pitch),
          size(output().pitch), in(1), bias(), a.clamp.min, a.clamp.max, flags, nullptr, nullptr, result);
    });
    std::size_t bytes = 0, align = 0, height = 0, width = 0;
    must(xnn_reshape_convolution2d_nhwc_f32(op, size(s[0]), size(s[1]), size(s[2]), &bytes, &align, &height,
                                            &width, threads_));
    must(xnn_setup_convolution2d_nhwc_f32(op, workspace(bytes), in(0), out()));
  }
  static void conv2d(Maker& m) {
    const auto& a = m.attributes<ops::Conv2D>();
    const Shape& f = m.input(1).shape;
    m.convolution(a, {f[1], f[2]}, a.group, f[3], f[0] / a.group, 0);
  }
  static void depthwise_conv2d(Maker& m) {
    const Shape& f = m.input(1).shape;
    m.convolution(m.attributes<ops::DepthwiseConv2D>(), {f[0], f[1]}, f[2], 1, f[3],
                  XNN_FLAG_DEPTHWISE_CONVOLUTION);
  }

  static void fully_connected(Maker& m) {
    const Clamp& clamp = m.attributes<ops::FullyConnected>().clamp;
    const Shape& f = m.input(1).shape;
    const xnn_operator_t op = m.add([&](xnn_operator_t* result) {
      return xnn_create_fully_connected_nc_f32(size(f[1]), size(f[0]), size(m.input(0).pitch),
                                               size(m.output().pitch), m.in(1), m.bias(), clamp.min,
                                               clamp.max, 0, nullptr, nullptr, result);
    });
    m.must(xnn_reshape_fully_connected_nc_f32(op, size(m.input(0).shape.rows()), m.threads_));
    m.must(xnn_setup_fully_connected_nc_f32(op, m.in(0), m.out()));
  }

  void unary(xnn_unary_operator kind, const xnn_unary_params& params, const float* from, std::size_t rows,
             std::size_t channels, std::size_t input_pitch, std::size_t output_pitch) {
    const xnn_quantization_params none{0, 1};
    const xnn_operator_t op = add([&](xnn_operator_t* result) {
      return xnn_create_unary_elementwise_nc(kind, xnn_datatype_fp32, xnn_datatype_fp32, &params, &none,
                                             &none, 0, result);
    });
    must(xnn_reshape_unary_elementwise_nc(op, rows, channels, input_pitch, output_pitch, threads_));
    must(xnn_setup_unary_elementwise_nc(op, from, out()));
  }
  template <xnn_unary_operator kind>
  static void unary(Maker& m) {
    m.unary(kind, {});
  }
  void unary(xnn_unary_operator kind, const xnn_unary_params& params) {
    const Shape& s = input(0).shape;
    unary(kind, params, in(0), size(s.rows()), size(s.back()), size(input(0).pitch), size(output().pitch));
  }
  static void relu(Maker& m) {
    m.unary(xnn_unary_clamp, {.clamp = {0, std::numeric_limits<float>::infinity()}});
  }
  static void clip(Maker& m) {
    const Clamp& clamp = m.attributes<ops::Clip>().clamp;
    m.unary(xnn_unary_clamp, {.clamp = {clamp.min, clamp.max}});
  }

  template <class Op, xnn_binary_operator kind>
  static void binary(Maker& m) {
    const xnn_quantization_params none{0, 1};
    const xnn_operator_t op = m.add([&](xnn_operator_t* result) {
      return xnn_create_binary_elementwise_nd(kind, xnn_datatype_fp32, &none, &none, &none, 0, result);
    });
    std::array<std::array<std::size_t, max_rank>, 2> dims{};
    for (std::size_t k = 0; k < 2; ++k)
      for (int i = 0; i < m.input(k).shape.rank(); ++i)
        dims[k][static_cast<std::size_t>(i)] = size(m.input(k).shape[i]);
    m.must(xnn_reshape_binary_elementwise_nd(op, size(m.input(0).shape.rank()), dims[0].data(),
                                             size(m.input(1).shape.rank()), dims[1].data(), m.threads_));
    m.must(xnn_setup_binary_elementwise_nd(op, m.in(0), m.in(1), m.out()));
    const Clamp& clamp = m.attributes<Op>().clamp;
    const std::size_t all = size(m.output().elements());
    if (clamp.active())
      m.unary(xnn_unary_clamp, {.clamp = {clamp.min, clamp.max}}, m.out(), 1, all, all, all);
  }

  static void reduce_mean(Maker& m) {
    const auto& a = m.attributes<ops::ReduceMean>();
    const Shape& s = m.input(0).shape;
    IntList list;
    if (m.node_.inputs().size() > 1 && m.input(1))
      for (index_t i = 0; i < m.input(1).elements(); ++i) list.push_back(integer_at(m.input(1), i));
    const auto reduced = a.reduced(list, s.rank());
    check(reduced.status());
    std::array<std::int64_t, max_rank> axes{};
    std::array<std::size_t, max_rank> dims{};
    std::size_t count = 0;
    for (int i = 0; i < s.rank(); ++i) {
      dims[static_cast<std::size_t>(i)] = size(s[i]);
      if (reduced->has(i)) axes[count++] = i;
    }
    const xnn_quantization_params none{0, 1};
    const xnn_operator_t op = m.add([&](xnn_operator_t* result) {
      return xnn_create_reduce_nd(xnn_reduce_mean, xnn_datatype_fp32, &none, &none, 0, result);
    });
    std::size_t bytes = 0, align = 0;
    m.must(xnn_reshape_reduce_nd(op, count, axes.data(), size(s.rank()), dims.data(), &bytes, &align,
                                 m.threads_));
    m.must(xnn_setup_reduce_nd(op, nullptr, m.in(0), m.out()));  // f32 accumulates in the output
  }

  static void max_pool2d(Maker& m) {
    const auto& a = m.attributes<ops::MaxPool2D>();
    if (a.ceil_mode) throw Failure("no loop by hand for ceil_mode: " + text_of(m.node_));
    const Shape& s = m.input(0).shape;
    const xnn_operator_t op = m.add([&](xnn_operator_t* result) {
      return xnn_create_max_pooling2d_nhwc_f32(
          unsign(a.pads[0]), unsign(a.pads[3]), unsign(a.pads[2]), unsign(a.pads[1]), unsign(a.kernel[0]),
          unsign(a.kernel[1]), unsign(a.strides[0]), unsign(a.strides[1]), unsign(a.dilations[0]),
          unsign(a.dilations[1]), a.clamp.min, a.clamp.max, 0, result);
    });
    std::size_t height = 0, width = 0;
    m.must(xnn_reshape_max_pooling2d_nhwc_f32(op, size(s[0]), size(s[1]), size(s[2]), size(s[3]),
                                              size(m.input(0).pitch), size(m.output().pitch), &height, &width,
                                              m.threads_));
    m.must(xnn_setup_max_pooling2d_nhwc_f32(op, m.in(0), m.out()));
  }
  static void average_pool2d(Maker& m) {
    const auto& a = m.attributes<ops::AveragePool2D>();
    if (a.ceil_mode) throw Failure("no loop by hand for ceil_mode: " + text_of(m.node_));
    const Shape& s = m.input(0).shape;
    const xnn_operator_t op = m.add([&](xnn_operator_t* result) {
      return xnn_create_average_pooling2d_nhwc_f32(unsign(a.pads[0]), unsign(a.pads[3]), unsign(a.pads[2]),
                                                   unsign(a.pads[1]), unsign(a.kernel[0]),
                                                   unsign(a.kernel[1]), unsign(a.strides[0]),
                                                   unsign(a.strides[1]), a.clamp.min, a.clamp.max, 0, result);
    });
    std::size_t bytes = 0, align = 0, height = 0, width = 0;
    m.must(xnn_reshape_average_pooling2d_nhwc_f32(op, size(s[0]), size(s[1]), size(s[2]), size(s[3]),
                                                  size(m.input(0).pitch), size(m.output().pitch), &bytes,
                                                  &align, &height, &width, m.threads_));
    m.must(xnn_setup_average_pooling2d_nhwc_f32(op, m.workspace(bytes), m.in(0), m.out()));
  }

  static void transpose(Maker& m) {
    const Shape& s = m.input(0).shape;
    std::array<std::size_t, max_rank> dims{}, permutation{};
    for (int i = 0; i < s.rank(); ++i) {
      dims[static_cast<std::size_t>(i)] = size(s[i]);
      permutation[static_cast<std::size_t>(i)] =
          size(ops::Transpose::source(m.attributes<ops::Transpose>(), s.rank(), i));
    }
    const xnn_operator_t op =
        m.add([](xnn_operator_t* result) { return xnn_create_transpose_nd_x32(0, result); });
    m.must(xnn_reshape_transpose_nd_x32(op, size(s.rank()), dims.data(), permutation.data(), m.threads_));
    m.must(xnn_setup_transpose_nd_x32(op, m.in(0), m.out()));
  }
  static void softmax(Maker& m) {
    const Shape& s = m.input(0).shape;
    if (normalize_axis(m.attributes<ops::Softmax>().axis, s.rank()) != s.rank() - 1)
      throw Failure("no loop by hand for an inner axis: " + text_of(m.node_));
    const xnn_operator_t op =
        m.add([](xnn_operator_t* result) { return xnn_create_softmax_nc_f32(0, result); });
    m.must(xnn_reshape_softmax_nc_f32(op, size(s.back()), size(m.input(0).pitch), size(m.output().pitch),
                                      size(s.rows()), m.threads_));
    m.must(xnn_setup_softmax_nc_f32(op, m.in(0), m.out()));
  }

  static const std::map<std::string_view, Make>& table() {
    static const std::map<std::string_view, Make> makers{
        {"Add", binary<ops::Add, xnn_binary_add>},
        {"AveragePool2D", average_pool2d},
        {"Clip", clip},
        {"Conv2D", conv2d},
        {"DepthwiseConv2D", depthwise_conv2d},
        {"Div", binary<ops::Div, xnn_binary_divide>},
        {"FullyConnected", fully_connected},
        {"HardSwish", unary<xnn_unary_hardswish>},
        {"MaxPool2D", max_pool2d},
        {"Mul", binary<ops::Mul, xnn_binary_multiply>},
        {"ReduceMean", reduce_mean},
        {"Relu", relu},
        {"Sigmoid", unary<xnn_unary_sigmoid>},
        {"Softmax", softmax},
        {"Sub", binary<ops::Sub, xnn_binary_subtract>},
        {"Tanh", unary<xnn_unary_tanh>},
        {"Transpose", transpose},
    };
    return makers;
  }

  const runtime::NodeView node_;
  pthreadpool_t threads_;
  std::vector<Operator>& operators_;
};

/// The operators of all nodes that a session runs.
class Loop {
 public:
  Loop(const runtime::PlanView& plan, pthreadpool_t threads) : threads_(threads) {
    for (const runtime::NodeView node : plan.nodes()) {
      if (node.varies() || node.chain() >= 0) throw Failure("no loop by hand for " + text_of(node));
      if (node.runs() != runtime::Runs::every_time) continue;
      ++nodes_;
      if (!std::string_view(node.kernel_name()).starts_with("xnn::")) foreign_.push_back(text_of(node));
      Maker(node, threads, operators_).make();
    }
  }
  void run() const {
    for (const Operator& op : operators_)
      if (xnn_run_operator(op.get(), threads_) != xnn_status_success) throw Failure("XNNPACK failed");
  }
  int nodes() const { return nodes_; }
  /// Nodes that the session does not run on XNNPACK.
  const std::vector<std::string>& foreign() const { return foreign_; }

 private:
  pthreadpool_t threads_;
  std::vector<Operator> operators_;
  std::vector<std::string> foreign_;
  int nodes_ = 0;
};

void fill(Session& session) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int i = 0; i < session.inputs(); ++i) {
    const Tensor t = session.input(i);
    if (t.dtype != DType::f32) throw Failure("only f32 inputs: " + std::string(session.input_name(i)));
    for (float& x : t.as<float>()) x = normal(random);
  }
}

std::vector<float> outputs(Session& session) {
  std::vector<float> all;
  for (int i = 0; i < session.outputs(); ++i) {
    const TensorView t = session.output(i);
    if (t.dtype != DType::f32) throw Failure("only f32 outputs: " + std::string(session.output_name(i)));
    all.insert(all.end(), t.as<float>().begin(), t.as<float>().end());
  }
  return all;
}

/// The largest difference between the two results, as a part of the largest value. The loop must not find
/// anything that the session's run left. If every node runs on XNNPACK, results must agree in every bit.
float difference(Session& session, const Loop& loop) {
  check(session.run());
  const std::vector<float> expected = outputs(session);
  const std::span<std::byte> tensors = session.inspect().tensors();
  std::memset(tensors.data(), 0xFF, tensors.size());  // NaN
  for (int i = 0; i < session.outputs(); ++i) {
    const TensorView t = session.output(i);
    std::memset(const_cast<void*>(t.data), 0xFF, t.bytes());
  }
  loop.run();
  const std::vector<float> found = outputs(session);
  float largest = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    if (!(std::abs(expected[i] - found[i]) <= error))
      error =
          std::isfinite(found[i]) ? std::abs(expected[i] - found[i]) : std::numeric_limits<float>::infinity();
  }
  if (error > (loop.foreign().empty() ? 0 : 1e-4f * largest))
    throw Failure("session and loop differ by " + std::to_string(error) + ", largest value " +
                  std::to_string(largest));
  return largest > 0 ? error / largest : 0;
}

struct Figures {
  double p50 = 0, p90 = 0, min = 0;
};

/// Milliseconds of single runs.
class Times {
 public:
  template <class Run>
  void add(Run run) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    all_.push_back(took.count());
  }
  Figures figures() const {
    std::vector<double> sorted = all_;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double p) {
      const double rank = std::ceil(p * static_cast<double>(sorted.size()));
      return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
    };
    return {at(.5), at(.9), sorted.front()};
  }

 private:
  std::vector<double> all_;
};

struct Options {
  std::string model;
  std::size_t threads = 1;
  int rounds = 50, runs = 5;
  bool json = false;
};

void print(const Options& o, const Loop& loop, float error, const Figures& session, const Figures& raw) {
  const double ratio = session.p50 / raw.p50;
  const double node_ns = (session.min - raw.min) * 1e6 / std::max(loop.nodes(), 1);
  if (o.json) {
    const auto json = [](const Figures& f) {
      return nlohmann::json{{"p50_ms", f.p50}, {"p90_ms", f.p90}, {"min_ms", f.min}};
    };
    const nlohmann::json j{{"model", o.model},      {"threads", o.threads},
                           {"nodes", loop.nodes()}, {"session", json(session)},
                           {"loop", json(raw)},     {"ratio", ratio},
                           {"node_ns", node_ns},    {"not_xnnpack", loop.foreign()},
                           {"difference", error}};
    std::printf("%s\n", j.dump().c_str());
    return;
  }
  for (const std::string& name : loop.foreign())
    std::printf("not on XNNPACK in the session: %s\n", name.c_str());
  const auto line = [](const char* name, const Figures& f) {
    std::printf("%-8s p50 %9.4f ms  p90 %9.4f ms  min %9.4f ms\n", name, f.p50, f.p90, f.min);
  };
  std::printf("%s, %d nodes, %zu thread%s, %d rounds of %d runs, outputs differ by %g\n", o.model.c_str(),
              loop.nodes(), o.threads, o.threads == 1 ? "" : "s", o.rounds, o.runs,
              static_cast<double>(error));
  line("session", session);
  line("loop", raw);
  std::printf("ratio of p50 %.4f, of min %.4f, %.0f ns a node by min\n", ratio, session.min / raw.min,
              node_ns);
}

/// Interleaved rounds, in which the sides take turns to be first. The first run of a round's half is not
/// counted: it finds the other's weights in the caches.
void measure(const Options& o) {
  auto model = open(o.model.c_str());
  check(model.status());
  const Threads threads(o.threads);
  auto created = Session::create(*model, options(&threads));
  check(created.status());
  Session session = std::move(*created);
  if (!session.planned()) throw Failure("its shapes are open");
  fill(session);
  const Loop loop(session.inspect(), native(&threads.pool()));
  const float error = difference(session, loop);
  Times session_times, loop_times;
  const auto half = [&](Times& times, auto run) {
    run();
    for (int i = 0; i < o.runs; ++i) times.add(run);
  };
  for (int round = 0; round < o.rounds; ++round)
    for (const bool ours : {round % 2 == 0, round % 2 != 0}) {
      if (ours)
        half(session_times, [&] { check(session.run()); });
      else
        half(loop_times, [&] { loop.run(); });
    }
  print(o, loop, error, session_times.figures(), loop_times.figures());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Session::run() against a loop by hand over the same XNNPACK operators");
  Options o;
  app.add_option("MODEL", o.model, ".lithe file, f32")->required();
  app.add_option("--threads", o.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--rounds", o.rounds, "rounds")->check(CLI::Range(1, 1000000))->capture_default_str();
  app.add_option("--runs", o.runs, "measured runs of each side in a round")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("--json", o.json, "one JSON object instead of text");
  CLI11_PARSE(app, argc, argv);
  try {
    measure(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", o.model.c_str(), e.what());
    return 1;
  }
  return 0;
}
