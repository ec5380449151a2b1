// SPDX-License-Identifier: Apache-2.0
#include "tools/import/parse.hpp"

#include <onnx/checker.h>
#include <onnx/inliner/inliner.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/graph/hash.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"
#include "tools/import/external.hpp"
#include "tools/import/formats.hpp"
#include "tools/import/graph_import.hpp"
#include "tools/import/origin.hpp"
#include "tools/import/sequences.hpp"
#include "tools/import/unknown_operators.hpp"
#include "tools/report/axes.hpp"
#include "tools/report/error.hpp"

namespace lithe::import {

namespace {

namespace fs = std::filesystem;

/// The first line of a library's message, without what only its authors understand.
std::string one_line(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == text.npos) return "no reason given";
  text.remove_prefix(begin);
  std::string line(text.substr(0, std::min(text.find('\n'), std::size_t{400})));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return line;
}

/// Calls `visit` with every node of the graph and of its subgraphs.
template <class Nodes, class Visit>
void each_node(const Nodes& nodes, const Visit& visit) {
  for (const onnx::NodeProto& node : nodes) {
    visit(node);
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) each_node(attribute.g().node(), visit);
      for (const auto& g : attribute.graphs()) each_node(g.node(), visit);
    }
  }
}

/// What is wrong with attributes that ONNX's functions and rules divide by, count with, or allocate by: one line each.
void check_attributes(const onnx::NodeProto& node, std::vector<std::string>& wrong) {
  static constexpr std::string_view positive[] = {
      "strides",   "dilations",   "kernel_shape", "group",      "blocksize",  "block_shape", "num_outputs",
      "num_heads", "q_num_heads", "kv_num_heads", "block_size", "num_groups", "hidden_size", "stash_type"};
  static constexpr std::string_view from_zero[] = {"block_size", "stash_type", "q_num_heads", "kv_num_heads"};
  static constexpr std::string_view small[] = {"pads",
                                               "output_padding",
                                               "output_shape",
                                               "axis",
                                               "axes",
                                               "batch_axis",
                                               "time_axis",
                                               "batch_dims",
                                               "perm",
                                               "keepdims",
                                               "num_scan_inputs",
                                               "scan_input_axes",
                                               "scan_output_axes",
                                               "scan_input_directions",
                                               "scan_output_directions"};
  const auto one_of = [](const auto& names, const std::string& name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  constexpr std::int64_t largest = 1 << 24;
  for (const auto& a : node.attribute()) {
    const bool counts = one_of(positive, a.name());
    if (!counts && !one_of(small, a.name())) continue;
    const std::int64_t least = counts ? 1 : -largest;
    const auto check = [&](std::int64_t low, std::int64_t v) {
      if (v >= low && v <= largest) return;
      wrong.push_back(one_line(node_title(node)) + " (" + one_line(node.op_type()) + "): attribute '" +
                      a.name() + "' is " + std::to_string(v) + ", which cannot be right: it lies between " +
                      std::to_string(low) + " and " + std::to_string(largest));
    };
    if (a.has_i()) check(one_of(from_zero, a.name()) ? 0 : least, a.i());
    for (const std::int64_t v : a.ints()) check(least, v);
  }
}

/// Refuses a model for all such attributes at once, also those of its functions.
void check_attributes(const std::string& file, const onnx::ModelProto& model) {
  std::vector<std::string> wrong;
  const auto check = [&](const onnx::NodeProto& node) { check_attributes(node, wrong); };
  each_node(model.graph().node(), check);
  for (const auto& f : model.functions()) each_node(f.node(), check);
  if (wrong.empty()) return;
  if (wrong.size() == 1) report::bad_input(file + ": " + wrong[0] + "; export the model again");
  const std::string line = file + ": " + std::to_string(wrong.size()) +
                           " attributes cannot be right, they are named above; export the model again";
  throw report::Failure(report::exits::bad_input, line, std::move(wrong));
}

std::string function_key(std::string_view domain, std::string_view name, std::string_view overload) {
  return normalized(domain) + "::" + std::string(name) + "::" + std::string(overload);
}

/// Nodes after every function is inlined, without doing it; saturates at the limit + 1. nullopt: functions
/// call each other in a circle.
class NodeCounter {
 public:
  NodeCounter(const onnx::ModelProto& model, std::uint64_t limit) : limit_(limit) {
    for (const auto& f : model.functions()) functions_[function_key(f.domain(), f.name(), f.overload())] = &f;
  }
  template <class Nodes>
  std::optional<std::uint64_t> count(const Nodes& nodes) {
    std::uint64_t total = 0;
    bool circle = false;
    each_node(nodes, [&](const onnx::NodeProto& node) {
      const std::optional<std::uint64_t> n = count(node);
      circle = circle || !n;
      total = std::min(total + n.value_or(0), limit_ + 1);
    });
    return circle ? std::nullopt : std::optional(total);
  }

 private:
  std::optional<std::uint64_t> count(const onnx::NodeProto& node) {
    const auto f = functions_.find(function_key(node.domain(), node.op_type(), node.overload()));
    if (f == functions_.end()) return 1;
    if (const auto known = counts_.find(f->first); known != counts_.end()) return known->second;
    if (++depth_ > 100) return std::nullopt;  // legal chains are shorter, and the inliner recurses along them
    counts_[f->first] = std::nullopt;         // being counted: met again, it is a circle
    const auto n = count(f->second->node());
    --depth_;
    return counts_[f->first] = n;
  }

  std::uint64_t limit_;
  int depth_ = 0;
  std::map<std::string, const onnx::FunctionProto*> functions_;
  std::map<std::string, std::optional<std::uint64_t>> counts_;
};

void check_opsets(const std::string& file, const onnx::ModelProto& model) {
  const std::string remedy = "; export again with opset " + std::to_string(oldest_opset) + " to " +
                             std::to_string(newest_opset) +
                             ", or run: python -c \"import onnx.version_converter as v, onnx; "
                             "onnx.save(v.convert_version(onnx.load('" +
                             file + "'), 17), 'new.onnx')\"";
  for (const auto& opset : model.opset_import())
    if (normalized(opset.domain()).empty() &&
        (opset.version() < oldest_opset || opset.version() > newest_opset))
      report::bad_input(file + ": opset " + std::to_string(opset.version()) + " is not supported" + remedy);
}

void drop_shapes(onnx::ValueInfoProto& info) {
  if (info.type().has_tensor_type()) info.mutable_type()->mutable_tensor_type()->clear_shape();
}

void drop_inner_shapes(onnx::GraphProto& graph) {
  for (auto& info : *graph.mutable_value_info()) drop_shapes(info);
  for (auto& info : *graph.mutable_output()) drop_shapes(info);
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) drop_inner_shapes(*attribute.mutable_g());
      for (auto& g : *attribute.mutable_graphs()) drop_inner_shapes(g);
    }
}

