// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/scoreboard.hpp"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "tools/graph/operators.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/parse.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

using DTypes = std::set<DType>;

/// The element types of data that an operator's type rows take: those of input 0, or all where output 0 may
/// be of any (Where, whose input 0 is a condition).
DTypes data_types(const OperatorEntry& op) {
  DTypes all;
  for (const TypeRow& row : op.types) {
    const bool open =
        row.outputs.size() > 0 && (row.outputs[0] == DType::any || row.outputs[0] == DType::any_output);
    all.insert(open || row.inputs.size() == 0 ? DType::any : row.inputs[0]);
  }
  return all;
}

DTypes intersection(const DTypes& a, const DTypes& b) {
  if (a.contains(DType::any)) return b;
  if (b.contains(DType::any)) return a;
  DTypes both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

/// Moves data or changes its form around the operators that compute.
bool is_helper(const std::string& op) {
  const KernelEntry* kernel = graph::find_kernel(op);
  return op == "Transpose" || op == "Cast" || (kernel != nullptr && kernel->op->spec->alias);
}

/// The element types that input 0 of `model` may have: what every node takes that reads it, or a value of its
/// type, first. A Cast to the type that is computed in says nothing of other types.
DTypes types_of(const graph::Model& model, bool converts) {
  const graph::Graph& main = model.graphs[0];
  DTypes all{DType::any};
  if (main.inputs.empty()) return all;
  const DType dtype = main.value(main.inputs[0]).dtype;
  for (const graph::Graph& graph : model.graphs)
    for (const graph::Node& node : graph.nodes) {
      if (node.inputs.empty() || node.inputs[0] < 0 || graph.value(node.inputs[0]).dtype != dtype) continue;
      if (node.op == "Cast" && !converts && graph.value(node.outputs[0]).dtype != dtype)
        all = intersection(all, {dtype});
      else if (const KernelEntry* kernel = graph::find_kernel(node.op, node.version))
        all = intersection(all, data_types(*kernel->op));
    }
  return all;
}

/// ONNX's name of a tensor type; DType::none for sequences, optionals, texts and complex numbers.
DType dtype_of_onnx(std::string_view type) {
  constexpr std::pair<std::string_view, DType> names[] = {
      {"float", DType::f32},         {"double", DType::f64},
      {"float16", DType::f16},       {"bfloat16", DType::bf16},
      {"int8", DType::s8},           {"int16", DType::s16},
      {"int32", DType::s32},         {"int64", DType::s64},
      {"uint8", DType::u8},          {"uint16", DType::u16},
      {"uint32", DType::u32},        {"uint64", DType::u64},
      {"bool", DType::boolean},      {"int4", DType::s4},
      {"uint4", DType::u4},          {"int2", DType::s2},
      {"uint2", DType::u2},          {"float8e4m3fn", DType::f8e4m3fn},
      {"float8e5m2", DType::f8e5m2}, {"float8e4m3fnuz", DType::f8e4m3fnuz},
      {"float8e8m0", DType::f8e8m0}, {"float8e5m2fnuz", DType::f8e5m2fnuz},
      {"float4e2m1", DType::f4e2m1},
  };
  if (!type.starts_with("tensor(")) return DType::none;
  const std::string_view element = type.substr(7, type.size() - 8);
  const auto* found =
      std::find_if(std::begin(names), std::end(names), [&](const auto& n) { return n.first == element; });
  return found == std::end(names) ? DType::none : found->second;
}

/// The element types that ONNX allows for input 0; all where the operator has no inputs or no schema.
DTypes types_of_onnx(const onnx::OpSchema* schema) {
  DTypes types;
  if (schema == nullptr || schema->inputs().empty()) return {DType::any};
  for (const std::string* type : schema->inputs()[0].GetTypes())
    if (const DType dtype = dtype_of_onnx(*type); dtype != DType::none) types.insert(dtype);
  return types;
}

std::string join(const auto& parts, std::string_view between) {
  std::string line;
  for (const auto& part : parts) line.append(line.empty() ? "" : between).append(part);
  return line;
}

std::vector<std::string> names_of(const DTypes& types) {
  std::vector<std::string> names;
  for (DType type : types) names.emplace_back(name(type));
  return names;
}

std::string types_text(const DTypes& ours, const onnx::OpSchema* schema) {
  if (ours.empty()) return "";
  const DTypes onnx = types_of_onnx(schema), both = intersection(ours, onnx);
  std::string line = both == onnx ? "all" : join(names_of(both), " ");
  DTypes quantized;
  for (DType type : {DType::s8, DType::u8})
    if (ours.contains(type) && !both.contains(type)) quantized.insert(type);
  return quantized.empty() ? line : line + " + " + join(names_of(quantized), " ");
}

/// xnn, simd or portable.
std::string kind_of(const KernelEntry& kernel) {
  const std::string_view name = kernel.name;
  return std::string(name.substr(0, name.find("::")));
}

/// Kinds of kernels, fastest first, that one of the operators has.
std::string kinds_text(const std::set<std::string>& operators) {
  std::vector<std::string> kinds;
  for (const KernelEntry& kernel : all_kernels()) {
    const std::string kind = kind_of(kernel);
    if (operators.contains(kernel.op->spec->name) &&
        std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
      kinds.push_back(kind);
  }
  return join(kinds, " ");
}

std::string title(const Scoreboard::Operator& op) {
  return op.first.empty() ? op.second : op.first + "." + op.second;
}

const import::ImporterTable& importer_table() {
  static const import::ImporterTable table = [] {
    import::ImporterTable all;
    import::register_all(all);
    return all;
  }();
  return table;
}

struct History {
  int first = 0;
  const onnx::OpSchema* newest = nullptr;
};

/// One entry for every operator of ONNX; deprecated forms are left out.
std::map<Scoreboard::Operator, History> histories() {
  static const std::vector<onnx::OpSchema> schemas = onnx::OpSchemaRegistry::get_all_schemas_with_history();
  std::map<Scoreboard::Operator, History> all;
  for (const onnx::OpSchema& schema : schemas) {
    const bool imported = !schema.domain().empty() || schema.SinceVersion() <= import::newest_opset;
    if (schema.deprecated() || !imported) continue;
    History& history = all[{schema.domain(), schema.Name()}];
    if (history.first == 0 || schema.SinceVersion() < history.first) history.first = schema.SinceVersion();
    if (history.newest == nullptr || schema.SinceVersion() > history.newest->SinceVersion())
      history.newest = &schema;
  }
  return all;
}

}  // namespace

void Scoreboard::add(const Operator& op, int opset, bool passed, const graph::Model* imported) {
  entries_[op].tests.add(passed);
  opsets_[opset].add(passed);
  if (imported != nullptr) show(op, *imported);
}

void Scoreboard::show(const Operator& op, const graph::Model& imported) {
  Entry& entry = entries_[op];
  for (const graph::Graph& graph : imported.graphs)
    for (const graph::Node& node : graph.nodes) entry.becomes.insert(node.op);
  entry.dtypes.merge(types_of(imported, op.second.starts_with("Cast")));
}

std::string Scoreboard::row(const Operator& op, int oldest, const Entry& entry) const {
  static const auto all = histories();
  const auto history = all.find(op);
  const onnx::OpSchema* schema = history == all.end() ? nullptr : history->second.newest;
  if (schema != nullptr) oldest = std::max(oldest, history->second.first);
  if (op.first.empty()) oldest = std::max(oldest, import::oldest_opset);
  const int newest = schema == nullptr ? oldest : std::max(oldest, schema->SinceVersion());
  std::set<std::string> operators;
  for (const std::string& o : entry.becomes)
    if (!is_helper(o)) operators.insert(o);
  if (operators.empty()) operators = entry.becomes;
  return "| " + title(op) + " | " + std::to_string(oldest) + "-" + std::to_string(newest) + " | " +
         join(operators, ", ") + " | " + types_text(entry.dtypes, schema) + " | " + kinds_text(operators) +
         " | " + entry.tests.text() + " |\n";
}

std::map<Scoreboard::Operator, int> Scoreboard::supported() const {
  std::map<Operator, int> oldest;
  for (const auto& [op, importers] : importer_table().entries()) oldest[op] = importers.front().oldest;
  for (const auto& [op, entry] : entries_)  // those that are expanded, or functions of ONNX
    if (!entry.becomes.empty()) oldest.emplace(op, import::oldest_opset);
  return oldest;
}

std::string Scoreboard::summary() const {
  int passed = 0, tests = 0;
  for (const auto& [opset, ended] : opsets_) {
    passed += ended.passed;
    tests += ended.all;
  }
  std::set<std::string> operators;
  std::map<std::string, std::set<std::string>> by_kind;
  for (const KernelEntry& kernel : all_kernels()) {
    operators.insert(kernel.op->spec->name);
    by_kind[kind_of(kernel)].insert(kernel.op->spec->name);
  }
  std::vector<std::string> kinds;
  for (const auto& [kind, names] : by_kind) kinds.push_back(kind + " " + std::to_string(names.size()));
  return "Imported: " + std::to_string(supported().size()) + " operators of ONNX, as " +
         std::to_string(operators.size()) + " of lithe's (kernels: " + join(kinds, ", ") +
         "). Node tests passed: " + std::to_string(passed) + " of " + std::to_string(tests) + ".";
}

std::string Scoreboard::page() const {
  const std::map<Operator, int> imported = supported();
  std::string page =
      "# Operators of ONNX in lithe\n\n" + summary() +
      "\n\n"
      "Written by `tests/conformance` from the results of ONNX's node tests; do not edit. A test passes "
      "where the\n"
      "model converts, its check does not differ, and all kernels give the recorded outputs. Anew:\n"
      "`LITHE_WRITE_SCOREBOARD=1 ctest --preset dev -R Conformance`.\n\n"
      "- opsets: the oldest whose form is imported, and that of the newest form, which holds up to opset " +
      std::to_string(import::newest_opset) +
      ".\n"
      "- becomes: lithe's operators in the node tests, without passes; Transpose, Cast and reshapes only "
      "where\n"
      "  nothing else is left. Empty: nothing remains to be run, or no test shows it.\n"
      "- types: element types of input 0; \"all\" of those that ONNX allows (but texts and complex "
      "numbers).\n"
      "  After \"+\": also between QuantizeLinear and DequantizeLinear.\n"
      "- kernels: kinds that at least one of lithe's operators has; each for types and attributes of its "
      "own.\n"
      "- tests: node tests passed / of, the expanded forms of an operator among its own.\n\n"
      "| operator | opsets | becomes | types | kernels | tests |\n|---|---|---|---|---|--:|\n";
  const auto tested = [&](const Operator& op) {
    const auto found = entries_.find(op);
    return found == entries_.end() ? Entry{} : found->second;
  };
  for (const auto& [op, oldest] : imported) page += row(op, oldest, tested(op));
  std::map<Operator, int> missing;
  for (const auto& [op, history] : histories()) missing[op] = 0;
  for (const auto& [op, entry] : entries_) missing[op] = entry.tests.all;
  page += "\n## Not supported\n\nWith their number of node tests.\n\n";
  for (const auto& [op, count] : missing)
    if (!imported.contains(op)) page += "- " + title(op) + ": " + std::to_string(count) + "\n";
  page += "\n## By opset\n\n| opset of the model | tests |\n|--:|--:|\n";
  for (const auto& [opset, ended] : opsets_)
    page += "| " + (opset == 0 ? "other domains" : std::to_string(opset)) + " | " + ended.text() + " |\n";
  return page;
}

}  // namespace lithe::test
