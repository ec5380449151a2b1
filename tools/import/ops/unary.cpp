// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/unary.hpp"

#include <string_view>

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// Element-wise operators of one input that lithe shares with ONNX, name, attributes and defaults.
void register_unary(ImporterTable& table) {
  struct Row {
    const char* name;
    Importer importer;
  };
  constexpr Row rows[] = {
      {"Abs", import_row<ops::Abs>},
      {"Acos", import_row<ops::Acos>},
      {"Acosh", import_row<ops::Acosh>},
      {"Asin", import_row<ops::Asin>},
      {"Asinh", import_row<ops::Asinh>},
      {"Atan", import_row<ops::Atan>},
      {"Atanh", import_row<ops::Atanh>},
      {"Ceil", import_row<ops::Ceil>},
      {"BitwiseNot", import_row<ops::BitwiseNot>},
      {"Celu", import_row<ops::Celu>},
      {"Cos", import_row<ops::Cos>},
      {"Cosh", import_row<ops::Cosh>},
      {"Elu", import_row<ops::Elu>},
      {"Erf", import_row<ops::Erf>},
      {"Exp", import_row<ops::Exp>},
      {"Floor", import_row<ops::Floor>},
      {"Gelu", import_row<ops::Gelu>},
      {"HardSigmoid", import_row<ops::HardSigmoid>},
      {"HardSwish", import_row<ops::HardSwish>},
      {"IsInf", import_row<ops::IsInf>},
      {"IsNaN", import_row<ops::IsNaN>},
      {"LeakyRelu", import_row<ops::LeakyRelu>},
      {"Log", import_row<ops::Log>},
      {"Mish", import_row<ops::Mish>},
      {"Neg", import_row<ops::Neg>},
      {"Not", import_row<ops::Not>},
      {"Reciprocal", import_row<ops::Reciprocal>},
      {"Relu", import_row<ops::Relu>},
      {"Round", import_row<ops::Round>},
      {"Selu", import_row<ops::Selu>},
      {"Sigmoid", import_row<ops::Sigmoid>},
      {"Sign", import_row<ops::Sign>},
      {"Sin", import_row<ops::Sin>},
      {"Sinh", import_row<ops::Sinh>},
      {"Softplus", import_row<ops::Softplus>},
      {"Softsign", import_row<ops::Softsign>},
      {"Sqrt", import_row<ops::Sqrt>},
      {"Tan", import_row<ops::Tan>},
      {"Tanh", import_row<ops::Tanh>},
      {"ThresholdedRelu", import_row<ops::ThresholdedRelu>},
  };
  constexpr int first_selu = 6;  // before, its constants are others: old_forms.cpp
  for (const Row& row : rows)
    table.add(row.name, row.importer, row.name == std::string_view("Selu") ? first_selu : 1);
}

}  // namespace lithe::import
