// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/resize.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/gather.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;
using Attributes = ops::Resize::Attributes;

/// What a node says besides its attributes; absent where it does not.
struct Target {
  ValueId input;
  ValueId roi = graph::absent, scales = graph::absent, sizes = graph::absent;
};

/// An input that is there and not an empty list, which stands for absence too.
ValueId given(const NodeImport& node, int i) {
  const ValueId value = node.input(i);
  if (value == graph::absent) return value;
  const auto& dims = node.value(value).dims;
  return dims && dims->size() == 1 && (*dims)[0] == 0 ? graph::absent : value;
}

ValueId float_list(NodeImport& node, const std::vector<float>& values) {
  return node.constant(graph::make_constant<float>(Shape{static_cast<index_t>(values.size())}, values),
                       "scales");
}

/// Numbers `kept` of a list with `parts` numbers for each axis.
ValueId picked(NodeImport& node, ValueId list, const std::vector<std::int64_t>& kept, std::int64_t count,
               int parts) {
  if (list == graph::absent) return list;
  std::vector<std::int64_t> indices;
  for (int p = 0; p < parts; ++p)
    for (std::int64_t k : kept) indices.push_back(p * count + k);
  const graph::Constant* constant = node.constant(list);
  if (constant == nullptr) return node.emit<ops::Gather>({}, {list, node.ints(indices)}, node.dtype(list));
  if (constant->dtype == DType::s64) {
    std::vector<std::int64_t> values;
    for (std::int64_t i : indices) values.push_back(integer_at(constant->view(), static_cast<index_t>(i)));
    return node.ints(values);
  }
  std::vector<float> values;
  for (std::int64_t i : indices) values.push_back(constant->as<float>()[static_cast<std::size_t>(i)]);
  return float_list(node, values);
}

/// Whether the node certainly leaves axis `d`, number `i` of its lists, as it is.
bool keeps(const NodeImport& node, const Attributes& a, const Target& target, std::int64_t d,
           std::int64_t i) {
  if (a.crops() || a.keep_aspect_ratio_policy != ops::AspectRatio::stretch ||
      a.coordinate_transformation_mode == ops::Coordinates::tf_half_pixel_for_nn)
    return false;
  if (const graph::Constant* scales = node.constant(target.scales))
    return scales->as<float>()[static_cast<std::size_t>(i)] == 1;
  const graph::Constant* sizes = node.constant(target.sizes);
  const auto& dims = node.value(node.input(0)).dims;
  return sizes != nullptr && dims && (*dims)[static_cast<std::size_t>(d)] == integer_at(sizes->view(), i);
}

/// The resized input. Names only axes that change: kernels and passes look at them.
ValueId resized(NodeImport& node, Attributes a, Target target) {
  const int rank = node.required_rank(node.input(0));
  std::vector<std::int64_t> axes(a.axes.begin(), a.axes.end()), kept;
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  const auto count = static_cast<std::int64_t>(axes.size());
  for (const auto& [list, parts] : {std::pair(target.roi, 2), {target.scales, 1}, {target.sizes, 1}})
    if (const graph::Constant* c = node.constant(list); c != nullptr && c->view().elements() != parts * count)
      node.refuse("roi, scales or sizes has another length than there are axes");
  for (std::int64_t i = 0; i < count; ++i) {
    const int d = normalize_axis(axes[static_cast<std::size_t>(i)], rank);
    if (d < 0) node.refuse("an axis lies outside of the input");
    if (!keeps(node, a, target, d, i)) kept.push_back(i);
  }
  if (kept.empty()) return target.input;
  if (static_cast<std::int64_t>(kept.size()) < count) {
    target = {target.input, picked(node, target.roi, kept, count, 2),
              picked(node, target.scales, kept, count, 1), picked(node, target.sizes, kept, count, 1)};
    a.axes = {};
    for (std::int64_t k : kept) a.axes.push_back(axes[static_cast<std::size_t>(k)]);
  }
  std::vector<ValueId> inputs{target.input, target.roi, target.scales, target.sizes};
  while (inputs.back() == graph::absent) inputs.pop_back();
  return node.emit<ops::Resize>(a, inputs);
}

