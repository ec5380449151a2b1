// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tools/io/write_file.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/feed.hpp"
#include "tools/lithe/given_shapes.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/precision.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct CompareOptions {
  std::string model, onnx, report;
  std::vector<std::string> inputs, shapes;
  int top = 20;
  float scale = 1;
  Common common;
};

/// A tensor of one run, in ONNX's axis order.
struct Layer {
  std::string onnx_name, op;
  std::int32_t order = 0;
  io::ConstantPtr tensor;  ///< real where it is quantized
  DType stored = DType::none;
  std::optional<std::pair<float, std::int32_t>> step{};  ///< scale and zero point, where one for all is known
};
using Layers = std::map<std::string, Layer>;

/// Undoes a value's permutation: axis i of the stored tensor is ONNX's axis permutation[i]. Quantized values
/// become real.
io::ConstantPtr in_onnx_order(const TensorView& t, std::span<const std::uint8_t> permutation) {
  Shape shape = t.shape;
  for (std::size_t i = 0; i < permutation.size(); ++i) shape[permutation[i]] = t.shape[static_cast<int>(i)];
  const std::vector<double> stored = report::reals(t);
  std::vector<float> real(stored.size());
  std::array<index_t, max_rank> at{};
  for (index_t i = 0; i < t.elements(); ++i) {
    index_t rest = i, to = 0;
    for (int a = t.shape.rank() - 1; a >= 0; --a) {
      at[permutation.empty() ? static_cast<std::size_t>(a) : permutation[static_cast<std::size_t>(a)]] =
          rest % t.shape[a];
      rest /= t.shape[a];
    }
    for (int a = 0; a < shape.rank(); ++a) to = to * shape[a] + at[static_cast<std::size_t>(a)];
    real[static_cast<std::size_t>(to)] = static_cast<float>(stored[static_cast<std::size_t>(i)]);
  }
  return io::make_constant<float>(shape, real);
}

/// Keeps every tensor that has an ONNX name, right after its node ran.
struct Recorder {
  Layers layers;
  static void after(void* self, const runtime::NodeView& node, const Strip* strip) {
    auto& layers = static_cast<Recorder*>(self)->layers;
    if (strip != nullptr) return;  // the tensor is not there as a whole
    for (std::size_t o = 0; o < node.outputs().size(); ++o) {
      const Tensor& output = node.outputs()[o];
      if (node.output_ids()[o] < 0 || !output.dense()) continue;
      const format::Value& value = node.output_value(o).file();
      const std::string onnx_name(text(value.onnx_name()));
      if (onnx_name.empty() || layers.contains(onnx_name) || report::reals(output).empty()) continue;
      const auto permutation = value.permutation() == nullptr
                                   ? std::span<const std::uint8_t>()
                                   : std::span(value.permutation()->data(), value.permutation()->size());
      Layer layer{onnx_name,     node.op().spec->name,
                  node.number(), in_onnx_order(output, permutation),
                  output.dtype,  {}};
      if (const Quantization* q = output.quantization; q != nullptr && q->per_tensor())
        layer.step = {q->scale_at(0), q->zero_point_at(0)};
      layers[onnx_name] = std::move(layer);
    }
  }
};

struct Recording {
  Layers layers;
  std::size_t nodes;
};

/// Runs the model once; with `-v`, after it said on which kernels.
Recording record(const OpenModel& model, const SessionOptions& options, const Common& common,
                 const std::map<std::string, io::ConstantPtr>& inputs) {
  Session session = create(model, options);
  feed(session, model, inputs);
  say_kernels(common, session);
  Recorder recorder;
  const RunObserver observer{nullptr, Recorder::after, &recorder};
  session.observe(&observer);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  return {recorder.layers, session.inspect().nodes().size()};
}

/// Normal random numbers times `scale` for every input that no file was given for.
void add_random_inputs(const OpenModel& model, const SessionOptions& options,
                       const std::map<std::string, std::vector<std::int64_t>>& given, float scale,
                       std::map<std::string, io::ConstantPtr>& inputs) {
  Session session = create(model, options);
  if (inputs.empty() && session.planned()) note_open_shapes(session, model, given);
  std::mt19937 random(1);
  for (int i = 0; i < session.inputs(); ++i) {
    const std::string name(session.input_name(i));
    if (inputs.contains(name)) continue;
    if (!session.planned())
      report::bad_usage(
          model.path().string() +
          ": its shapes are open; give every input with -i NAME=FILE.npy or --shape NAME=1,3,224,224");
    const Tensor t = session.input(i);
    auto c = std::make_shared<io::Constant>();
    c->dtype = t.dtype;
    c->shape = t.shape;
    c->bytes.resize(t.bytes());
    fill_random(Tensor(c->bytes.data(), t.dtype, t.shape), random, scale);
    inputs[name] = c;
  }
}

