// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"
#include "lithe/format/reader.hpp"

/// The open dimensions of a model, shared by its inputs.
namespace lithe::inline v0::runtime {

struct SymbolValue {
  std::int64_t size = -1;  ///< -1: not decided yet
  std::int64_t kept = -1;  ///< its size before the present resize()
  std::int64_t min = 0;
  std::int64_t opt = 0;
  std::int64_t max = 0;  ///< 0: unbounded
};

[[gnu::cold]] inline SymbolValue symbol_value(const format::Symbol& s) {
  const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  return {-1, -1, number(s.min()), number(s.opt() != 0 ? s.opt() : s.min()), number(s.max())};
}

/// Matches a given shape against the dims that the file declares, and sets the symbols in them. Errors:
/// Code::shape for another rank, another fixed size, a size out of bounds, or a symbol that has another size.
[[gnu::cold]] inline Status assign_symbols(const Shape& given, std::span<const std::int64_t> dims,
                                           std::span<SymbolValue> symbols) {
  if (!given.valid() || given.rank() != static_cast<int>(dims.size()))
    return {Code::shape, "an input is given another rank than the model's"};
  for (int axis = 0; axis < given.rank(); ++axis) {
    const std::int64_t dim = dims[static_cast<std::size_t>(axis)], number = symbol_of(dim);
    if (number < 0) {
      if (dim == given[axis]) continue;
      return {Code::shape, "an input is given another size than its fixed dimension"};
    }
    SymbolValue& symbol = symbols[static_cast<std::size_t>(number)];
    if (symbol.size >= 0 && symbol.size != given[axis])
      return {Code::shape, "two inputs give the same symbol different sizes"};
    if (given[axis] < symbol.min || (symbol.max != 0 && given[axis] > symbol.max))
      return {Code::shape, "an input is given a size outside its dimension's range"};
    symbol.size = given[axis];
  }
  return {};
}

/// The dims of the file with the sizes of the symbols filled in.
[[gnu::cold]] inline Shape shape_of(std::span<const std::int64_t> dims,
                                    std::span<const SymbolValue> symbols) {
  Shape shape;
  for (std::int64_t dim : dims)
    shape.push_back(symbol_of(dim) < 0 ? dim : symbols[static_cast<std::size_t>(symbol_of(dim))].size);
  return shape;
}

}  // namespace lithe::inline v0::runtime
