// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "tools/import/difference.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/lithe/common.hpp"
#include "tools/report/error.hpp"
#include "tools/report/npy.hpp"

namespace lithe::cli {

namespace {

struct CompareOptions {
  std::string model, onnx, report;
  std::vector<std::string> inputs;
  Common common;
};

/// A tensor of one run, in ONNX's axis order.
struct Layer {
  std::string onnx_name, op;
  std::int32_t order = 0;
  graph::ConstantPtr tensor;
};
using Layers = std::map<std::string, Layer>;

/// Undoes a value's permutation: axis i of the stored tensor is ONNX's axis permutation[i]. Quantized values
/// become real.
graph::ConstantPtr in_onnx_order(const TensorView& t, std::span<const std::uint8_t> permutation) {
  Shape shape = t.shape;
  for (std::size_t i = 0; i < permutation.size(); ++i) shape[permutation[i]] = t.shape[static_cast<int>(i)];
  const std::vector<double> stored = import::reals(t);
  std::vector<float> real(stored.size());
  std::array<index_t, max_rank> at{};
  for (index_t i = 0; i < t.elements(); ++i) {
    index_t rest = i, to = 0;
    for (int a = t.shape.rank() - 1; a >= 0; --a)
      at[permutation.empty() ? static_cast<std::size_t>(a) : permutation[static_cast<std::size_t>(a)]] =
          rest % t.shape[a],
                                                             rest /= t.shape[a];
    for (int a = 0; a < shape.rank(); ++a) to = to * shape[a] + at[static_cast<std::size_t>(a)];
    real[static_cast<std::size_t>(to)] = static_cast<float>(stored[static_cast<std::size_t>(i)]);
  }
  return graph::make_constant<float>(shape, real);
}

/// Keeps every tensor that has an ONNX name, right after its node ran.
struct Recorder {
  Layers layers;
  static void before(void*, const runtime::GraphPlan&, std::int32_t) {}
  static void after(void* self, const runtime::GraphPlan& graph, std::int32_t n) {
    auto& layers = static_cast<Recorder*>(self)->layers;
    const auto& node = graph.nodes[static_cast<std::size_t>(n)];
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      const std::int32_t id = node.output_ids()[o];
      if (id < 0 || !node.outputs[o].dense()) continue;
      const auto& value = *graph.file->values()->Get(static_cast<std::uint32_t>(id));
      const std::string onnx_name(text(value.onnx_name()));
      if (onnx_name.empty() || layers.contains(onnx_name) || import::reals(node.outputs[o]).empty()) continue;
      const auto permutation = value.permutation() == nullptr
                                   ? std::span<const std::uint8_t>()
                                   : std::span(value.permutation()->data(), value.permutation()->size());
      layers[onnx_name] = {onnx_name, node.op->spec->name, n, in_onnx_order(node.outputs[o], permutation)};
    }
  }
};

Layers record(const OpenModel& model, const SessionOptions& options,
              const std::map<std::string, graph::ConstantPtr>& inputs) {
  Session session = create(model, options);
  feed(session, model, inputs);
  Recorder recorder;
  const RunObserver observer{Recorder::before, Recorder::after, &recorder};
  session.observe(&observer);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  return recorder.layers;
}

/// Normal random numbers for every input that no file was given for.
void add_random_inputs(const OpenModel& model, const SessionOptions& options,
                       std::map<std::string, graph::ConstantPtr>& inputs) {
  Session session = create(model, options);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int i = 0; i < session.inputs(); ++i) {
    const std::string name(session.input_name(i));
    if (inputs.contains(name)) continue;
    if (!session.planned())
      report::bad_usage(model.path().string() +
                        ": its shapes are open; give every input with -i NAME=FILE.npy");
    const Tensor t = session.input(i);
    auto c = std::make_shared<graph::Constant>();
    c->dtype = t.dtype, c->shape = t.shape, c->bytes.resize(t.bytes());
    for (index_t k = 0; t.dtype == DType::f32 && k < t.elements(); ++k)
      reinterpret_cast<float*>(c->bytes.data())[k] = normal(random);
    for (std::size_t k = 0; t.dtype != DType::f32 && element_bytes(t.dtype) == 1 && k < c->bytes.size(); ++k)
      c->bytes[k] = static_cast<std::byte>(t.dtype == DType::boolean ? random() & 1 : random());
    inputs[name] = c;
  }
}

struct Row {
  Layer layer;
  import::Difference difference;
  double snr_db, cosine;
};