struct Row {
  Layer layer;
  report::Difference difference;
  report::Similarity similarity{};
  double saturated = 0;  ///< share of the elements whose reference lies beyond what the type holds

  bool comparable() const { return difference.mismatch.empty(); }
};

/// What the stored numbers of the ONNX model stand for, where the layer knows: a model moves tensors between
/// u8 and s8.
io::ConstantPtr real_reference(const Layer& layer, const Layer& reference) {
  const auto eight_bit = [](DType d) { return d == DType::s8 || d == DType::u8; };
  if (!layer.step || reference.step || !eight_bit(reference.stored)) return reference.tensor;
  const auto [scale, zero_point] = *layer.step;
  const int moved = reference.stored == layer.stored ? 0 : reference.stored == DType::u8 ? 128 : -128;
  std::vector<float> real;
  for (float v : reference.tensor->as<float>())
    real.push_back((v - static_cast<float>(zero_point + moved)) * scale);
  return io::make_constant<float>(reference.tensor->shape, real);
}

/// The share of the reference that a quantized layer cannot hold: more than half a step beyond the ends of
/// its type.
double saturated_share(const Layer& layer, const std::vector<double>& reference) {
  if (!layer.step || !(layer.stored == DType::s8 || layer.stored == DType::u8) || reference.empty()) return 0;
  const auto [scale, zero_point] = *layer.step;
  const double lowest = layer.stored == DType::s8 ? -128 : 0;
  const double low = (lowest - zero_point - 0.5) * scale, high = (lowest + 255 - zero_point + 0.5) * scale;
  const auto beyond =
      std::count_if(reference.begin(), reference.end(), [&](double v) { return v < low || v > high; });
  return static_cast<double>(beyond) / static_cast<double>(reference.size());
}

/// Both tensors are real numbers of one shape.
Row row_of(const Layer& layer, const Layer& reference) {
  const io::ConstantPtr wanted = real_reference(layer, reference);
  const std::vector<double> a = report::reals(layer.tensor->view()), b = report::reals(wanted->view());
  Row row{layer, report::measure(layer.tensor->view(), wanted->view())};
  if (a.size() != b.size()) return row;
  row.similarity = report::similarity(a, b);
  row.saturated = saturated_share(layer, b);
  return row;
}

void print(const Row& r, bool within) {
  char snr[16] = "exact";
  if (r.similarity.snr_db < report::Similarity::exact_db)
    std::snprintf(snr, sizeof snr, "%.1f", r.similarity.snr_db);
  if (r.comparable())
    std::printf("%10.3g %10.3g %8s %9.6f %7.2f", r.difference.relative(), r.difference.absolute, snr,
                r.similarity.cosine, 100 * r.saturated);
  else
    std::printf("%10s %10s %8s %9s %7s", "-", "-", "-", "-", "-");
  std::printf(" %5d  %-20s %s%s\n", r.layer.order, r.layer.op.c_str(), r.layer.onnx_name.c_str(),
              within           ? ""
              : r.comparable() ? "  <- over tolerance"
                               : ("  <- " + r.difference.mismatch).c_str());
}

void print(const std::vector<Row>& rows, std::size_t top, const auto& within) {
  std::printf("%10s %10s %8s %9s %7s %5s  %-20s %s\n", "error", "absolute", "SNR dB", "cosine", "sat. %",
              "node", "operator", "ONNX value");
  for (std::size_t i = 0; i < rows.size() && i < top; ++i) print(rows[i], within(rows[i]));
  if (rows.size() > top)
    std::printf("%10s %zu more, none of them worse (--top 0 prints all)\n", "", rows.size() - top);
}

