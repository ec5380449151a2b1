// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// What the exponent is converted to where no type row has the pair: a type that holds it exactly (u64: as
/// far as powers of integers make sense).
DType exponent_type(DType base, DType exponent) {
  switch (exponent) {
    case DType::s8:
    case DType::s16:
    case DType::u8:
    case DType::u16:
      return DType::s32;
    case DType::u64:
      return base == DType::f32 ? exponent : DType::s64;
    case DType::f16:
    case DType::bf16:
      return base == exponent ? exponent : DType::f32;
    default:
      return exponent;
  }
}

/// Pow-7 to 15: the exponent may have another type than the base, and the output, since 12.
void import_pow(NodeImport& node) {
  const graph::ValueId base = node.input(0), exponent = node.input(1);
  const DType from = node.dtype(exponent), to = exponent_type(node.dtype(base), from);
  node.emit_outputs<ops::Pow>({}, {base, from == to ? exponent : node.emit<ops::Cast>({}, {exponent}, to)});
}

}  // namespace

void register_pow(ImporterTable& table) { table.add("Pow", import_pow, 7); }

}  // namespace lithe::import
