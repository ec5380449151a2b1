// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/common.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>

#include "lithe/lithe.hpp"
#include "tools/graph/reopen.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/error.hpp"
#include "tools/report/npy.hpp"

namespace lithe::cli {

namespace {

/// --kernels auto: everything; xnnpack: without simd/; portable: plain C++ alone.
std::span<const KernelEntry> kernels_named(const std::string& name) {
  if (name == "portable") return portable_kernels();
  if (name == "xnnpack") return xnnpack_kernels();
  return all_kernels();
}

const format::Node* node_of(const Status& status, const Model& model) {
  const auto* graphs = model.root().subgraphs();
  if (status.node() < 0 || status.subgraph() >= static_cast<std::int32_t>(graphs->size())) return nullptr;
  const auto* nodes = graphs->Get(static_cast<std::uint32_t>(status.subgraph()))->nodes();
  return status.node() >= static_cast<std::int32_t>(nodes->size())
             ? nullptr
             : nodes->Get(static_cast<std::uint32_t>(status.node()));
}

const char* remedy(Code code) {
  switch (code) {
    case Code::invalid_model:
      return "convert the model again";
    case Code::needs_value:
      return "give the shape-deciding inputs";
    case Code::out_of_memory:
      return "choose smaller shapes, or give more memory";
    case Code::shape:
      return "check the input shapes (lithe inspect prints them)";
    case Code::io:
      return "check the path and its permissions";
    default:
      return "";
  }
}

}  // namespace

std::string sentence(const Status& status, const Model& model, const std::filesystem::path& file) {
  std::string line = file.string() + ": ";
  if (const format::Node* node = node_of(status, model); node != nullptr) {
    line += "node " + std::to_string(status.node());
    if (count(node->onnx_names()) != 0) line += " '" + node->onnx_names()->Get(0)->str() + "'";
    line += " (" + model.root().operators()->Get(node->op())->name()->str() + "): ";
  }
  line += std::string(status.text()) + " [" + name(status.code()) + "]";
  if (const char* what = remedy(status.code()); *what != 0) line += std::string("; ") + what;
  return line;
}

void fail(const Status& status, const Model& model, const std::filesystem::path& file) {
  const bool system = status.code() == Code::io || status.code() == Code::out_of_memory;
  throw report::Failure(system ? report::exits::system : report::exits::bad_input,
                        sentence(status, model, file));
}

namespace {

Result<Model> open_onnx(const std::filesystem::path& path,
                        const std::map<std::string, std::vector<std::int64_t>>& shapes, bool optimize) {
  import::Options options;
  options.check = false, options.optimize = optimize, options.shapes = shapes;
  return Model::open(graph::aligned_copy(import::convert(path, options).bytes));
}

/// Whether the file is ONNX's rather than ours: by its contents, whatever its name says; by its name where
/// the contents are neither's.
bool is_onnx(const std::filesystem::path& path) {
  const bool named = path.extension() == ".onnx";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return named;
  std::array<char, 12> head{};  // size of the model, offset of its root, our identifier
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  const bool ours = std::string_view(head.data() + 8, 4) == format::ModelIdentifier();
  const bool onnx = !ours && head[0] == 8;  // the key of ModelProto's first field, ir_version
  if (ours && named)
    std::fprintf(stderr, "note: %s: holds a converted model; name it .lithe\n", path.c_str());
  if (onnx && !named)
    std::fprintf(stderr, "note: %s: holds an ONNX model, which is converted first; name it .onnx\n",
                 path.c_str());
  return onnx || (named && !ours);
}

}  // namespace

OpenModel::OpenModel(const std::filesystem::path& path,
                     const std::map<std::string, std::vector<std::int64_t>>& shapes, Passes passes)
    : path_(path) {
  auto model =
      is_onnx(path) ? open_onnx(path, shapes, passes == Passes::all) : open(path.c_str(), Access::copy);
  if (!model.ok()) {
    const bool system = model.code() == Code::io || model.code() == Code::out_of_memory;
    throw report::Failure(
        system ? report::exits::system : report::exits::bad_input,
        path.string() + ": " + model.status().text() + (system ? "" : "; convert the model again"));
  }
  model_ = *std::move(model);
}

Machine::Machine(const Common& common) : threads_(common.threads), kernels_(kernels_named(common.kernels)) {}

SessionOptions Machine::options() const {
  SessionOptions o = machine_options(&threads_);
  o.kernels = kernels_, o.growable = true;
  o.max_bytes = std::uint64_t{4} << 30;
  return o;
}

Session create(const OpenModel& model, const SessionOptions& options) {
  auto session = Session::create(model.model(), options);
  if (!session.ok()) fail(session.status(), model.model(), model.path());
  return *std::move(session);
}

namespace {

const format::Value& input_value(const Session& session, int input) {
  const auto& graph = *session.plan().file;
  return *graph.values()->Get(
      static_cast<std::uint32_t>(graph.inputs()->Get(static_cast<std::uint32_t>(input))));
}

}  // namespace

bool is_host_input(const Session& session, int input) { return input_value(session, input).host(); }

std::span<const std::int64_t> input_dims(const Session& session, int input) {
  return numbers(input_value(session, input).dims());
}

const format::Symbol* symbol_at(const Model& model, std::int64_t dim) {
  const auto symbol = symbol_of(dim);
  return symbol < 0 ? nullptr : model.root().symbols()->Get(static_cast<std::uint32_t>(symbol));
}

bool has_no_bound(const Model& model, std::int64_t dim) {
  const format::Symbol* symbol = symbol_at(model, dim);
  return symbol == nullptr ? dim < 0 : symbol->max() == 0;
}

void fill_random(const Tensor& tensor, std::mt19937& random, float scale) {
  std::normal_distribution<float> normal(0, scale);
  const auto fill = [&](auto elements, auto draw) {
    for (auto& element : elements) element = static_cast<std::remove_reference_t<decltype(element)>>(draw());
  };
  const auto real = [&] { return normal(random); };
  switch (tensor.dtype) {
    case DType::f32:
      return fill(tensor.as<float>(), real);
    case DType::f64:
      return fill(tensor.as<double>(), real);
    case DType::f16:
      return fill(tensor.as<half>(), real);
    case DType::bf16:
      return fill(tensor.as<bfloat16>(), real);
    case DType::s8:
    case DType::u8:
    case DType::boolean: {
      const bool truth = tensor.dtype == DType::boolean;
      auto* bytes = static_cast<std::uint8_t*>(tensor.data);
      return fill(std::span(bytes, tensor.bytes()), [&] { return random() & (truth ? 1u : 255u); });
    }
    default:
      if (tensor.bytes() != 0) std::memset(tensor.data, 0, tensor.bytes());
  }
}

std::string title(const runtime::GraphPlan& graph, const runtime::PlanNode& node) {
  std::string names;
  for (std::uint32_t i = 0; i < count(node.file->onnx_names()); ++i)
    names += (i == 0 ? "" : " + ") + node.file->onnx_names()->Get(i)->str();
  for (std::int32_t id : node.output_ids())
    if (names.empty() && id >= 0)
      names = "-> " + std::string(text(graph.file->values()->Get(static_cast<std::uint32_t>(id))->name()));
  return names;
}

bool is_quantized(const Session& session) {
  for (const auto& v : session.plan().values)
    if (v.quantization != nullptr) return true;
  for (const auto& n : session.plan().nodes)
    if (const std::string_view op = n.op->spec->name; op == "QuantizeLinear" || op == "DequantizeLinear")
      return true;
  return false;
}

bool is_half_precision(const Session& session) {
  for (const auto& v : session.plan().values)
    if (v.file_dtype == DType::f16 || v.file_dtype == DType::bf16) return true;
  return false;
}

namespace {

void refuse_unknown_inputs(const Session& session, const OpenModel& model,
                           const std::map<std::string, graph::ConstantPtr>& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (session.find_input(name) >= 0) continue;
    std::string names;
    for (int i = 0; i < session.inputs(); ++i)
      names += (i == 0 ? "'" : ", '") + std::string(session.input_name(i)) + "'";
    report::bad_input(model.path().string() + ": has no input '" + name + "'; " +
                      (names.empty() ? "it has no inputs" : "its inputs are " + names));
  }
}

}  // namespace