std::vector<onnx::ValueInfoProto*> real_inputs(onnx::GraphProto& graph) {
  std::set<std::string> constants;
  for (const auto& t : graph.initializer()) constants.insert(t.name());
  std::vector<onnx::ValueInfoProto*> inputs;
  for (auto& input : *graph.mutable_input())
    if (!constants.contains(input.name())) inputs.push_back(&input);
  return inputs;
}

/// What a shape that the file's own dims contradict was probably meant to be; empty: they do not, or nobody knows.
std::string meant_shape(const onnx::TypeProto::Tensor& type, const std::vector<std::int64_t>& dims) {
  const auto fits = [&](const Shape& shape) {
    if (!type.has_shape() || type.shape().dim_size() != shape.rank()) return false;
    for (int i = 0; i < shape.rank(); ++i)
      if (type.shape().dim(i).has_dim_value() && type.shape().dim(i).dim_value() != shape[i]) return false;
    return true;
  };
  const Shape given{std::span<const std::int64_t>(dims)};
  if (fits(given)) return {};
  const auto meant = report::meant_shapes(given, fits);
  return meant.empty() ? std::string() : meant[0].text;
}

/// --shape: fixes inputs' dims, everywhere a dim_param that got a number, and leaves the rest to shape
/// inference.
void fix_shapes(const std::string& file, onnx::ModelProto& model,
                const std::map<std::string, std::vector<std::int64_t>>& shapes,
                std::vector<std::string>& notes) {
  if (shapes.empty()) return;
  const auto inputs = real_inputs(*model.mutable_graph());
  std::map<std::string, std::int64_t> numbers;
  for (const auto& [name, dims] : shapes) {
    const auto input =
        std::find_if(inputs.begin(), inputs.end(), [&](const auto* i) { return i->name() == name; });
    if (input == inputs.end()) {
      std::string names;
      for (const auto* i : inputs) names += (names.empty() ? "" : ", ") + i->name();
      report::bad_usage(file + ": --shape: no input is called '" + name + "'; the inputs are " + names);
    }
    auto* type = (*input)->mutable_type()->mutable_tensor_type();
    if (type->has_shape() && type->shape().dim_size() != static_cast<int>(dims.size()))
      report::bad_usage(file + ": --shape: input '" + name + "' has " +
                        std::to_string(type->shape().dim_size()) + " dimensions, not " +
                        std::to_string(dims.size()));
    if (const std::string meant = meant_shape(*type, dims); !meant.empty())
      notes.push_back("--shape " + name + ": " + meant);
    for (std::size_t i = 0; i < dims.size(); ++i) {
      auto* dim = type->has_shape() && static_cast<int>(i) < type->shape().dim_size()
                      ? type->mutable_shape()->mutable_dim(static_cast<int>(i))
                      : type->mutable_shape()->add_dim();
      if (dim->has_dim_param() && !dim->dim_param().empty()) {
        const auto [it, fresh] = numbers.emplace(dim->dim_param(), dims[i]);
        if (!fresh && it->second != dims[i])
          report::bad_usage(file + ": --shape: dimension '" + it->first + "' is given as " +
                            std::to_string(it->second) + " and as " + std::to_string(dims[i]));
      }
      dim->set_dim_value(dims[i]);
    }
  }
  for (auto* input : inputs)
    if (input->type().has_tensor_type())
      for (auto& dim : *input->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim())
        if (const auto number = numbers.find(dim.dim_param()); dim.has_dim_param() && number != numbers.end())
          dim.set_dim_value(number->second);
  drop_inner_shapes(*model.mutable_graph());
}

