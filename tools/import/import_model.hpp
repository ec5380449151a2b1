// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/import/parse.hpp"
#include "tools/report/error.hpp"

namespace lithe::import {

/// A node that cannot be converted, and why.
struct Problem {
  std::string node;  ///< its name, or "<op_type> -> <first output>"
  std::string op_type, domain;
  int opset = 0;
  std::string reason;
  std::string remedy;   ///< may be empty
  std::string scope{};  ///< the subgraph, function or module that it stands in; empty: the main graph

  std::string line() const;
};

/// Everything that stands in the way of a conversion, at once; `details` holds one line each.
struct UnsupportedModel : report::Failure {
  std::vector<Problem> problems;
  UnsupportedModel(const std::string& file, std::vector<Problem> all, int nodes);
};

struct ImportOptions {
  /// ONNX operators outside the tree, "domain::Operator" -> name of the lithe operator (empty: the same
  /// text). The attributes are copied as they are; outputs have the types that the model declares.
  std::map<std::string, std::string> custom{};
  /// Domains whose operators are all of this kind.
  std::set<std::string> custom_domains{};
  /// Where importers write what is worth knowing of nodes that were imported, one line each; may be null.
  std::vector<std::string>* notes = nullptr;
};

/// The graph as the importers build it, before any pass. Throws UnsupportedModel.
graph::Model import_model(const ParsedModel& model, const ImportOptions& options = {});

}  // namespace lithe::import
