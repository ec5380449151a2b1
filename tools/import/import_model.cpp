// SPDX-License-Identifier: Apache-2.0
#include "tools/import/import_model.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tools/import/domains.hpp"
#include "tools/import/graph_import.hpp"

namespace lithe::import {

namespace {

std::string summary(const std::string& file, const std::vector<Problem>& problems, int nodes) {
  std::set<std::string> operators;
  for (const Problem& p : problems)
    if (!p.op_type.empty()) operators.insert(p.domain.empty() ? p.op_type : p.domain + "::" + p.op_type);
  std::string names;
  for (const std::string& op : operators) names += (names.empty() ? ": " : ", ") + op;
  const auto refused = static_cast<std::size_t>(
      std::count_if(problems.begin(), problems.end(), [](const Problem& p) { return !p.op_type.empty(); }));
  std::string what;
  if (refused != 0) what = std::to_string(refused) + " of " + std::to_string(nodes) + " nodes";
  if (refused != problems.size())
    what += (refused == 0 ? "" : " and ") + std::to_string(problems.size() - refused) + " inputs or outputs";
  return file + ": " + what + " cannot be converted" + names +
         "; nothing was written, each is explained above";
}

std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> all;
  for (const Problem& p : problems) all.push_back(p.line());
  return all;
}

graph::Signature main_signature() { return {.name = "main", .graph = 0, .states = {}}; }

}  // namespace

std::string Problem::line() const {
  std::string text = node;
  if (!op_type.empty())
    text += " (" + (domain.empty() ? op_type : domain + "::" + op_type) + ", opset " + std::to_string(opset) +
            (scope.empty() ? "" : ", " + scope) + ")";
  text += ": " + reason;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

UnsupportedModel::UnsupportedModel(const std::string& file, std::vector<Problem> all, int nodes)
    : Failure(report::exits::bad_input, summary(file, all, nodes), lines(all)), problems(std::move(all)) {}

graph::Model import_model(const ParsedModel& parsed, const ImportOptions& options) {
  ModelImport shared{options, {}, {}, {}, {}, {}, 0};
  register_all(shared.table);
  for (const auto& opset : parsed.proto->opset_import())
    shared.opsets[normalized(opset.domain())] = static_cast<int>(opset.version());
  shared.model.graphs.resize(1);
  GraphImport main(shared, nullptr, parsed.proto->graph());
  main.import_inputs();
  main.import_nodes();
  main.import_outputs();
  if (!shared.problems.empty()) throw UnsupportedModel(parsed.name, std::move(shared.problems), shared.nodes);
  if (main.graph.outputs.empty())
    report::bad_input(parsed.name + ": the model has no outputs; export it again");
  shared.model.graphs[0] = std::move(main.graph);
  shared.model.signatures = {main_signature()};
  shared.model.producer = "lithe convert";
  shared.model.source_name = parsed.name;
  shared.model.source_hash = parsed.hash;
  return std::move(shared.model);
}

}  // namespace lithe::import