/// ONNX's checker wants names of graphs, which nobody needs.
void name_graphs(onnx::GraphProto& graph) {
  if (graph.name().empty()) graph.set_name("graph");
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) name_graphs(*attribute.mutable_g());
      for (auto& g : *attribute.mutable_graphs()) name_graphs(g);
    }
}

/// ONNX's checker, which throws. It asks for types and shapes of inputs and outputs: those of outputs follow from the
/// model, and what is missing of an input's is reported later, with the remedy.
void check(onnx::ModelProto& model) {
  name_graphs(*model.mutable_graph());
  std::vector<onnx::ValueInfoProto*> untyped;
  std::vector<onnx::TypeProto::Tensor*> shapeless;
  for (auto* infos : {model.mutable_graph()->mutable_input(), model.mutable_graph()->mutable_output()})
    for (auto& info : *infos) {
      if (info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) {
        untyped.push_back(&info);
        info.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
      }
      if (!info.type().has_tensor_type() || info.type().tensor_type().has_shape()) continue;
      shapeless.push_back(info.mutable_type()->mutable_tensor_type());
      (void)shapeless.back()->mutable_shape();
    }
  onnx::checker::check_model(model);
  for (auto* type : shapeless) type->clear_shape();
  for (auto* info : untyped) info->clear_type();
}

