// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lithe/runtime/plan.hpp"
#include "tools/graph/graph.hpp"

/// Runs operators on the converter's graph: their `infer` on dims, their portable kernels on constants.
namespace lithe::graph {

/// A node with everything its operator's functions take: attributes parsed, inputs and outputs described. The
/// graph's constants must outlive it.
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
  /// Runs the portable kernel after infer; the contents of all inputs must be known.
  Result<std::vector<ConstantPtr>> run();

  std::vector<InferContext::Input> inputs;
  std::vector<InferContext::Output> outputs;
  std::vector<bool> shape_known;  ///< per input; a shape that is not known is empty

 private:
  const Quantization* describe(const std::optional<ValueQuantization>& quantization);
  Status check(const Node& node) const;
  Status parse(const Node& node);

  const KernelEntry* kernel_ = nullptr;
  Status status_;
  std::deque<Quantization> quantizations_;
  std::vector<std::max_align_t> attributes_;
};

/// Multiply-adds of a node by the shapes of its inputs and of its first output; 0 for operators that do them
/// in passing only.
std::uint64_t multiply_adds(std::string_view op, std::span<const Shape> inputs, const Shape& output,
                            bool transpose_a = false);
/// The same of a session's node, at its current shapes.
std::uint64_t multiply_adds(const runtime::PlanNode& node);

struct EvaluationLimits {
  std::uint64_t result_bytes = std::uint64_t{64} << 20;
  std::uint64_t work = std::uint64_t{1} << 31;  ///< multiply-adds of one matrix product or convolution
};

/// The outputs (null where absent) of a node whose inputs are constants, or whose operator reads shapes only
/// and whose inputs have fixed dims. nullopt: it cannot be computed now (inputs not constant, subgraphs,
/// random numbers, over a limit, or refused by its operator).
std::optional<std::vector<ConstantPtr>> evaluate(const Graph& graph, const Node& node,
                                                 const EvaluationLimits& limits = {});

/// Fills the dims of values whose producers' inputs have fixed dims. Where only the inputs' ranks are known:
/// the dimensions that do not depend on the open ones, and the rank of values that have none; symbols that
/// the operator's rule contradicts become unknown. Nodes that cannot be inferred keep what they have.
void infer_dims(Graph& graph);
/// The same for the outputs of one node; its inputs must be up to date. The status is that of `infer` where
/// all inputs have fixed dims, except that Code::needs_value counts as ok.
Status infer_dims(Graph& graph, const Node& node);

}  // namespace lithe::graph
