// SPDX-License-Identifier: Apache-2.0
#include "tools/import/sequences.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"
#include "tools/io/tensor_proto.hpp"

namespace lithe::import {

namespace {

/// A sequence as values of the graph: one by one, or stacked along a new first axis.
struct List {
  std::vector<std::string> elements;
  std::string stacked;  ///< empty: one by one
};

constexpr std::size_t most_elements = 1024;                ///< in one list
constexpr std::size_t most_copied = std::size_t{1} << 20;  ///< in all lists of a graph together

bool is_onnx(const onnx::NodeProto& node, const char* op) {
  return node.op_type() == op && normalized(node.domain()).empty();
}

constexpr std::array makers{"SequenceEmpty", "SequenceConstruct", "SequenceInsert", "SequenceErase",
                            "SplitToSequence"};
bool makes_list(const onnx::NodeProto& node) {
  return std::any_of(makers.begin(), makers.end(), [&](const char* op) { return is_onnx(node, op); });
}

/// Every name that the graph's nodes and outputs read, those of its subgraphs too, as often as they read it.
void count_reads(const onnx::GraphProto& graph, std::map<std::string, int>& reads) {
  for (const auto& output : graph.output()) ++reads[output.name()];
  for (const auto& node : graph.node()) {
    for (const std::string& input : node.input()) ++reads[input];
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) count_reads(attribute.g(), reads);
      for (const auto& g : attribute.graphs()) count_reads(g, reads);
    }
  }
}

/// Removes nodes that make lists, or pass one of `known` on, which nobody reads any more.
void remove_unread(onnx::GraphProto& graph, const std::map<std::string, List>& known) {
  std::map<std::string, int> reads;
  count_reads(graph, reads);
  std::vector<onnx::NodeProto> kept;
  for (int n = graph.node_size() - 1; n >= 0; --n) {
    onnx::NodeProto& node = *graph.mutable_node(n);
    if ((makes_list(node) || (node.output_size() == 1 && known.contains(node.output(0)))) &&
        std::all_of(node.output().begin(), node.output().end(),
                    [&](const std::string& output) { return reads[output] == 0; }))
      for (const std::string& input : node.input()) --reads[input];
    else
      kept.push_back(std::move(node));
  }
  graph.clear_node();
  for (auto node = kept.rbegin(); node != kept.rend(); ++node) *graph.add_node() = std::move(*node);
}

/// The sequences of one graph.
class Lists {
 public:
  Lists(onnx::GraphProto& graph, std::set<std::string>& taken, int opset)
      : graph_(graph), taken_(taken), opset_(opset) {}

  void replace() {
    std::vector<onnx::NodeProto> nodes;
    for (auto& node : *graph_.mutable_node()) {
      Expansion expansion(node, graph_, taken_, opset_);
      if (node.output_size() > 0 && (replace_reader(node, expansion) || replace_loop(node, expansion))) {
        for (auto& added : expansion.take()) nodes.push_back(std::move(added));
        continue;
      }
      note_maker(node, expansion);
      for (auto& added : expansion.take()) nodes.push_back(std::move(added));
      nodes.push_back(node);
    }
    graph_.clear_node();
    for (auto& node : nodes) *graph_.add_node() = std::move(node);
    remove_unread(graph_, lists_);
  }

 private:
  const List* list(const std::string& name) const {
    const auto found = lists_.find(name);
    return found == lists_.end() ? nullptr : &found->second;
  }
  const List* one_by_one(const std::string& name) const {
    const List* known = list(name);
    return known != nullptr && known->stacked.empty() ? known : nullptr;
  }

