// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/dequantize_linear.hpp"
#include "lithe/ops/fully_connected.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ConstantPtr;
using graph::ValueId;

struct Weights {
  std::int64_t k, n, bits, block;
  std::int64_t blocks() const { return (k + block - 1) / block; }
};

Weights read_weights(NodeImport& node) {
  const Weights w{node.attribute_int("K", 0), node.attribute_int("N", 0), node.attribute_int("bits", 4),
                  node.attribute_int("block_size", 0)};
  node.attribute_int("accuracy_level", 0);  // how ONNX Runtime computes
  constexpr std::int64_t largest = 1 << 24;
  if (w.k < 1 || w.n < 1 || w.block < 1 || w.k > largest || w.n > largest || w.block > largest)
    node.refuse("attributes K, N and block_size must be between 1 and 16777216");
  if (w.bits != 4 && w.bits != 8)
    node.refuse("weights of " + std::to_string(w.bits) + " bits are not supported; 4 and 8 are");
  if (w.bits == 4 && w.block % 2 != 0) node.refuse("an odd block_size is not supported");
  return w;
}

/// The constant input `i`, whose elements must be of type `dtype` and `elements` in number.
ConstantPtr constant_input(NodeImport& node, int i, DType dtype, std::int64_t elements) {
  const ConstantPtr constant = node.known(node.input(i));
  if (constant == nullptr) node.refuse("its input " + std::to_string(i) + " must be a constant");
  if (constant->dtype != dtype || constant->shape.elements() != elements)
    node.refuse("its input " + std::to_string(i) + " must hold " + std::to_string(elements) +
                " elements of type " + name(dtype));
  return constant;
}

/// Numbers of `bits` bits in rows that start on a byte, row by row without the gaps; `columns` of each.
ConstantPtr unpacked(const graph::Constant& from, const Weights& w, std::int64_t row_bytes,
                     std::int64_t columns, std::byte flip, DType dtype) {
  auto to = std::make_shared<graph::Constant>();
  to->dtype = dtype;
  to->shape = Shape{static_cast<index_t>(w.n), static_cast<index_t>(columns)};
  to->bytes.resize(static_cast<std::size_t>((w.n * columns * w.bits + 7) / 8));
  for (std::int64_t row = 0; row < w.n; ++row)
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(row * columns + c);
      const auto byte = from.bytes[static_cast<std::size_t>(row * row_bytes + c * w.bits / 8)];
      if (w.bits == 8) {
        to->bytes[at] = byte ^ flip;
        continue;
      }
      const std::byte four = ((c % 2 == 0 ? byte : byte >> 4) & std::byte{15}) ^ flip;
      to->bytes[at / 2] |= at % 2 == 0 ? four : four << 4;
    }
  return to;
}

/// com.microsoft's MatMulNBits-1: A, B [N, blocks, bytes of a block], scales, zero points?, group index?,
/// bias?. Weights with the middle as zero point are signed, with 0 as theirs.
void import_matmul_nbits(NodeImport& node) {
  const Weights w = read_weights(node);
  if (node.has(4)) node.refuse("weights in another order (g_idx) are not supported");
  const DType real = node.dtype(node.input(0));
  const std::int64_t row_bytes = w.blocks() * w.block * w.bits / 8;
  const ConstantPtr stored = constant_input(node, 1, DType::u8, w.n * row_bytes);
  const ConstantPtr scales = constant_input(node, 2, real, w.n * w.blocks());
  const bool symmetric = !node.has(3);
  const std::byte flip = !symmetric ? std::byte{0} : w.bits == 4 ? std::byte{8} : std::byte{128};
  const DType dtype = w.bits == 4 ? (symmetric ? DType::s4 : DType::u4) : (symmetric ? DType::s8 : DType::u8);
  auto grid = std::make_shared<graph::Constant>(*scales);
  grid->shape = Shape{static_cast<index_t>(w.n), static_cast<index_t>(w.blocks())};
  std::vector<ValueId> inputs{node.constant(unpacked(*stored, w, row_bytes, w.k, flip, dtype), "weights"),
                              node.constant(std::move(grid), "scales")};
  if (!symmetric) {
    const std::int64_t zero_row_bytes = (w.blocks() * w.bits + 7) / 8;
    const ConstantPtr zeros = constant_input(node, 3, DType::u8, w.n * zero_row_bytes);
    inputs.push_back(
        node.constant(unpacked(*zeros, w, zero_row_bytes, w.blocks(), std::byte{0}, dtype), "zero_points"));
  }
  ops::DequantizeLinear::Attributes blocks;
  blocks.axis = 1;
  blocks.block_size = w.block;
  std::vector<ValueId> layer{node.input(0), node.emit<ops::DequantizeLinear>(blocks, inputs, real)};
  if (node.has(5)) layer.push_back(node.input(5));
  node.emit_outputs<ops::FullyConnected>({}, layer);
}

}  // namespace

void register_matmul_nbits(ImporterTable& table) {
  table.add("MatMulNBits", import_matmul_nbits, 1, microsoft);
}

}  // namespace lithe::import