/// Everything after protobuf; the libraries throw.
void prepare(onnx::ModelProto& model, const std::string& name, const fs::path& folder,
             const ParseOptions& options, std::vector<std::string>& notes) {
  if (!model.training_info().empty()) {
    notes.push_back("the training graph in the file is left out");
    model.clear_training_info();
  }
  check_opsets(name, model);
  check_attributes(name, model);
  load_external_data(model, folder, options.limits.external_bytes);
  const auto nodes = NodeCounter(model, options.limits.nodes).count(model.graph().node());
  if (!nodes)
    report::bad_input(name +
                      ": its functions call each other in a circle, or more than 100 deep; export the model "
                      "again without functions");
  if (*nodes > options.limits.nodes)
    report::bad_input(name + ": it has more than " + std::to_string(options.limits.nodes) +
                      " nodes once functions are inlined; split the model");
  normalize_domains(model);
  name_extensions(model);
  set_unknown_operators_apart(model);
  check(model);
  note_functions(model);
  if (!model.functions().empty()) onnx::inliner::InlineLocalFunctions(model);
  fix_shapes(name, model, options.shapes, notes);
  replace_sequences(model);
  expand_operators(model, options.kept);
}

std::vector<std::byte> read_file(const fs::path& path, const Limits& limits) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) report::system_refused(path.string() + ": no such file");
  if (const std::string other = other_format_by_name(path); !fs::is_regular_file(status))
    report::bad_input(path.string() + (other.empty() ? ": is a folder or a device, not an .onnx file"
                                                     : ": this is " + other));
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) report::system_refused(path.string() + ": " + error.message());
  if (size > limits.file_bytes) {
    std::string head(64, '\0');
    std::ifstream(path, std::ios::binary).read(head.data(), 64);
    const std::string other = other_format_by_content(std::as_bytes(std::span(head)));
    report::bad_input(path.string() + (other.empty()
                                           ? ": the file is larger than 2 GiB; store its weights as external "
                                             "data: onnx.save(model, path, save_as_external_data=True)"
                                           : ": this is " + other));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    report::system_refused(path.string() + ": cannot be read; check its permissions");
  return bytes;
}

}  // namespace

ParsedModel parse(std::span<const std::byte> bytes, const std::string& name, const fs::path& folder,
                  const ParseOptions& options) {
  if (const std::string other = other_format_by_content(bytes); !other.empty())
    report::bad_input(name + ": this is " + other);
  const std::string problem = scan_model(bytes, options.limits);
  const std::string other = other_format_by_name(name);
  if (!problem.empty())
    report::bad_input(name + ": " +
                      (other.empty() ? problem + "; download or export it again" : "this is " + other));
  ParsedModel result{nullptr, fs::path(name).filename().string(), graph::hex(graph::hash(bytes)), {}};
  try {
    auto model = std::make_shared<onnx::ModelProto>();
    if (!model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !model->has_graph() ||
        model->ir_version() <= 0)
      report::bad_input(
          name + (other.empty() ? ": this is not an ONNX model, or it is damaged; download or export it again"
                                : ": this is " + other));
    prepare(*model, name, folder, options, result.notes);
    result.proto = std::move(model);
  } catch (const report::Failure&) {
    throw;
  } catch (const std::bad_alloc&) {
    report::system_refused(name + ": not enough memory to read it");
  } catch (const onnx::checker::ValidationError& e) {
    report::bad_input(name + ": ONNX's checker refuses it: " + one_line(e.what()) +
                      "; export the model again");
  } catch (const std::exception& e) {
    report::bad_input(name + ": " + one_line(e.what()));
  }
  return result;
}

ParsedModel parse(const fs::path& path, const ParseOptions& options) {
  const std::vector<std::byte> bytes = read_file(path, options.limits);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  return parse(bytes, path.string(), folder, options);
}

}  // namespace lithe::import
