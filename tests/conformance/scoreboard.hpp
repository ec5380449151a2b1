// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "lithe/core/dtype.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::test {

/// The page that says, ONNX operator by ONNX operator, what lithe imports, as what, and how its node tests
/// end.
class Scoreboard {
 public:
  using Operator = std::pair<std::string, std::string>;  ///< domain ("" is ai.onnx) and type

  /// The end of a node test of `op`, whose model says `opset`. `imported` is the model before passes, where the test
  /// passed and shows how lithe imports the operator itself; else null.
  void add(const Operator& op, int opset, bool passed, const graph::Model* imported);
  /// A form of `op` that no node test has, as lithe imports it.
  void show(const Operator& op, const graph::Model& imported);
  /// The line of README.md, "Imported: ...".
  std::string summary() const;
  /// Markdown: the summary, a table of the operators that are imported, the others, and a table of opsets.
  std::string page() const;

 private:
  struct Tests {
    int passed = 0, all = 0;
    void add(bool pass) {
      ++all;
      passed += pass ? 1 : 0;
    }
    std::string text() const { return std::to_string(passed) + " / " + std::to_string(all); }
  };
  struct Entry {
    Tests tests;
    std::set<std::string> becomes;
    std::set<DType> dtypes;  ///< the types of input 0; `any` for all
  };
  /// Operators with an importer, and those that are imported as others; with their oldest opset.
  std::map<Operator, int> supported() const;
  std::string row(const Operator& op, int oldest, const Entry& entry) const;

  std::map<Operator, Entry> entries_;
  std::map<int, Tests> opsets_;
};

}  // namespace lithe::test