void feed(Session& session, const OpenModel& model,
          const std::map<std::string, graph::ConstantPtr>& tensors) {
  refuse_unknown_inputs(session, model, tensors);
  std::vector<InputShape> shapes;
  for (int i = 0; i < session.inputs(); ++i) {
    const std::string name(session.input_name(i));
    const auto found = tensors.find(name);
    if (found == tensors.end())
      report::bad_input(model.path().string() + ": input '" + name + "' is not given; add -i " + name +
                        "=FILE.npy");
    const auto& plan = session.plan();
    const DType want =
        plan.values[static_cast<std::size_t>(plan.inputs()[static_cast<std::size_t>(i)])].file_dtype;
    if (found->second->dtype != want)
      report::bad_input(model.path().string() + ": input '" + name + "' must be " + lithe::name(want) +
                        ", the file holds " + report::describe(found->second->view()));
    shapes.push_back({session.input_name(i), found->second->shape,
                      is_host_input(session, i) ? found->second->bytes.data() : nullptr});
  }
  if (const Status status = session.resize(shapes); !status.ok()) fail(status, model.model(), model.path());
  for (int i = 0; i < session.inputs(); ++i) {
    const auto& bytes = tensors.at(std::string(session.input_name(i)))->bytes;
    if (!bytes.empty()) std::memcpy(session.input(i).data, bytes.data(), bytes.size());
  }
}

