// SPDX-License-Identifier: Apache-2.0
#include "tools/check/shape_contents.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lithe/ops/split.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/operators.hpp"

namespace lithe::check {

namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using Numbers = std::vector<double>;

struct Reader {
  const Node* node = nullptr;
  std::size_t input = 0;
};

/// The name that the contract gives an input, without its mark.
std::string_view contract_name(const Reader& reader) {
  const KernelEntry* kernel = graph::find_kernel(reader.node->op, reader.node->version);
  if (kernel == nullptr) return {};
  const NameList& names = kernel->op->spec->inputs;
  if (static_cast<int>(reader.input) >= names.size()) return {};
  const std::string_view name = names[static_cast<int>(reader.input)];
  return name.substr(0, name.find_first_of("?."));
}

/// Whether by_name has an idea of it.
bool is_known(std::string_view name) {
  constexpr std::string_view names[] = {"split",  "axes",  "shape", "sizes", "starts", "start",
                                        "axis",   "ends",  "steps", "delta", "k",      "repeats",
                                        "scales", "limit", "pads",  "roi"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// The first node that reads the value, or what is made of it, at an input whose name tells what it takes.
Reader telling_reader(const Graph& g, ValueId value, std::set<ValueId>& seen) {
  if (!seen.insert(value).second) return {};
  for (const Node& node : g.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != value) continue;
      if (const Reader reader{&node, i}; is_known(contract_name(reader))) return reader;
      for (const ValueId output : node.outputs)
        if (const Reader further = output == graph::absent ? Reader() : telling_reader(g, output, seen);
            further.node != nullptr)
          return further;
    }
  return {};
}

/// That one, or the first that reads the value at all.
Reader reader_of(const Graph& g, ValueId value) {
  std::set<ValueId> seen;
  if (const Reader reader = telling_reader(g, value, seen); reader.node != nullptr) return reader;
  for (const Node& node : g.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i] == value) return {&node, i};
  return {};
}

/// Axes of size 1, which may be left out, where there are enough; else the first ones.
Numbers axes(const Shape& data, std::size_t count) {
  Numbers ones, first;
  for (int a = 0; a < data.rank(); ++a)
    if (data[a] == 1 && ones.size() < count) ones.push_back(a);
  for (std::size_t a = 0; a < count; ++a) first.push_back(static_cast<double>(a));
  return ones.size() == count ? ones : first;
}

/// `count` dims that hold as many elements as `data` has.
Numbers dims(const Shape& data, std::size_t count) {
  Numbers result(count, 1);
  const auto rank = static_cast<std::size_t>(data.rank());
  for (std::size_t i = 0; i < std::min(rank, count); ++i)  // aligned at the end
    result[count - 1 - i] = static_cast<double>(data[static_cast<int>(rank - 1 - i)]);
  if (count < rank && count > 0) result[0] = -1;
  return result;
}

Numbers shares(const Node& node, const Shape& data, std::size_t count) {
  const int axis = normalize_axis(graph::attributes<ops::Split>(node).axis, data.rank());
  const index_t whole = axis < 0 ? 0 : data[axis], pieces = std::max<index_t>(static_cast<index_t>(count), 1);
  const index_t each = whole / pieces;
  Numbers result(count, static_cast<double>(each));
  if (count != 0) result.back() += static_cast<double>(whole % pieces);
  return result;
}

/// What the reader takes at its input `name`, of `count` numbers, which `input` is or leads to; nullopt where the name says
/// nothing.
std::optional<Numbers> by_name(const Reader& reader, std::string_view name, ValueId input, const Shape& data,
                               std::size_t count) {
  if (name == "split") return shares(*reader.node, data, count);
  if (name == "axes") return axes(data, count);
  if (name == "shape" || name == "sizes")
    return reader.node->inputs.size() > 1 && reader.input > 0 ? dims(data, count) : Numbers(count, 2);
  if (name == "starts" || name == "start" || name == "axis") return Numbers(count, 0);
  if (name == "ends") {  // what is computed from a size is no end that may lie far outside
    const bool read_itself = reader.node->inputs[reader.input] == input;
    return Numbers(count, read_itself ? 1 << 30 : 8);
  }
  if (name == "steps" || name == "delta" || name == "k") return Numbers(count, 1);
  if (name == "repeats" || name == "scales") return Numbers(count, 2);
  if (name == "limit") return Numbers(count, 5);
  if (name == "pads") return Numbers(count, 1);
  if (name == "roi") {
    Numbers corners(count);
    std::fill(corners.begin() + static_cast<std::ptrdiff_t>(count / 2), corners.end(), 1);
    return corners;
  }
  return std::nullopt;
}

/// Numbers that operators usually take: -1 for what follows from the rest, ones, zeros, twos, and sizes.
Numbers usual(std::size_t count, int attempt) {
  constexpr double numbers[] = {1, 1, 0, 2, 8};
  Numbers result(count, numbers[std::min<std::size_t>(static_cast<std::size_t>(attempt), 4)]);
  if (attempt == 0 && count != 0) result[0] = -1;
  return result;
}

}  // namespace

std::vector<double> guess_shape_contents(const Graph& g, ValueId input, int attempt,
                                         const std::function<Shape(ValueId)>& shape_of) {
  const auto count = static_cast<std::size_t>(shape_of(input).elements());
  const Reader reader = reader_of(g, input);
  if (attempt == 0 && reader.node != nullptr) {
    const ValueId made = reader.node->outputs[0];
    const auto& declared = g.value(made).dims;  // a promise of the model, where it is fixed
    const std::string_view name = contract_name(reader);
    if ((name == "shape" || name == "sizes") && declared && graph::fixed(*declared) &&
        declared->size() == count)
      return {declared->begin(), declared->end()};
    const ValueId first = reader.node->inputs[0];
    const Shape data = first == graph::absent || reader.input == 0 ? Shape() : shape_of(first);
    if (auto numbers = by_name(reader, name, input, data, count)) return *std::move(numbers);
  }
  Numbers result = usual(count, std::max(attempt - 1, 0));
  if (g.value(input).dtype == DType::f32)  // a scale
    std::replace_if(result.begin(), result.end(), [](double v) { return v <= 0; }, 1);
  return result;
}

std::string reader_text(const Graph& g, ValueId input) {
  const graph::Value& value = g.value(input);
  std::string text = "input '" + value.name + "' (" + name(value.dtype) + ")";
  if (const Reader reader = reader_of(g, input); reader.node != nullptr)
    text += ", which " + reader.node->op + " of " + graph::node_title(g, *reader.node) + " reads";
  return text;
}

}  // namespace lithe::check