nlohmann::json json_of(const Row& r, bool within) {
  return {{"value", r.layer.onnx_name},
          {"op", r.layer.op},
          {"node", r.layer.order},
          {"mismatch", r.difference.mismatch},
          {"error", r.difference.relative()},
          {"absolute", r.difference.absolute},
          {"snr_db", r.similarity.snr_db},
          {"cosine", r.similarity.cosine},
          {"saturated", r.saturated},
          {"within", within}};
}

/// Values that both runs have, worst first: those that no distance can be given of lead.
std::vector<Row> rows_of(const Layers& got, const Layers& want) {
  std::vector<Row> rows;
  for (const auto& [name, layer] : got)
    if (const auto found = want.find(name); found != want.end()) rows.push_back(row_of(layer, found->second));
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const auto key = [](const Row& r) {
      return std::tuple(r.comparable(), r.comparable() ? -r.difference.relative() : 0, r.layer.order);
    };
    return key(a) < key(b);
  });
  return rows;
}

int compare(const CompareOptions& o) {
  const std::string onnx = !o.onnx.empty() ? o.onnx : o.model;
  if (o.onnx.empty() && std::filesystem::path(o.model).extension() != ".onnx")
    report::bad_usage("compare: say with --onnx MODEL.onnx what " + o.model + " was converted from");
  if (!o.report.empty())
    for (const std::string& model : {o.model, onnx}) io::check_output(o.report, model);
  const OpenModel model(o.model);
  auto inputs = read_inputs(o.inputs, input_names(model.model()));
  const OpenModel reference(onnx, {}, OpenModel::Passes::none);
  const Machine machine(o.common);
  SessionOptions plain = machine.options();
  plain.kernels = portable_kernels();
  const auto given = parse_shapes(o.shapes);
  const auto shapes = input_shapes(given);
  plain.shapes = shapes;
  add_random_inputs(reference, plain, given, o.scale, inputs);
  plain.shapes = {};
  const Recording want = record(reference, plain, {}, inputs);
  const Recording got = record(model, machine.options(), o.common, inputs);
  Session facts = create(model, machine.options());
  const double tolerance = report::default_tolerance(is_half_precision(facts), is_quantized(facts));
  const auto within = [&](const Row& r) { return r.difference.within(tolerance); };
  const std::vector<Row> rows = rows_of(got.layers, want.layers);
  const Row* first = nullptr;
  for (const Row& r : rows)
    if (!within(r) && (first == nullptr || r.layer.order < first->layer.order)) first = &r;
  const std::string culprit = first == nullptr ? "" : first->layer.onnx_name + " (" + first->layer.op + ")";
  print(rows, o.top == 0 ? rows.size() : static_cast<std::size_t>(o.top), within);
  nlohmann::json list = nlohmann::json::array();
  for (const Row& r : rows) list.push_back(json_of(r, within(r)));
  const nlohmann::json report{{"layers", list}, {"tolerance", tolerance}, {"first_wrong", culprit}};
  if (!o.report.empty()) io::write_file(o.report, report.dump(2) + "\n");
  std::printf("%zu values of %zu nodes compared, tolerance %.3g; others have no value of ONNX's\n",
              rows.size(), got.nodes, tolerance);
  if (first == nullptr) return report::exits::done;
  throw report::Failure(report::exits::failed_check, o.model + ": the first layer over tolerance is " +
                                                         culprit + ", node " +
                                                         std::to_string(first->layer.order));
}

}  // namespace

void add_compare(CLI::App& app, int& exit) {
  auto o = std::make_shared<CompareOptions>();
  CLI::App* c = app.add_subcommand("compare", "error of every layer against the ONNX model, worst first");
  c->add_option("MODEL", o->model, ".lithe file, or an .onnx file, converted in memory without its check")
      ->required();
  c->add_option(
      "--onnx", o->onnx,
      "the model it came from: the reference, run layer by layer on portable kernels (an .onnx MODEL is "
      "its own)");
  c->add_option("-i,--input", o->inputs, "NAME=FILE.npy (random numbers where none is given)");
  c->add_option("--shape", o->shapes, "NAME=1,3,224,224: the shape of an input that is not fixed");
  c->add_option("--scale", o->scale, "of the random numbers")->capture_default_str();
  c->add_option("--top", o->top, "values to print, worst first; 0: all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  c->add_option("--report", o->report, "write all values as JSON");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = compare(*o); });
}

}  // namespace lithe::cli