std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text) {
  const auto at = text.find('=');
  if (at == std::string::npos || at == 0) report::bad_usage(option + " " + text + ": write NAME=...");
  return {text.substr(0, at), text.substr(at + 1)};
}

std::map<std::string, std::string> once_each(const std::string& option,
                                             const std::vector<std::string>& texts) {
  std::map<std::string, std::string> result;
  for (const auto& text : texts) {
    auto pair = name_and_rest(option, text);
    if (!result.insert(pair).second)
      report::bad_usage(option + " " + text + ": '" + pair.first + "' is given twice; give it once");
  }
  return result;
}

std::map<std::string, graph::ConstantPtr> read_inputs(const std::vector<std::string>& texts) {
  std::map<std::string, graph::ConstantPtr> tensors;
  for (const auto& [name, file] : once_each("-i", texts)) tensors[name] = report::read_tensor(file);
  return tensors;
}

std::map<std::string, std::vector<std::int64_t>> parse_shapes(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, rest] : once_each("--shape", texts)) {
    std::vector<std::int64_t> dims;
    for (std::size_t at = 0; at < rest.size();) {
      std::size_t used = 0;
      const auto comma = std::min(rest.find(',', at), rest.size());
      const std::string number = rest.substr(at, comma - at);
      if (number.empty() || number.size() > 9 || number.find_first_not_of("0123456789") != std::string::npos)
        report::bad_usage("--shape " + name + "=" + rest + ": write NAME=1,3,224,224");
      dims.push_back(std::stoll(number, &used));
      at = comma + 1;
    }
    shapes[name] = dims;
  }
  return shapes;
}

std::vector<InputShape> input_shapes(const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  std::vector<InputShape> list;
  for (const auto& [name, dims] : shapes) list.push_back({name, Shape(std::span<const std::int64_t>(dims))});
  return list;
}

void note_open_shapes(Session& session, const OpenModel& model,
                      const std::map<std::string, std::vector<std::int64_t>>& given) {
  const auto is_open = [&](std::int64_t dim) {
    const format::Symbol* range = symbol_at(model.model(), dim);
    return has_no_bound(model.model(), dim) && (range == nullptr || range->opt() == 0);
  };
  for (int i = 0; i < session.inputs(); ++i) {
    const auto dims = input_dims(session, i);
    const std::string name(session.input_name(i));
    if (given.contains(name) || std::none_of(dims.begin(), dims.end(), is_open)) continue;
    const std::string shape = report::describe(session.input(i).shape);
    std::fprintf(stderr,
                 "note: the shape of input '%s' is open, here it is %s; give another with --shape %s=...\n",
                 name.c_str(), shape.c_str(), name.c_str());
  }
}

CLI::Validator not_negative() {
  return {[](const std::string& text) {
            double number = 0;
            const bool good = CLI::detail::lexical_cast(text, number) && std::isfinite(number) && number >= 0;
            return good ? std::string() : "'" + text + "' is no number from 0 on";
          },
          "FLOAT >= 0"};
}

void add_common(CLI::App& command, Common& common) {
  command.add_option("--threads", common.threads, "threads that work on one inference")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--kernels", common.kernels,
                  "auto: the fastest; xnnpack: without our own vector kernels; portable: plain C++")
      ->check(CLI::IsMember({"auto", "xnnpack", "portable"}))
      ->capture_default_str();
  command.add_option_function<std::string>(
      "--cpu-mask",
      [](const std::string& features) {
        if (const Status status = xnn::restrict_cpu(features); !status.ok())
          report::bad_usage("--cpu-mask " + features + ": " + status.text());
      },
      "features that nothing uses, separated by commas (lithe cpu lists them), and what builds on them");
  command.add_option_function<std::string>(
      "--cache",
      [](const std::string& file) {
        if (file != "none") report::bad_usage("--cache FILE is not supported yet in this version");
      },
      "none: weights are packed at every start");
  command.add_flag("--no-streaming", common.no_streaming, "never run chains of layers in strips of rows");
  command.add_flag("-v,--verbose", common.verbose, "say more");
}

}  // namespace lithe::cli
