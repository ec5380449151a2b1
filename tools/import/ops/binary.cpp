// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// Element-wise operators of two inputs that lithe shares with ONNX. Max and Min, which take any number:
/// variadic.cpp. Pow, which takes two dtypes: pow.cpp. Before opset 7: old_forms.cpp.
void register_binary(ImporterTable& table) {
  struct Row {
    const char* name;
    Importer importer;
  };
  constexpr Row rows[] = {
      {"Add", import_row<ops::Add>},
      {"And", import_row<ops::And>},
      {"BitShift", import_row<ops::BitShift>},
      {"BitwiseAnd", import_row<ops::BitwiseAnd>},
      {"BitwiseOr", import_row<ops::BitwiseOr>},
      {"BitwiseXor", import_row<ops::BitwiseXor>},
      {"Div", import_row<ops::Div>},
      {"Equal", import_row<ops::Equal>},
      {"Greater", import_row<ops::Greater>},
      {"GreaterOrEqual", import_row<ops::GreaterOrEqual>},
      {"Less", import_row<ops::Less>},
      {"LessOrEqual", import_row<ops::LessOrEqual>},
      {"Mod", import_row<ops::Mod>},
      {"Mul", import_row<ops::Mul>},
      {"Or", import_row<ops::Or>},
      {"PRelu", import_row<ops::PRelu>},
      {"Sub", import_row<ops::Sub>},
      {"Xor", import_row<ops::Xor>},
  };
  constexpr int first_with_broadcasting = 7;
  for (const Row& row : rows) table.add(row.name, row.importer, first_with_broadcasting);
}

}  // namespace lithe::import
