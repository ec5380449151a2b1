// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "tools/graph/operators.hpp"
#include "tools/io/write_file.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct EmbedOptions {
  std::string model, output, symbol;
  Common common;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// C++'s keywords, and names that a namespace would hide or clash with.
constexpr std::string_view reserved =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t "
    "char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default delete do double dynamic_cast else enum explicit export "
    "extern false float for friend goto if inline int lithe long main mutable namespace new noexcept "
    "not not_eq nullptr operator or or_eq private protected public register reinterpret_cast "
    "requires return short signed sizeof static static_assert static_cast std struct switch template "
    "this thread_local throw true try typedef typeid typename union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq ";

bool is_reserved(const std::string& name) {
  return reserved.find(" " + name + " ") != std::string_view::npos;
}

/// The file's name as a namespace: "depthwise-3x3" -> "depthwise_3x3", "class" -> "class_".
std::string identifier(std::string text) {
  for (char& c : text)
    if (!is_letter_or_digit(c)) c = '_';
  if (text.empty() || is_digit(text[0])) return "_" + text;
  return is_reserved(text) ? text + "_" : text;
}

/// Refuses what is no namespace's name, a::b among those that are.
void check_namespace(const std::string& name) {
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find("::", at), name.size());
    const std::string part = name.substr(at, end - at);
    if (part.empty() || is_digit(part[0]) || !std::all_of(part.begin(), part.end(), is_letter_or_digit) ||
        is_reserved(part))
      report::bad_usage("--namespace " + name + ": '" + part +
                        "' cannot be a namespace here; give identifiers that are no keyword, as in "
                        "digits or app::digits");
    at = end + 2;
  }
}

/// Refuses inputs whose sizes have no bound: an arena for them has no size.
void refuse_open_inputs(const OpenModel& file, const Session& session) {
  for (int i = 0; i < session.inputs(); ++i) {
    const std::string name(session.input_name(i));
    const auto dims = input_dims(session, i);
    for (std::size_t axis = 0; axis < dims.size(); ++axis)
      if (has_no_bound(file.model(), dims[axis]))
        report::bad_input(file.path().string() + ": input '" + name + "' is open at axis " +
                          std::to_string(axis) + ", so its arena has no size; convert it with --shape " +
                          name + "=... or --range " + name + ":" + std::to_string(axis) + "=MIN..MAX");
  }
}

/// An operator's nodes, and the element types that its kernel is compiled for.
struct Used {
  std::string cpp_name;  ///< the operator's type
  std::size_t nodes = 0;
  std::set<DType> dtypes;    ///< the types of the first inputs and outputs
  bool plain_bytes = false;  ///< 8-bit integers without a quantization among them

  void add(const runtime::ValueView& v) {
    dtypes.insert(v.dtype());
    plain_bytes |= (v.dtype() == DType::s8 || v.dtype() == DType::u8) && v.quantization() == nullptr;
  }
  std::string kernel() const {
    std::string all = "lithe::portable::Kernel<lithe::ops::" + cpp_name + ">";
    if (plain_bytes) return all;
    std::string list;
    for (const DType d : dtypes)
      list += std::string(", lithe::DType::") + (d == DType::boolean ? "boolean" : lithe::name(d));
    return "lithe::portable::Only<" + all + list + ">";
  }
};

struct Needs {
  std::map<std::string, Used> operators;

  void add(const runtime::PlanView& plan) {
    for (const auto node : plan.nodes()) {
      Used& used = operators[std::string(node.op_name())];
      used.cpp_name = graph::facts_of(*node.op().spec).cpp_name;
      ++used.nodes;
      if (!node.input_ids().empty() && node.input_ids()[0] >= 0) used.add(node.input_value(0));
      if (!node.output_ids().empty() && node.output_ids()[0] >= 0) used.add(node.output_value(0));
      for (std::size_t i = 0; i < node.children(); ++i) add(node.child(i));
    }
  }
  std::string kernel_list() const {
    std::string list;
    for (const auto& [name, used] : operators) list += (list.empty() ? "\n    " : ",\n    ") + used.kernel();
    return list;
  }
  /// How many nodes each kernel of the list runs.
  std::string counts() const {
    std::string list;
    for (const auto& [name, used] : operators)
      list += (list.empty() ? "" : ", ") + std::to_string(used.nodes);
    return list;
  }
};

int embed(const EmbedOptions& o) {
  io::check_output(o.output, o.model);
  if (!o.symbol.empty()) check_namespace(o.symbol);
  const OpenModel file(o.model);
  SessionOptions options = microcontroller_options();
  const Session session = create(file, options);
  refuse_open_inputs(file, session);
  if (!session.planned())
    report::bad_input(o.model +
                      ": its shapes are open, so its arena has no size; convert it with --shape or --range");
  say_kernels(o.common, session);
  const MemoryReport memory = session.memory();
  const std::string space =
      o.symbol.empty() ? identifier(std::filesystem::path(o.model).stem().string()) : o.symbol;
  Needs needs;
  const runtime::PlanView plan = session.inspect();
  needs.add(plan);
  const runtime::TableCounts tables = plan.counts();
  std::ostringstream out;
  out << "// Made by lithe embed from " << std::filesystem::path(o.model).filename().string()
      << ".\n#pragma once\n\n#include <cstddef>\n\n#include \"lithe/micro.hpp\"\n\nnamespace " << space
      << " {\n\n/// What the model's nodes need, for their element types alone.\nusing Kernels = "
         "lithe::KernelList<"
      << needs.kernel_list() << ">;\n\n"
      << "/// An arena of this size suffices: tensors are the same on every target, tables are counted with "
         "its sizes.\n"
      << "inline constexpr std::size_t arena_bytes = lithe::arena_bytes<Kernels>({.tables = {.graphs = "
      << tables.graphs << ", .values = " << tables.values << ", .nodes = " << tables.nodes
      << ", .links = " << tables.links << ", .ends = " << tables.ends << ", .children = " << tables.children
      << ", .quantized = " << tables.quantized << ", .widest = " << tables.widest
      << "}, .ports = " << session.inputs() + session.outputs()
      << ", .symbols = " << count(file.model().root().symbols()) << ", .kept_bytes = " << plan.kept_bytes()
      << ", .tensor_bytes = " << memory.ports + memory.tensors << "}, {" << needs.counts() << "});\n\n";
  const auto bytes = file.model().bytes();
  out << "/// The model file, for flash.\nalignas(64) inline constexpr unsigned char model[" << bytes.size()
      << "] = {";
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out << (i % 32 == 0 ? "\n" : "") << static_cast<int>(bytes[i]) << ",";
  out << "\n};\n\n}  // namespace " << space << "\n";
  const std::string text = out.str();
  io::write_file(o.output, std::as_bytes(std::span(text)));
  std::printf("%s: model %zu bytes, tensors %zu bytes, %zu nodes\n", o.output.c_str(), bytes.size(),
              memory.ports + memory.tensors, plan.nodes().size());
  return report::exits::done;
}

}  // namespace

void add_embed(CLI::App& app, int& exit) {
  auto o = std::make_shared<EmbedOptions>();
  CLI::App* c = app.add_subcommand("embed", "write a model as a C++ header for firmware");
  c->add_option("MODEL", o->model, ".lithe file with fixed or bounded shapes")->required();
  c->add_option("-o,--output", o->output, "header to write")->required();
  c->add_option("--namespace", o->symbol,
                "namespace of the header's names, as in digits or app::digits (the file's name)");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = embed(*o); });
}

}  // namespace lithe::cli
