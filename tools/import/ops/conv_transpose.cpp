// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lithe/ops/conv_transpose2d.hpp"
#include "lithe/ops/conv_transpose3d.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// [C, O / group, ...] as [O, (KD,) KH, KW, C / group].
ValueId filter(NodeImport& node, ValueId weights, const std::optional<graph::Dims>& dims, std::int64_t group,
               int axes) {
  const DType dtype = node.dtype(weights);
  std::vector<std::int32_t> order{1};
  for (std::int32_t a = 0; a < axes; ++a) order.push_back(a + 2);
  order.push_back(0);
  ValueId result = weights;
  if (group == 1) {
    result = node.transpose(weights, order);
  } else {
    if (!dims || !graph::fixed(*dims) || (*dims)[0] % group != 0)
      node.refuse(
          "ConvTranspose with group needs weights of a known shape whose first dimension is a multiple of "
          "it");
    // [group, C / group, O / group, ...] -> [group, O / group, ..., C / group]
    std::vector<std::int64_t> parts{group}, joined{group * (*dims)[1]};
    parts.push_back((*dims)[0] / group);
    parts.insert(parts.end(), dims->begin() + 1, dims->end());
    joined.insert(joined.end(), dims->begin() + 2, dims->end());
    joined.push_back((*dims)[0] / group);
    for (std::int32_t& axis : order) ++axis;
    order.insert(order.begin(), 0);
    result = node.emit<ops::Reshape>({}, {weights, node.ints(parts)}, dtype);
    result = node.emit<ops::Reshape>({}, {node.transpose(result, order), node.ints(joined)}, dtype);
  }
  return axes > 1 ? result : node.emit<ops::Unsqueeze>({}, {result, node.ints({1})}, dtype);
}

/// Padding of axis `a` that gives `wanted` outputs; what is too few is added after the output, as `extra`.
void pad_to(const NodeImport& node, Window& window, std::size_t a, std::int64_t natural, std::int64_t wanted,
            bool upper, std::int32_t& extra) {
  const std::int64_t total = natural - wanted;
  if (total < 0)
    extra = narrow(node, extra - total, "output_padding");
  else
    split_padding(node, window, a, total, upper);
}

/// Reads pads, auto_pad, output_padding and output_shape. Output sizes without padding are
/// stride * (input - 1) + extent + output_padding; SAME wants stride * input.
std::array<std::int32_t, 3> read_padding(NodeImport& node, int axes, Window& window) {
  auto extra = per_axis(node, node.attribute_ints("output_padding"), axes, "output_padding", 0);
  std::vector<std::int64_t> shape = node.attribute_ints("output_shape");
  const auto n = static_cast<std::size_t>(axes);
  if (shape.size() == n + 2) shape.erase(shape.begin(), shape.begin() + 2);  // N and C too
  const std::string mode = read_auto_pad(node);
  Window padded = window;
  read_pads(node, axes, padded);
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (shape.empty() && !same) {
    if (mode == "NOTSET") window = padded;
    return extra;
  }
  if (!shape.empty() && shape.size() != n)
    node.refuse("attribute output_shape has " + std::to_string(shape.size()) + " numbers for " +
                std::to_string(axes) + " spatial axes");
  const std::vector<std::int64_t> sizes = shape.empty() ? shape : known_sizes(node, 2);
  for (std::size_t i = 0, a = 3 - n; i < n; ++i, ++a) {
    const std::int64_t stride = window.strides[a];
    const std::int64_t extent = (std::int64_t{window.kernel[a]} - 1) * window.dilations[a] + 1 + extra[a];
    if (shape.empty())
      pad_to(node, window, a, extent, stride, mode == "SAME_UPPER", extra[a]);
    else
      pad_to(node, window, a, stride * (sizes[i] - 1) + extent, shape[i], mode == "SAME_UPPER", extra[a]);
  }
  return extra;
}

template <class Op>
void emit(NodeImport& node, const Window& window, const std::array<std::int32_t, 3>& extra,
          std::int32_t group, const std::vector<ValueId>& inputs, int axes) {
  typename Op::Attributes attributes;
  window.apply(attributes);
  attributes.group = group;
  const std::size_t own = attributes.output_padding.size();
  for (std::size_t i = 0; i < own; ++i) attributes.output_padding[i] = extra[3 - own + i];
  output_channels_first(node, node.emit<Op>(attributes, inputs, node.dtype(inputs[0])), axes);
}

/// ConvTranspose-1, 11, 22. input [N, C, (D,) (H,) W], weights [C, O / group, (KD,) (KH,) KW], bias [O].
void import_conv_transpose(NodeImport& node) {
  const int axes = spatial_axes(node);
  const ValueId weights = node.input(1);
  const std::optional<graph::Dims> dims = filter_dims(node, weights, axes);
  const std::vector<std::int64_t> kernel = kernel_shape(node, dims);
  if (kernel.empty()) node.refuse("ConvTranspose needs kernel_shape or weights of a known shape");
  Window window = read_steps(node, axes, kernel);
  const std::array<std::int32_t, 3> extra = read_padding(node, axes, window);
  const std::int32_t group = read_group(node);
  std::vector<ValueId> inputs{channels_last(node, node.input(0), axes),
                              filter(node, weights, dims, group, axes)};
  if (node.has(2)) inputs.push_back(node.input(2));
  if (axes == 3)
    emit<ops::ConvTranspose3D>(node, window, extra, group, inputs, axes);
  else
    emit<ops::ConvTranspose2D>(node, window, extra, group, inputs, axes);
}

}  // namespace

void register_conv_transpose(ImporterTable& table) { table.add("ConvTranspose", import_conv_transpose); }

}  // namespace lithe::import