/// The scales that are on one side of 1, 1 for the others.
ValueId one_sided(NodeImport& node, ValueId scales, bool growing) {
  const graph::Constant* constant = node.constant(scales);
  if (constant == nullptr) {
    const ValueId one = float_list(node, {1});
    return growing ? node.emit<ops::Max>({}, {scales, one}, DType::f32)
                   : node.emit<ops::Min>({}, {scales, one}, DType::f32);
  }
  std::vector<float> values;
  for (float scale : constant->as<float>())
    values.push_back(growing ? std::max(scale, 1.0F) : std::min(scale, 1.0F));
  return float_list(node, values);
}

/// What Upsample and Resize-10 mean without saying so.
Attributes unnamed(NodeImport& node) {
  Attributes a{.coordinate_transformation_mode = ops::Coordinates::asymmetric,
               .nearest_mode = ops::NearestMode::floor};
  read_attribute(node, "mode", a.mode);
  return a;
}

/// As ONNX Runtime does, the nearest neighbour is the one before where an axis grows, the one after where it
/// shrinks, which an Upsample must not.
ValueId resized_10(NodeImport& node) {
  Attributes a = unnamed(node);
  Target target{.input = node.input(0), .scales = given(node, 1)};
  if (a.mode != ops::ResizeMode::nearest) return resized(node, a, target);
  const ValueId scales = std::exchange(target.scales, one_sided(node, target.scales, true));
  target = {.input = resized(node, a, target), .scales = one_sided(node, scales, false)};
  a.nearest_mode = ops::NearestMode::ceil;
  return resized(node, a, target);
}

/// Resize-10 has Upsample's coordinates; 11 to 19 name theirs. axes, antialias and keep_aspect_ratio_policy
/// since 18, half_pixel_symmetric since 19; tf_half_pixel_for_nn in 11 alone.
void import_resize(NodeImport& node) {
  if (node.opset() < 11) return node.output(0, resized_10(node));
  Attributes a;
  read_attribute(node, "mode", a.mode);
  read_attribute(node, "axes", a.axes);
  read_attribute(node, "coordinate_transformation_mode", a.coordinate_transformation_mode);
  read_attribute(node, "nearest_mode", a.nearest_mode);
  read_attribute(node, "keep_aspect_ratio_policy", a.keep_aspect_ratio_policy);
  read_attribute(node, "cubic_coeff_a", a.cubic_coeff_a);
  read_attribute(node, "extrapolation_value", a.extrapolation_value);
  read_attribute(node, "exclude_outside", a.exclude_outside);
  read_attribute(node, "antialias", a.antialias);
  Target target{.input = node.input(0), .scales = given(node, 2), .sizes = given(node, 3)};
  if (target.scales != graph::absent && target.sizes != graph::absent)
    node.refuse("Resize has both scales and sizes");
  if (target.scales == graph::absent && target.sizes == graph::absent)
    node.refuse("Resize has neither scales nor sizes");
  if (a.crops()) {
    target.roi = given(node, 1);
    if (target.roi == graph::absent) node.refuse("tf_crop_and_resize has no roi");
    if (node.dtype(target.roi) != DType::f32) target.roi = node.emit<ops::Cast>({}, {target.roi}, DType::f32);
  }
  node.output(0, resized(node, a, target));
}

/// Upsample-1: a scale for height and one for width.
void import_old_upsample(NodeImport& node) {
  const std::string mode = node.attribute_string("mode", "nearest");
  Attributes attributes{.coordinate_transformation_mode = ops::Coordinates::asymmetric,
                        .nearest_mode = ops::NearestMode::floor};
  attributes.mode = named<ops::ResizeMode>(node, mode == "bilinear" ? "linear" : mode, "mode");
  const ValueId scales = float_list(
      node, {1, 1, node.attribute_float("height_scale", 1), node.attribute_float("width_scale", 1)});
  node.output(0, resized(node, attributes, {.input = node.input(0), .scales = scales}));
}

/// Upsample-7 (scales an attribute) and 9 (an input).
void import_upsample(NodeImport& node) {
  const ValueId scales =
      node.opset() < 9 ? float_list(node, node.attribute_floats("scales")) : given(node, 1);
  node.output(0, resized(node, unnamed(node), {.input = node.input(0), .scales = scales}));
}

}  // namespace

void register_resize(ImporterTable& table) {
  table.add("Resize", import_resize, 10);
  table.add("Upsample", import_old_upsample);
  table.add("Upsample", import_upsample, 7);
}

}  // namespace lithe::import
