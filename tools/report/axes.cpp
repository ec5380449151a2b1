// SPDX-License-Identifier: Apache-2.0
#include "tools/report/axes.hpp"

namespace lithe::report {

namespace {

Shape in_order(const Shape& shape, const std::vector<int>& order) {
  Shape result;
  for (const int axis : order) result.push_back(shape[axis]);
  return result;
}

std::string transpose_text(const std::vector<int>& order) {
  std::string axes;
  for (const int axis : order) axes += (axes.empty() ? "" : ", ") + std::to_string(axis);
  return "x.transpose(" + axes + ")";
}

/// "NHWC" or "NCHW" for images, "NWC" for signals, "NDHWC" for volumes.
std::string layout(int rank, bool channels_last) {
  const std::string space = rank == 3 ? "W" : rank == 4 ? "HW" : "DHW";
  return channels_last ? "N" + space + "C" : "NC" + space;
}

/// The axes of channels last in the order of channels first, or the other way round.
std::vector<int> exchanged(int rank, bool to_first) {
  std::vector<int> order{0};
  if (to_first) order.push_back(rank - 1);
  for (int axis = to_first ? 1 : 2; axis < (to_first ? rank - 1 : rank); ++axis) order.push_back(axis);
  if (!to_first) order.push_back(1);
  return order;
}

}  // namespace

std::vector<MeantShape> meant_shapes(const Shape& given, const std::function<bool(const Shape&)>& fits) {
  std::vector<MeantShape> meant;
  const auto add = [&](const Shape& shape, const std::string& text) {
    if (shape.valid() && fits(shape)) meant.push_back({shape, text});
  };
  const int rank = given.rank();
  const auto exchange = [&](const Shape& shape, const std::string& before, const std::string& tensor) {
    for (const bool to_first : {true, false}) {
      const std::vector<int> order = exchanged(shape.rank(), to_first);
      std::string transpose = transpose_text(order);
      if (!tensor.empty()) transpose.replace(0, 1, tensor);
      add(in_order(shape, order), before + "it looks like channels " + (to_first ? "last" : "first") + " (" +
                                      layout(shape.rank(), to_first) + "), and the model takes channels " +
                                      (to_first ? "first" : "last") + " (" + layout(shape.rank(), !to_first) +
                                      "): give " + transpose);
    }
  };
  if (rank >= 3 && rank <= 5) exchange(given, "", "");
  Shape batched{1};
  for (const index_t d : given.dims()) batched.push_back(d);
  add(batched, "it lacks the batch axis: give x[None]");
  Shape image{1, 1};
  for (const index_t d : given.dims()) image.push_back(d);
  if (rank >= 1) add(image, "it lacks the batch axis and the one of channels: give x[None, None]");
  if (rank >= 2 && rank <= 4) exchange(batched, "it lacks the batch axis, and ", "x[None]");
  if (rank >= 2 && given[0] == 1) {
    Shape single;
    for (const index_t d : given.dims().subspan(1)) single.push_back(d);
    add(single, "it has a batch axis too many: give x[0]");
  }
  if (rank == 4) {
    add(in_order(given, {0, 1, 3, 2}), "height and width are exchanged: give x.transpose(0, 1, 3, 2)");
    add(in_order(given, {0, 2, 1, 3}), "height and width are exchanged: give x.transpose(0, 2, 1, 3)");
  }
  return meant;
}

}  // namespace lithe::report
