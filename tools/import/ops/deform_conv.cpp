// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/grid_sample.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// DeformConv-19, 22 over two axes: each tap of the filter reads the image where an offset says (a GridSample of all
/// taps); then a product with the filter.
class DeformConv {
 public:
  explicit DeformConv(NodeImport& node) : node_(node), c_(node) {
    if (node.required_rank(node.input(0)) != 4)
      node.refuse("DeformConv is supported over two spatial axes only");
    channels_ = c_.known_size(node.input(0), 1, "a number of channels");
    filters_ = c_.known_size(node.input(1), 0, "a number of filters");
    height_ = c_.known_size(node.input(1), 2, "a filter");
    width_ = c_.known_size(node.input(1), 3, "a filter");
    window_ = read_window(node, 2, {height_, width_});
    node.attribute_ints("kernel_shape");
    groups_ = node.attribute_int("group", 1);
    offset_groups_ = node.attribute_int("offset_group", 1);
    if (groups_ < 1 || offset_groups_ < 1 || channels_ % groups_ != 0 || channels_ % offset_groups_ != 0 ||
        filters_ % groups_ != 0)
      node.refuse("the channels of DeformConv are not a multiple of its groups");
  }

  ValueId result() {
    const ValueId offsets = node_.input(2);
    const Size rows = c_.size(offsets, 2), columns = c_.size(offsets, 3);
    ValueId products = multiplied(sampled(rows, columns));  // [N, filters, places]
    products = c_.reshape(products, {0, filters_, rows, columns});
    return node_.has(3) ? c_.add(products, c_.reshape(wide(node_.input(3)), {filters_, 1, 1})) : products;
  }

 private:
  std::int64_t taps() const { return height_ * width_; }
  DType dtype() const { return node_.dtype(node_.input(0)) == DType::f64 ? DType::f64 : DType::f32; }
  ValueId wide(ValueId value) { return c_.cast(value, dtype()); }

  /// Places in the grid's units of all taps, along axis 0 (height) or 1: [N, offset groups, taps, rows, columns].
  ValueId places(ValueId offsets, int axis, const Size& count) {
    const std::size_t a = 1 + static_cast<std::size_t>(axis);
    std::vector<std::int64_t> first;
    for (std::int64_t tap = 0; tap < taps(); ++tap)
      first.push_back((axis == 0 ? tap / width_ : tap % width_) * window_.dilations[a] - window_.pads[a]);
    const ValueId steps = c_.mul(c_.numbers(count), integer(node_, window_.strides[a]));
    const ValueId whole = c_.add(c_.unsqueeze(node_.ints(first), {1}), steps);
    const ValueId base = c_.unsqueeze(c_.cast(whole, dtype()), {axis == 0 ? 2 : 1});
    ops::Gather::Attributes third;
    third.axis = 3;
    const ValueId place = c_.add(c_.apply<ops::Gather>({offsets, integer(node_, axis)}, third), base);
    const ValueId size = c_.cast(c_.scalar(c_.size(node_.input(0), 2 + axis)), dtype());
    const ValueId doubled = c_.add(c_.scaled(place, 2), node_.scalar(1, dtype()));
    return c_.sub(c_.div(doubled, size), node_.scalar(1, dtype()));
  }

  /// What each tap reads, [N, places, channels, taps] with the channels in their order.
  ValueId sampled(const Size& rows, const Size& columns) {
    const std::int64_t part = channels_ / offset_groups_;
    const ValueId offsets = c_.reshape(wide(node_.input(2)), {0, offset_groups_, taps(), 2, rows, columns});
    const ValueId grid = c_.concat(
        {c_.unsqueeze(places(offsets, 1, columns), {5}), c_.unsqueeze(places(offsets, 0, rows), {5})}, 5);
    const Size height = c_.size(node_.input(0), 2), width = c_.size(node_.input(0), 3);
    const ValueId image = c_.reshape(wide(node_.input(0)), {-1, part, height, width});
    ValueId read = c_.apply<ops::GridSample>({node_.transpose(image, channels_last_order(2)),
                                              c_.reshape(grid, {-1, c_.times(rows, taps()), columns, 2})});
    if (node_.has(4))
      read = c_.mul(read, c_.reshape(wide(node_.input(4)), {-1, c_.times(rows, taps()), columns, 1}));
    read = c_.reshape(read, {-1, offset_groups_, taps(), rows, columns, part});
    return node_.transpose(read, {0, 3, 4, 1, 5, 2});
  }

  ValueId multiplied(ValueId read) {
    const std::int64_t depth = channels_ / groups_ * taps();
    if (groups_ == 1) {
      const ValueId filter = c_.reshape(wide(node_.input(1)), {filters_, depth});
      const ValueId columns = c_.reshape(read, {0, -1, depth});
      return node_.transpose(c_.linear(columns, node_.transpose(filter, {1, 0})), {0, 2, 1});
    }
    const ValueId filter = c_.reshape(wide(node_.input(1)), {groups_, filters_ / groups_, depth});
    const ValueId columns = node_.transpose(c_.reshape(read, {0, -1, groups_, depth}), {0, 2, 1, 3});
    return node_.transpose(c_.matmul(columns, filter, true), {0, 1, 3, 2});
  }

  NodeImport& node_;
  Compose c_;
  Window window_;
  std::int64_t channels_ = 0, filters_ = 0, height_ = 0, width_ = 0, groups_ = 1, offset_groups_ = 1;
};

void import_deform_conv(NodeImport& node) {
  DeformConv conv(node);
  node.output(0, Compose(node).cast(conv.result(), node.dtype(node.input(0))));
}

}  // namespace

void register_deform_conv(ImporterTable& table) { table.add("DeformConv", import_deform_conv, 19); }

}  // namespace lithe::import