  /// The integers of a small constant.
  static std::optional<std::vector<std::int64_t>> integers(const Expansion& expansion,
                                                           const std::string& name) {
    const onnx::TensorProto* tensor = expansion.constant(name);
    if (tensor == nullptr || tensor->dims_size() > 1) return std::nullopt;
    const io::ConstantPtr constant = io::constant_from_onnx(*tensor);
    const auto count = static_cast<std::size_t>(constant->shape.elements());
    std::vector<std::int64_t> numbers;
    if (count > most_elements) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      if (constant->dtype == DType::s64)
        numbers.push_back(constant->as<std::int64_t>()[i]);
      else if (constant->dtype == DType::s32)
        numbers.push_back(constant->as<std::int32_t>()[i]);
      else
        return std::nullopt;
    }
    return numbers;
  }
  /// A constant place in a list of `size`; nullopt where it is no constant, or outside.
  static std::optional<std::ptrdiff_t> place(const Expansion& expansion, const std::string& name,
                                             std::size_t size) {
    const auto numbers = integers(expansion, name);
    const auto count = static_cast<std::int64_t>(size);
    if (!numbers || numbers->size() != 1 || (*numbers)[0] < -count || (*numbers)[0] >= count)
      return std::nullopt;
    return (*numbers)[0] + ((*numbers)[0] < 0 ? count : 0);
  }

  /// Remembers what a node that stays makes.
  void note_maker(const onnx::NodeProto& node, Expansion& expansion) {
    const std::string output = node.output_size() > 0 ? node.output(0) : std::string();
    if (is_onnx(node, "SequenceEmpty")) {
      lists_[output] = {};
    } else if (is_onnx(node, "SequenceConstruct")) {
      lists_[output] = {{node.input().begin(), node.input().end()}, {}};
    } else if (is_onnx(node, "Identity")) {
      if (const List* same = list(node.input(0))) lists_[output] = List(*same);
    } else if (is_onnx(node, "SequenceInsert") || is_onnx(node, "SequenceErase")) {
      note_changed(node, expansion);
    } else if (is_onnx(node, "SplitToSequence")) {
      note_split(node, expansion);
    }
  }

  void note_changed(const onnx::NodeProto& node, const Expansion& expansion) {
    const bool inserts = is_onnx(node, "SequenceInsert");
    const List* before = one_by_one(node.input(0));
    if (before == nullptr || before->elements.size() >= most_elements || copied_ > most_copied) return;
    copied_ += before->elements.size();
    std::vector<std::string> elements = before->elements;
    const std::string where = expansion.input(inserts ? 2 : 1);
    // a position to insert at may be the end
    std::optional<std::ptrdiff_t> at = static_cast<std::ptrdiff_t>(elements.size()) - (inserts ? 0 : 1);
    if (!where.empty()) {
      at = place(expansion, where, elements.size());
      const auto numbers = integers(expansion, where);
      if (inserts && numbers &&
          *numbers == std::vector<std::int64_t>{static_cast<std::int64_t>(elements.size())})
        at = static_cast<std::ptrdiff_t>(elements.size());
    }
    if (!at || *at < 0) return;
    if (inserts)
      elements.insert(elements.begin() + *at, node.input(1));
    else
      elements.erase(elements.begin() + *at);
    lists_[node.output(0)] = {std::move(elements), {}};
  }

  /// SplitToSequence into parts of a known number becomes Split, or a Gather of each place.
  void note_split(const onnx::NodeProto& node, Expansion& expansion) {
    const std::int64_t axis = expansion.int_attribute("axis", 0);
    const std::string& data = node.input(0);
    const std::string split = expansion.input(1);
    std::vector<std::int64_t> sizes;
    if (const auto dims = split.empty() ? std::nullopt : expansion.dims(split); dims && dims->size() == 1)
      sizes.assign(static_cast<std::size_t>(std::clamp<std::int64_t>((*dims)[0], 0, most_elements + 1)),
                   0);  // whatever it holds
    const auto numbers = split.empty() ? std::vector<std::int64_t>{1}
                                       : integers(expansion, split).value_or(std::vector<std::int64_t>{});
    const bool equal = sizes.empty() && numbers.size() == 1 && numbers[0] > 0;
    if (const auto dims = expansion.dims(data); equal && dims) {
      const auto rank = static_cast<std::int64_t>(dims->size());
      if (axis < -rank || axis >= rank) return;
      const std::int64_t whole = (*dims)[static_cast<std::size_t>(axis + (axis < 0 ? rank : 0))];
      if (whole / numbers[0] > static_cast<std::int64_t>(most_elements)) return;
      for (std::int64_t left = whole; left > 0; left -= numbers[0])
        sizes.push_back(std::min(left, numbers[0]));
    }
    if (sizes.empty() || sizes.size() > most_elements) return;
    List parts;
    if (split.empty() && expansion.int_attribute("keepdims", 1) == 0) {
      for (std::size_t i = 0; i < sizes.size(); ++i)
        parts.elements.push_back(expansion.add(
            "Gather", {data, expansion.integer(static_cast<std::int64_t>(i))}, {{"axis", axis}}));
    } else if (opset_ < 13) {
      const auto known = equal ? std::optional(sizes) : integers(expansion, split);
      if (!known) return;
      const auto& added = expansion.add_node("Split", {data}, static_cast<int>(sizes.size()),
                                             {{"axis", axis}, {"split", *known}});
      parts.elements.assign(added.output().begin(), added.output().end());
    } else {
      const std::string given = equal ? expansion.ints(sizes) : split;
      const auto& added =
          expansion.add_node("Split", {data, given}, static_cast<int>(sizes.size()), {{"axis", axis}});
      parts.elements.assign(added.output().begin(), added.output().end());
    }
    lists_[node.output(0)] = std::move(parts);
  }

  /// Replaces a node that makes a tensor of a list; false where it does not, or the list is not known.
  bool replace_reader(const onnx::NodeProto& node, Expansion& expansion) {
    const List* known = node.input_size() > 0 ? list(node.input(0)) : nullptr;
    if (known == nullptr) return false;
    if (is_onnx(node, "SequenceAt")) return replace_at(*known, expansion);
    if (is_onnx(node, "SequenceLength")) {
      if (known->stacked.empty())
        expansion.add("Identity", {expansion.integer(static_cast<std::int64_t>(known->elements.size()))});
      else
        expansion.add("Gather", {expansion.add("Shape", {known->stacked}), expansion.integer(0)});
    } else if (is_onnx(node, "ConcatFromSequence")) {
      const bool fresh_axis = expansion.int_attribute("new_axis", 0) != 0;
      const std::int64_t axis = expansion.int_attribute("axis", 0);
      if (!known->stacked.empty())
        join_stacked(known->stacked, axis, fresh_axis, expansion);
      else if (known->elements.empty())
        return false;
      else
        join(known->elements, axis, fresh_axis, expansion);
    } else {
      return false;
    }
    expansion.finish();
    return true;
  }

  static bool replace_at(const List& known, Expansion& expansion) {
    if (!known.stacked.empty()) {
      expansion.add("Gather", {known.stacked, expansion.input(1)});
    } else {
      const auto at = place(expansion, expansion.input(1), known.elements.size());
      if (!at) return false;
      expansion.add("Identity", {known.elements[static_cast<std::size_t>(*at)]});
    }
    expansion.finish();
    return true;
  }

  void join(const std::vector<std::string>& elements, std::int64_t axis, bool fresh_axis,
            Expansion& expansion) const {
    constexpr int axes_are_an_input = 13;
    std::vector<std::string> parts;
    for (const std::string& element : elements) {
      if (!fresh_axis)
        parts.push_back(element);
      else if (opset_ < axes_are_an_input)
        parts.push_back(expansion.add("Unsqueeze", {element}, {{"axes", std::vector<std::int64_t>{axis}}}));
      else
        parts.push_back(expansion.add("Unsqueeze", {element, expansion.ints(std::array{axis})}));
    }
    expansion.add("Concat", parts, {{"axis", axis}});
  }

  /// Moves the first axis to `axis` and, unless it stays an axis of its own, joins it with the next one. Dims [T, A..., R...]
  /// go through [T, A, R] and [A, T, R]: the rank need not be known.
  static void join_stacked(const std::string& stacked, std::int64_t axis, bool fresh_axis,
                           Expansion& expansion) {
    const std::string shape = expansion.add("Shape", {stacked});
    const auto part = [&](std::int64_t from, std::int64_t to) {
      return expansion.add("Slice",
                           {shape, expansion.ints(std::array{from}), expansion.ints(std::array{to})});
    };
    const auto product = [&](const std::string& dims) {  // as a vector
      return expansion.add("Reshape", {expansion.add("ReduceProd", {dims}, {{"keepdims", std::int64_t{1}}}),
                                       expansion.ints(std::array<std::int64_t, 1>{1})});
    };
    // from the back a stack's axis -1 stands after all axes of an element, a join's is the last of them
    const std::int64_t end = INT64_MAX, middle = axis >= 0                  ? axis + 1
                                                 : fresh_axis && axis == -1 ? end
                                                                            : axis + (fresh_axis ? 1 : 0);
    const std::string count = part(0, 1), before = part(1, middle), after = part(middle, end);
    const std::string blocks =
        expansion.add("Concat", {count, product(before), product(after)}, {{"axis", std::int64_t{0}}});
    const std::string moved = expansion.transpose(expansion.add("Reshape", {stacked, blocks}), {1, 0, 2});
    std::string dims;
    if (fresh_axis) {
      dims = expansion.add("Concat", {before, count, after}, {{"axis", std::int64_t{0}}});
    } else {
      const auto rest = [&](std::int64_t from, std::int64_t to) {
        return expansion.add("Slice",
                             {after, expansion.ints(std::array{from}), expansion.ints(std::array{to})});
      };
      const std::string joined = expansion.add("Mul", {count, rest(0, 1)});
      dims = expansion.add("Concat", {before, joined, rest(1, end)}, {{"axis", std::int64_t{0}}});
    }
    expansion.add("Reshape", {moved, dims});
  }

  /// A list that begins empty and gets one more tensor in each pass of a Loop becomes a scan output.
  bool replace_loop(const onnx::NodeProto& node, Expansion& expansion) {
    if (!is_onnx(node, "Loop")) return false;
    const onnx::AttributeProto* attribute = expansion.attribute("body");
    if (attribute == nullptr || attribute->g().input_size() != node.input_size()) return false;
    onnx::NodeProto loop = node;
    onnx::GraphProto body = attribute->g();
    std::map<std::string, List> made;
    for (int i = node.input_size() - 1; i >= 2; --i) {
      const List* first = one_by_one(node.input(i));
      if (first == nullptr || !first->elements.empty() || i - 1 >= body.output_size() ||
          i - 2 >= loop.output_size())
        continue;
      const std::optional<std::string> appended =
          take_append(body, body.input(i).name(), body.output(i - 1).name());
      if (!appended) continue;
      loop.mutable_input()->DeleteSubrange(i, 1);
      body.mutable_input()->DeleteSubrange(i, 1);
      body.mutable_output()->DeleteSubrange(i - 1, 1);
      body.add_output()->set_name(*appended);
      const std::string stacked = expansion.fresh();
      if (!loop.output(i - 2).empty()) made[loop.output(i - 2)] = {{}, stacked};
      loop.mutable_output()->DeleteSubrange(i - 2, 1);
      while (loop.output_size() < body.output_size() - 2) loop.add_output(std::string());
      loop.add_output(stacked);
    }
    if (made.empty() && loop.input_size() == node.input_size()) return false;
    for (auto& a : *loop.mutable_attribute())
      if (a.name() == "body") {
        *a.mutable_g() = std::move(body);
        break;
      }
    expansion.add_node("Loop", {}, 0) = std::move(loop);
    lists_.merge(made);
    return true;
  }

  /// The tensor that the body appends to its list `input` to make `output`; the node that does it is taken out. Nullopt
  /// where it does something else with the list.
  static std::optional<std::string> take_append(onnx::GraphProto& body, const std::string& input,
                                                const std::string& output) {
    std::map<std::string, int> reads;
    count_reads(body, reads);
    if (reads[input] != 1 || reads[output] != 1) return std::nullopt;
    for (int n = 0; n < body.node_size(); ++n) {
      const onnx::NodeProto& node = body.node(n);
      if (node.output_size() != 1 || node.output(0) != output) continue;
      const bool at_end = node.input_size() == 2 || (node.input_size() == 3 && node.input(2).empty());
      if (!is_onnx(node, "SequenceInsert") || node.input(0) != input || !at_end) return std::nullopt;
      std::string appended = node.input(1);
      body.mutable_node()->DeleteSubrange(n, 1);
      return appended;
    }
    return std::nullopt;
  }

  onnx::GraphProto& graph_;
  std::set<std::string>& taken_;
  int opset_;
  std::map<std::string, List> lists_;
  std::size_t copied_ = 0;
};

void replace_in(onnx::GraphProto& graph, std::set<std::string>& taken, int opset) {
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) replace_in(*attribute.mutable_g(), taken, opset);
      for (auto& g : *attribute.mutable_graphs()) replace_in(g, taken, opset);
    }
  Lists(graph, taken, opset).replace();
}

/// Whether the graph has sequences; their names and all others come to `taken`.
bool has_sequences(const onnx::GraphProto& graph, std::set<std::string>& taken) {
  bool any = false;
  take_names(graph, taken);
  for (const auto& node : graph.node()) {
    any = any || makes_list(node);
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) any = has_sequences(attribute.g(), taken) || any;
      for (const auto& g : attribute.graphs()) any = has_sequences(g, taken) || any;
    }
  }
  return any;
}

}  // namespace

void replace_sequences(onnx::ModelProto& model) {
  std::set<std::string> taken;
  if (!has_sequences(model.graph(), taken)) return;
  int opset = 1;
  for (const auto& o : model.opset_import())
    if (normalized(o.domain()).empty()) opset = static_cast<int>(o.version());
  replace_in(*model.mutable_graph(), taken, opset);
}

}  // namespace lithe::import
