// SPDX-License-Identifier: Apache-2.0
#include "tools/import/unknown_operators.hpp"

#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "tools/import/domains.hpp"
#include "tools/import/import_model.hpp"
#include "tools/import/parse.hpp"

namespace lithe::import {

namespace {

constexpr std::string_view mark = "unknown operators of ";

using Opsets = std::map<std::string, int>;  ///< by domain, as normalized() gives it

Opsets opsets_of(const auto& imports) {
  Opsets opsets;
  for (const auto& o : imports) opsets[normalized(o.domain())] = static_cast<int>(o.version());
  return opsets;
}

const onnx::OpSchema* schema_of(const std::string& domain, const std::string& op, int opset) {
  return onnx::OpSchemaRegistry::Instance()->GetSchema(op, opset, domain);
}

bool is_own(const std::string& domain) {
  static constexpr std::array<std::string_view, 4> own = {"", tabular, "ai.onnx.training",
                                                          "ai.onnx.preview.training"};
  return std::find(own.begin(), own.end(), domain) != own.end();
}

class Apart {
 public:
  explicit Apart(const onnx::ModelProto& model) {
    for (const auto& f : model.functions()) functions_.insert(normalized(f.domain()) + "::" + f.name());
  }

  void set(auto& nodes, const Opsets& opsets) {
    for (onnx::NodeProto& node : nodes) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) set(*attribute.mutable_g()->mutable_node(), opsets);
        for (auto& g : *attribute.mutable_graphs()) set(*g.mutable_node(), opsets);
      }
      const std::string domain = normalized(node.domain());
      const auto opset = opsets.find(domain);
      if (!is_own(domain) || opset == opsets.end() || functions_.contains(domain + "::" + node.op_type()))
        continue;
      const onnx::OpSchema* schema = schema_of(domain, node.op_type(), opset->second);
      if (schema != nullptr && !schema->Deprecated()) continue;
      node.set_domain(std::string(mark) + domain);
      domains_.insert(node.domain());
    }
  }

  void add_imports(auto& imports) const {
    for (const std::string& domain : domains_) {
      auto& import = *imports.Add();
      import.set_domain(domain);
      import.set_version(1);
    }
  }

 private:
  std::set<std::string> functions_, domains_;
};

}  // namespace

void set_unknown_operators_apart(onnx::ModelProto& model) {
  Apart apart(model);
  apart.set(*model.mutable_graph()->mutable_node(), opsets_of(model.opset_import()));
  for (auto& f : *model.mutable_functions()) apart.set(*f.mutable_node(), opsets_of(f.opset_import()));
  apart.add_imports(*model.mutable_opset_import());
  for (auto& f : *model.mutable_functions()) apart.add_imports(*f.mutable_opset_import());
}

bool is_set_apart(const std::string& domain) { return domain.starts_with(mark); }

std::string given_domain(const std::string& domain) {
  return normalized(is_set_apart(domain) ? std::string_view(domain).substr(mark.size()) : domain);
}

void explain_unknown_operator(Problem& problem) {
  const std::string whose = problem.domain.empty() ? "ONNX" : problem.domain,
                    opset = "opset " + std::to_string(problem.opset);
  int first = 0, last = 0;  // the opsets that have it
  for (int v = 1; v <= newest_opset; ++v) {
    const onnx::OpSchema* schema = schema_of(problem.domain, problem.op_type, v);
    if (schema == nullptr || schema->Deprecated()) continue;
    if (first == 0) first = v;
    last = v;
  }
  if (first == 0) {
    problem.reason = whose + " has no operator of this name";
    problem.remedy =
        "replace it by operators of ONNX; one of your own, whose kernel you bring along, is named with "
        "--custom " +
        problem.domain + "::" + problem.op_type;
  } else if (problem.opset < first) {
    problem.reason =
        whose + " has this operator from opset " + std::to_string(first) + " on, but the model says " + opset;
    problem.remedy = "export it again with opset " + std::to_string(first) + " or newer";
  } else {
    problem.reason = whose + " took this operator out after opset " + std::to_string(last) +
                     ", but the model says " + opset;
    problem.remedy =
        "export it again with opset " + std::to_string(last) + " or older, or without this operator";
  }
}

}  // namespace lithe::import
