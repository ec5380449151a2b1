// SPDX-License-Identifier: Apache-2.0
#include "tools/import/quantized_operators.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tools/import/graph_import.hpp"

namespace lithe::import {
namespace {

constexpr const char* microsoft = "com.microsoft";
constexpr int missing = -1, every_third = -2;

/// Inputs `first`, scale and zero point are one quantized tensor; several scales lie along `axis`.
struct Operand {
  int first;
  int axis = 0;
};

/// A quantized operator and its inputs. `plain` inputs in front are not quantized; `output` is where the
/// output's scale and zero point stand; the bias has the product of the operands' scales.
struct Form {
  const char *domain, *name, *op;
  std::vector<Operand> operands;
  int output;
  int bias = missing;
  int plain = 0;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> table = {
      {"", "QLinearConv", "Conv", {{0}, {3}}, 6, 8},
      {"", "QLinearMatMul", "MatMul", {{0, -2}, {3, -1}}, 6},
      {microsoft, "QGemm", "Gemm", {{0}, {3, 1}}, 7, 6},
      {microsoft, "QLinearAdd", "Add", {{0}, {3}}, 6},
      {microsoft, "QLinearAveragePool", "AveragePool", {{0}}, 3},
      {microsoft, "QLinearConcat", "Concat", {{every_third}}, 0},
      {microsoft, "QLinearConv", "Conv", {{0}, {3}}, 6, 8},
      {microsoft, "QLinearGlobalAveragePool", "GlobalAveragePool", {{0}}, 3},
      {microsoft, "QLinearLeakyRelu", "LeakyRelu", {{0}}, 3},
      {microsoft, "QLinearMul", "Mul", {{0}, {3}}, 6},
      {microsoft, "QLinearReduceMean", "ReduceMean", {{0}}, 3},
      {microsoft, "QLinearSigmoid", "Sigmoid", {{0}}, 3},
      {microsoft, "QLinearSoftmax", "Softmax", {{0}}, 3},
      {microsoft, "QLinearWhere", "Where", {{1}, {4}}, 7, missing, 1},
  };
  return table;
}

template <class Visit>
void each_graph(onnx::GraphProto& graph, const Visit& visit) {
  visit(graph);
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) each_graph(*attribute.mutable_g(), visit);
      for (auto& g : *attribute.mutable_graphs()) each_graph(g, visit);
    }
}

const onnx::AttributeProto* find(const onnx::NodeProto& node, const std::string& name) {
  for (const auto& a : node.attribute())
    if (a.name() == name) return &a;
  return nullptr;
}

void set_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
  auto& a = *node.add_attribute();
  a.set_name(name), a.set_type(onnx::AttributeProto::INT), a.set_i(value);
}

std::string text(const onnx::NodeProto& node, int i) {
  return i >= 0 && i < node.input_size() ? node.input(i) : std::string();
}

/// Whether attribute `name` is missing or `value`.
bool is_int(const onnx::NodeProto& node, const char* name, std::int64_t value) {
  const auto* a = find(node, name);
  return a == nullptr || (a->type() == onnx::AttributeProto::INT && a->i() == value);
}

/// The nodes that stand for one quantized node.
class Expansion {
 public:
  Expansion(const onnx::NodeProto& node, const Form& form, std::set<std::string>& taken,
            onnx::GraphProto& graph, int opset)
      : node_(node), form_(form), taken_(taken), graph_(graph), opset_(opset) {
    if (node.output_size() > 0) base_ = node.output(0);
  }

  /// False where the node's form is not one that nodes on real numbers express.
  bool run() {
    if (!expressible()) return false;
    onnx::NodeProto inner;
    inner.set_name(name_of(node_)), inner.set_op_type(form_.op);
    for (int i = 0; i < form_.plain; ++i) inner.add_input(text(node_, i));
    std::vector<Operand> operands = form_.operands;
    if (operands[0].first == every_third) {
      operands.clear();
      for (int i = 2; i < node_.input_size(); i += 3) operands.push_back({i});
    }
    for (Operand operand : operands) {
      if (operand.first == 3 && int_of("transB", 0) != 0) operand.axis = 0;
      inner.add_input(dequantized(text(node_, operand.first), text(node_, operand.first + 1),
                                  text(node_, operand.first + 2), operand.axis));
    }
    if (!text(node_, form_.bias).empty()) inner.add_input(bias());
    attributes(inner);
    finish(std::move(inner));
    return true;
  }
  std::vector<onnx::NodeProto> nodes;

 private:
  std::int64_t int_of(const char* name, std::int64_t fallback) const {
    const auto* a = find(node_, name);
    return a == nullptr ? fallback : a->i();
  }

  bool expressible() const {
    if (node_.output_size() != 1 || node_.input_size() <= form_.output) {
      if (form_.op != std::string("Gemm") || node_.output_size() != 1) return false;
    }
    if (!is_int(node_, "channels_last", 0)) return false;
    if (find(node_, "opset") == nullptr) return true;
    // Softmax changed its meaning with opset 13, except along the last axis.
    return (int_of("opset", 0) < 13) == (opset_ < 13) || int_of("axis", 0) == -1;
  }