/// Both tensors are real numbers of one shape.
Row row_of(const Layer& layer, const Layer& reference) {
  const std::vector<double> a = import::reals(layer.tensor->view()),
                            b = import::reals(reference.tensor->view());
  Row row{layer, import::measure(layer.tensor->view(), reference.tensor->view()), -999, 0};
  if (a.size() != b.size()) return row;
  double signal = 0, noise = 0, ab = 0, aa = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    signal += b[i] * b[i], noise += (a[i] - b[i]) * (a[i] - b[i]), ab += a[i] * b[i], aa += a[i] * a[i];
  row.snr_db = noise == 0 ? 999 : 10 * std::log10(std::max(signal, 1e-30) / noise);
  row.cosine = aa == 0 && signal == 0 ? 1 : aa == 0 || signal == 0 ? 0 : ab / std::sqrt(aa * signal);
  return row;
}

void print(const Row& r, bool within) {
  std::printf("%10.3g %10.3g %8.1f %9.6f  %-20s %s", r.difference.relative(), r.difference.absolute, r.snr_db,
              r.cosine, r.layer.op.c_str(), r.layer.onnx_name.c_str());
  std::printf("%s\n", within                          ? ""
                      : r.difference.mismatch.empty() ? "  <- over tolerance"
                                                      : ("  <- " + r.difference.mismatch).c_str());
}

nlohmann::json json_of(const Row& r, bool within) {
  return {{"value", r.layer.onnx_name},
          {"op", r.layer.op},
          {"error", r.difference.relative()},
          {"absolute", r.difference.absolute},
          {"snr_db", r.snr_db},
          {"cosine", r.cosine},
          {"within", within}};
}

int compare(const CompareOptions& o) {
  std::map<std::string, graph::ConstantPtr> inputs;
  for (const auto& text : o.inputs) {
    const auto [name, file] = name_and_rest("-i", text);
    inputs[name] = report::read_tensor(file);
  }
  const OpenModel model(o.model);
  const OpenModel reference(o.onnx, {}, OpenModel::Passes::none);
  const Machine machine(o.common);
  SessionOptions plain = machine.options();
  plain.kernels = portable_kernels();
  add_random_inputs(reference, plain, inputs);
  const Layers want = record(reference, plain, inputs), got = record(model, machine.options(), inputs);
  Session facts = create(model, machine.options());
  const double tolerance = import::default_tolerance(is_half_precision(facts), is_quantized(facts));
  const auto within = [&](const Row& r) { return r.difference.within(tolerance); };
  std::vector<Row> rows;
  for (const auto& [name, layer] : got)
    if (const auto found = want.find(name); found != want.end()) rows.push_back(row_of(layer, found->second));
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.layer.order < b.layer.order; });
  const auto first = std::find_if_not(rows.begin(), rows.end(), within);
  const std::string culprit =
      first == rows.end() ? "" : first->layer.onnx_name + " (" + first->layer.op + ")";
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const double error_a = a.difference.relative(), error_b = b.difference.relative();
    return error_a != error_b ? error_a > error_b : a.layer.order < b.layer.order;
  });
  std::printf("%10s %10s %8s %9s  %-20s %s\n", "error", "absolute", "SNR dB", "cosine", "operator",
              "ONNX value");
  nlohmann::json list = nlohmann::json::array();
  for (const Row& r : rows) print(r, within(r)), list.push_back(json_of(r, within(r)));
  if (!o.report.empty()) {
    std::ofstream out(o.report);
    out << nlohmann::json{{"layers", list}, {"tolerance", tolerance}, {"first_wrong", culprit}}.dump(2)
        << "\n";
    out.close();
    if (!out) report::system_refused(o.report + ": cannot be written");
  }
  std::printf("%zu values compared, tolerance %.3g\n", rows.size(), tolerance);
  if (culprit.empty()) return report::exits::done;
  throw report::Failure(report::exits::failed_check,
                        o.model + ": the first layer over tolerance is " + culprit);
}

}  // namespace

void add_compare(CLI::App& app, int& exit) {
  auto o = std::make_shared<CompareOptions>();
  CLI::App* c = app.add_subcommand("compare", "error of every layer against the ONNX model, worst first");
  c->add_option("MODEL", o->model, ".lithe file")->required();
  c->add_option("--onnx", o->onnx,
                "the model it came from: the reference, run layer by layer on portable kernels")
      ->required();
  c->add_option("-i,--input", o->inputs, "NAME=FILE.npy (random numbers where none is given)");
  c->add_option("--report", o->report, "write the table as JSON");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = compare(*o); });
}

}  // namespace lithe::cli
