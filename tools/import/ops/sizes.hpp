// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "lithe/ops/gather.hpp"
#include "lithe/ops/range.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"

/// Sizes and counts as values, known at conversion or computed.
namespace lithe::import {

/// A rank-0 s64 constant.
inline graph::ValueId integer(NodeImport& node, std::int64_t value) {
  return node.constant(graph::make_constant<std::int64_t>(Shape{}, std::span<const std::int64_t>(&value, 1)),
                       "integer");
}

/// The size of axis `axis` (from 0 on) of `value`, a rank-0 s64.
inline graph::ValueId size_of(NodeImport& node, graph::ValueId value, int axis) {
  const auto& dims = node.value(value).dims;
  if (dims && (*dims)[static_cast<std::size_t>(axis)] >= 0)
    return integer(node, (*dims)[static_cast<std::size_t>(axis)]);
  const graph::ValueId shape = node.emit<ops::ShapeOf>({}, {value}, DType::s64);
  return node.emit<ops::Gather>({}, {shape, integer(node, axis)}, DType::s64);
}

/// 0, 1 ... `count` - 1 as s64.
inline graph::ValueId numbers_below(NodeImport& node, graph::ValueId count) {
  return node.emit<ops::Range>({}, {integer(node, 0), count, integer(node, 1)}, DType::s64);
}

/// A rank-0 zero of any dtype.
inline graph::ValueId zero(NodeImport& node, DType dtype) {
  auto constant = std::make_shared<graph::Constant>();
  constant->dtype = dtype;
  constant->bytes.resize(static_cast<std::size_t>(bytes(dtype, 1)));
  return node.constant(constant, "zero");
}

}  // namespace lithe::import
