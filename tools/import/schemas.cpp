// SPDX-License-Identifier: Apache-2.0
#include "tools/import/schemas.hpp"

#include <onnx/defs/shape_inference.h>

#include <cctype>
#include <map>
#include <optional>
#include <string>

namespace lithe::import {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// Whether ONNX's inference of an Einsum stays within its arrays: all ellipses stand for as many axes, and
/// the output names letters of the inputs only.
bool einsum_is_safe(onnx::InferenceContext& context) {
  const auto* attribute = context.getAttribute("equation");
  if (attribute == nullptr) return false;
  const std::string& equation = attribute->s();
  const std::size_t arrow = equation.find("->");
  const std::string inputs = equation.substr(0, arrow);
  for (char c : arrow == std::string::npos ? std::string() : equation.substr(arrow + 2))
    if (is_letter(c) && inputs.find(c) == std::string::npos) return false;
  std::optional<int> width;
  std::size_t first = 0;
  for (std::size_t i = 0; i < context.getNumInputs() && first <= inputs.size(); ++i) {
    const std::string term = inputs.substr(first, inputs.find(',', first) - first);
    first += term.size() + 1;
    if (term.find("...") == std::string::npos || !onnx::hasInputShape(context, i)) continue;
    int axes = context.getInputType(i)->tensor_type().shape().dim_size();
    for (char c : term) axes -= is_letter(c) ? 1 : 0;
    if (width && *width != axes) return false;
    width = axes;
  }
  return true;
}

class Schemas final : public onnx::ISchemaRegistry {
 public:
  const onnx::OpSchema* GetSchema(const std::string& key, int version,
                                  const std::string& domain) const override {
    const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Instance()->GetSchema(key, version, domain);
    if (schema == nullptr || key != "Einsum" || !domain.empty()) return schema;
    const auto [it, fresh] = guarded_.emplace(schema->SinceVersion(), *schema);
    if (fresh)
      it->second.TypeAndShapeInferenceFunction([infer = schema->GetTypeAndShapeInferenceFunction()](
                                                   onnx::InferenceContext& context) {
        einsum_is_safe(context) ? infer(context) : onnx::propagateElemTypeFromInputToOutput(context, 0, 0);
      });
    return &it->second;
  }

 private:
  mutable std::map<int, onnx::OpSchema> guarded_;
};

}  // namespace

const onnx::ISchemaRegistry& schemas() {
  static thread_local const Schemas instance;
  return instance;
}

}  // namespace lithe::import
