// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// A node with everything its operator's functions take: attributes parsed, inputs and outputs as contexts.
/// The graph's constants must outlive it.
class BoundNode {
 public:
  BoundNode(const Graph& graph, const Node& node);

  const KernelEntry* kernel() const { return kernel_; }  ///< null: no such operator here (a custom one)
  /// What is wrong with the node before shapes are looked at: Code::unsupported for an operator or attribute
  /// that is not known, Code::dtype where no type row fits.
  Status status() const { return status_; }
  /// Whether the shapes of all present inputs are known.
  bool shapes_known() const;
  /// Whether inputs are all constants or absent.
  bool constant() const;

  /// Infers output shapes; inputs may be changed before (probing shapes and contents).
  Status infer(std::uint64_t max_bytes = std::uint64_t{1} << 40);
  /// Multiply-adds of a run, after infer; 0 for operators that do them in passing only.
  std::uint64_t multiply_adds() const;
  /// Runs the portable kernel after infer; the contents of all inputs must be known.
  Result<std::vector<ConstantPtr>> run();

  std::vector<InferContext::Input> inputs;
  std::vector<InferContext::Output> outputs;
  std::vector<bool> shape_known;  ///< per input; a shape that is not known is empty

 private:
  const Quantization* keep(const std::optional<ValueQuantization>& quantization);
  Status check(const Node& node) const;

  const KernelEntry* kernel_ = nullptr;
  Status status_;
  std::deque<Quantization> quantizations_;
  ParsedAttributes attributes_;
};

}  // namespace lithe::graph