  std::string fresh(const std::string& what) {
    std::string name = base_ + "/" + what;
    for (int i = 1; !taken_.insert(name).second; ++i) name = base_ + "/" + what + "_" + std::to_string(i);
    return name;
  }

  std::string add(const char* op, std::initializer_list<std::string> inputs, const char* what,
                  std::optional<int> axis = {}) {
    onnx::NodeProto& node = nodes.emplace_back();
    node.set_name(name_of(node_)), node.set_op_type(op);
    for (const std::string& input : inputs)
      if (!input.empty()) node.add_input(input);
    node.add_output(fresh(what));
    if (axis) set_int(node, "axis", *axis);
    return node.output(0);
  }

  std::string dequantized(const std::string& stored, const std::string& scale, const std::string& zero_point,
                          int axis) {
    return add("DequantizeLinear", {stored, scale, zero_point}, "real", axis);
  }

  /// s32 in steps of the first operand's scale times the second's; Gemm's also times alpha.
  std::string bias() {
    const int a = form_.operands[0].first, b = form_.operands[1].first;
    std::string scale = add("Mul", {text(node_, a + 1), text(node_, b + 1)}, "scale");
    if (const auto* alpha = find(node_, "alpha"); alpha != nullptr && alpha->f() != 1) {
      auto& factor = *graph_.add_initializer();
      factor.set_name(fresh("alpha")), factor.set_data_type(onnx::TensorProto::FLOAT);
      factor.add_float_data(alpha->f());
      scale = add("Mul", {scale, factor.name()}, "scale");
    }
    return dequantized(text(node_, form_.bias), scale, {}, 0);
  }

  void attributes(onnx::NodeProto& inner) {
    for (const auto& a : node_.attribute()) {
      if (a.name() == "channels_last" || a.name() == "opset") continue;
      if (a.name() == "axes" && opset_ >= 18) {
        auto& axes = *graph_.add_initializer();
        axes.set_name(fresh("axes")), axes.set_data_type(onnx::TensorProto::INT64);
        axes.add_dims(a.ints_size());
        for (std::int64_t axis : a.ints()) axes.add_int64_data(axis);
        inner.add_input(axes.name());
      } else {
        *inner.add_attribute() = a;
      }
    }
  }

  /// 0 of the type of the first zero point that the node has, u8 where it has none.
  std::string zero() {
    int type = onnx::TensorProto::UINT8;
    for (const Operand& operand : form_.operands)
      for (const auto& t : graph_.initializer())
        if (t.name() == text(node_, (operand.first == every_third ? 2 : operand.first) + 2))
          type = t.data_type();
    auto& zero = *graph_.add_initializer();
    zero.set_name(fresh("zero_point")), zero.set_data_type(type), zero.add_int32_data(0);
    return zero.name();
  }

  void finish(onnx::NodeProto inner) {
    const std::string scale = text(node_, form_.output), zero_point = text(node_, form_.output + 1);
    inner.add_output(scale.empty() ? node_.output(0) : fresh("real"));
    const std::string real = inner.output(0);
    nodes.push_back(std::move(inner));
    if (scale.empty()) return;  // QGemm may give real numbers
    add("QuantizeLinear", {real, scale, zero_point.empty() ? zero() : zero_point}, "quantized");
    nodes.back().set_output(0, node_.output(0));
  }

  const onnx::NodeProto& node_;
  const Form& form_;
  std::set<std::string>& taken_;
  onnx::GraphProto& graph_;
  int opset_;
  std::string base_;
};

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? std::string() : domain; }

const Form* form_of(const onnx::NodeProto& node, const std::set<std::string>& kept) {
  const std::string domain = domain_of(node.domain());
  if (kept.contains(domain) || kept.contains(domain + "::" + node.op_type())) return nullptr;
  for (const Form& form : forms())
    if (node.op_type() == form.name && domain == form.domain) return &form;
  return nullptr;
}

}  // namespace

void expand_quantized_operators(onnx::ModelProto& model, const std::set<std::string>& kept) {
  int opset = 1;
  for (const auto& o : model.opset_import())
    if (domain_of(o.domain()).empty()) opset = static_cast<int>(o.version());
  std::set<std::string> taken;
  bool any = false;
  each_graph(*model.mutable_graph(), [&](onnx::GraphProto& graph) {
    for (const auto& t : graph.initializer()) taken.insert(t.name());
    for (const auto& input : graph.input()) taken.insert(input.name());
    for (const auto& node : graph.node()) {
      taken.insert(node.output().begin(), node.output().end());
      any = any || form_of(node, kept) != nullptr;
    }
  });
  if (!any) return;
  each_graph(*model.mutable_graph(), [&](onnx::GraphProto& graph) {
    auto before = std::move(*graph.mutable_node());
    graph.clear_node();
    for (auto& node : before) {
      const Form* form = form_of(node, kept);
      std::optional<Expansion> expansion;
      if (form != nullptr) expansion.emplace(node, *form, taken, graph, opset);
      if (expansion && expansion->run())
        for (auto& replacement : expansion->nodes) *graph.add_node() = std::move(replacement);
      else
        *graph.add_node() = std::move(node);
    }
  });
}

}  // namespace lithe::import
