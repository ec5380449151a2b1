// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/expand.hpp"
#include "lithe/ops/gather.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// Where the `size` points of an axis lie: the first and the last one at -1 and 1 if `align`, else half a step inside; [size].
ValueId coordinates(Compose& c, const Size& size, bool align, DType dtype) {
  NodeImport& node = c.node;
  const ValueId count = c.cast(c.scalar(size), dtype), at = c.cast(c.numbers(size), dtype);
  const ValueId one = node.scalar(1, dtype), two = node.scalar(2, dtype);
  if (align) return c.sub(c.mul(at, c.div(two, c.apply<ops::Max>({c.sub(count, one), one}))), one);
  const ValueId step = c.div(two, count);
  return c.add(c.mul(at, step), c.sub(c.div(step, two), one));
}

/// AffineGrid-20: theta [N, 2, 3] or [N, 3, 4] times the points of a grid of `size`, which is [N, C, H, W] or [N, C, D, H, W]. The
/// specification's function body loses the batch axis of a single picture.
void import_affine_grid(NodeImport& node) {
  Compose c(node);
  const ValueId theta = node.input(0), size = node.input(1);
  const bool align = node.attribute_int("align_corners", 0) != 0;
  const std::int64_t axes = c.known_size(size, 0, "a number of dimensions") - 2;
  if (axes != 2 && axes != 3) node.refuse("AffineGrid needs a size of 4 or 5 dimensions");
  const DType dtype = node.dtype(theta);
  const std::optional<std::vector<std::int64_t>> known = node.constant_ints(1);
  std::vector<Size> sizes;
  for (std::int64_t a = 0; a < axes; ++a)
    sizes.push_back(known ? Size((*known)[static_cast<std::size_t>(a + 2)])
                          : Size::of(c.apply<ops::Gather>({size, integer(node, a + 2)})));
  std::vector<Size> points = sizes;
  points.push_back(1);
  const ValueId shape = c.vector(points);
  std::vector<ValueId> parts;  // x, y and z of each point, then 1
  for (std::int64_t a = axes - 1; a >= 0; --a) {
    std::vector<std::int64_t> others;
    for (std::int64_t b = 0; b <= axes; ++b)
      if (b != a) others.push_back(b);
    const ValueId line = coordinates(c, sizes[static_cast<std::size_t>(a)], align, dtype);
    parts.push_back(c.apply<ops::Expand>({c.unsqueeze(line, others), shape}));
  }
  parts.push_back(c.apply<ops::Expand>({node.scalar(1, dtype), shape}));
  const ValueId grid = c.reshape(c.concat(std::move(parts), axes), {-1, axes + 1});
  std::vector<Size> result{0};
  result.insert(result.end(), sizes.begin(), sizes.end());
  result.push_back(axes);
  const ValueId moved = c.matmul(grid, theta, true);  // [N, points, axes]
  const Size batch = c.size(theta, 0);
  result[0] = batch;
  node.output(0, c.reshape(moved, result));
}

}  // namespace

void register_affine_grid(ImporterTable& table) { table.add("AffineGrid", import_affine_grid, 20); }

}  // namespace lithe::import
