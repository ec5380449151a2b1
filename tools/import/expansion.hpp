// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace onnx {
class AttributeProto;
class GraphProto;
class ModelProto;
class NodeProto;
class TensorProto;
}  // namespace onnx

namespace lithe::import {

/// Nodes that stand for one node, in its place and under its name. Their constants go into `graph`; `taken` are the
/// names that values have.
class Expansion {
 public:
  Expansion(const onnx::NodeProto& node, onnx::GraphProto& graph, std::set<std::string>& taken, int opset);
  ~Expansion();

  const onnx::NodeProto& node() const { return node_; }
  int opset() const { return opset_; }  ///< the version of the domain ai.onnx
  int inputs() const;
  std::string input(int i) const;                              ///< empty where it is not given
  std::vector<std::string> inputs(int first, int last) const;  ///< those from first on, before last
  bool has(int i) const { return !input(i).empty(); }
  const onnx::AttributeProto* attribute(std::string_view name) const;  ///< or null
  std::int64_t int_attribute(std::string_view name, std::int64_t fallback) const;
  float float_attribute(std::string_view name, float fallback) const;
  /// Gives `to` the node's attributes but those that `left_out` names.
  void copy_attributes(onnx::NodeProto& to, const std::vector<std::string_view>& left_out = {}) const;
  /// The constant of this graph with this name, or null.
  const onnx::TensorProto* constant(const std::string& name) const;
  /// The dimensions that the file gives a value of this graph; nullopt where one of them is open.
  std::optional<std::vector<std::int64_t>> dims(const std::string& name) const;

  struct Attribute {
    const char* name;
    std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
  };
  /// A node; its inputs may be empty names. Valid until the next one is added.
  onnx::NodeProto& add_node(std::string_view op, const std::vector<std::string>& inputs, int outputs,
                            const std::vector<Attribute>& attributes = {});
  /// A node with one output, whose name it returns.
  std::string add(std::string_view op, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});
  /// Axis i of the result is axis order[i].
  std::string transpose(const std::string& input, std::vector<std::int64_t> order);
  /// The outputs of the last node are the first ones of the node that is expanded.
  void finish();
  std::string ints(std::span<const std::int64_t> values);
  std::string integer(std::int64_t value);
  std::string scalar(float value);
  std::string zero(int onnx_type);
  std::string fresh();  ///< a name that nothing else has

  std::vector<onnx::NodeProto> take();

 private:
  onnx::TensorProto& initializer(int type);

  const onnx::NodeProto& node_;
  onnx::GraphProto& graph_;
  std::set<std::string>& taken_;
  int opset_;
  std::vector<onnx::NodeProto> nodes_;
};

/// An operator that other ONNX operators can express; `expand` returns false for a form of node that they
/// cannot.
struct Expandable {
  const char *domain, *name;
  bool (*expand)(Expansion&);
};

/// Operators on quantized tensors: each becomes DequantizeLinear, the operator on real numbers and
/// QuantizeLinear, which the quantize pass turns into one quantized operator.
std::span<const Expandable> quantized_operators();
/// Operators on integers, and those that ONNX Runtime's dynamic quantization writes.
std::span<const Expandable> integer_operators();
/// What ONNX Runtime's optimizations make of several operators, or of one for another layout.
std::span<const Expandable> fused_operators();

/// Gives ONNX's own domain its one name, "", in nodes and imports: ONNX's checker takes the other one for another domain.
void normalize_domains(onnx::ModelProto& model);

/// ONNX Runtime writes operators of its own in ONNX's domain too, where ONNX does not know them (LayerNormalization
/// before opset 17): they become com.microsoft's.
void name_extensions(onnx::ModelProto& model);

/// Adds the names of the graph's values, those of its subgraphs' left out.
void take_names(const onnx::GraphProto& graph, std::set<std::string>& taken);

/// Expands every node that can be, except those that `kept` names ("domain::Operator", or a domain).
void expand_operators(onnx::ModelProto& model, const std::set<std::string>& kept);

}  // namespace lithe::import
