// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/writer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "lithe/core/align.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/model.hpp"
#include "schema/lithe_builders_generated.h"
#include "tools/graph/hash.hpp"

namespace lithe::graph {

namespace {

namespace fb = ::flatbuffers;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::logic_error("writer: " + what);
}

/// The data segment: equal contents are stored once.
class Segment {
 public:
  int add(std::span<const std::byte> bytes) {
    const auto key = std::pair(hash(bytes), bytes.size());
    for (auto [it, end] = known_.equal_range(key); it != end; ++it)
      if (std::equal(bytes.begin(), bytes.end(), parts_[static_cast<std::size_t>(it->second)].begin()))
        return it->second;
    const int index = static_cast<int>(parts_.size());
    known_.emplace(key, index);
    parts_.push_back(bytes);
    buffers_.emplace_back(size_, bytes.size(), std::uint16_t{0});
    size_ = align_up(size_ + bytes.size(), buffer_alignment);
    return index;
  }
  int add(const Constant& constant) {
    std::uint64_t expected = 0;
    require(constant.shape.checked_bytes(constant.dtype, std::uint64_t{1} << 40, expected) &&
                expected == constant.bytes.size(),
            "a constant's bytes do not fit its shape");
    return add(constant.bytes);
  }
  const std::vector<format::Buffer>& buffers() const { return buffers_; }
  std::size_t bytes() const { return size_ + segment_slack; }
  void copy_to(std::byte* segment) const {
    for (std::size_t i = 0; i < parts_.size(); ++i)
      if (!parts_[i].empty()) std::memcpy(segment + buffers_[i].offset(), parts_[i].data(), parts_[i].size());
  }
  const std::vector<std::span<const std::byte>>& parts() const { return parts_; }

 private:
  std::vector<std::span<const std::byte>> parts_;
  std::vector<format::Buffer> buffers_;
  std::multimap<std::pair<std::array<std::uint64_t, 2>, std::size_t>, int> known_;
  std::size_t size_ = 0;
};

/// Builds the tables. One builder, one segment; every function returns the offset of what it wrote.
class Tables {
 public:
  explicit Tables(const Model& model) : model_(model) {
    for (const Signature& s : model.signatures)
      if (!numbers_.contains(s.graph)) number(s.graph);
    // Level by level: the graphs that a graph's nodes carry come after all graphs of its own level.
    for (std::size_t i = 0; i < order_.size(); ++i)
      for (const Node& node : graph(order_[i]).nodes)
        for (int carried : node.subgraphs) number(carried);
    for (int g : order_)
      for (const Node& node : graph(g).nodes) operators_.emplace(std::pair(node.op, node.version), 0);
    std::uint32_t index = 0;
    for (auto& [op, number] : operators_) number = index++;
  }

  /// Finishes the tables with this id; once per object.
  fb::DetachedBuffer finish(const std::array<std::uint64_t, 2>& id) {
    const format::Id file_id(id[0], id[1]);
    std::vector<fb::Offset<format::KeyValue>> metadata;
    for (const auto& [key, value] : model_.metadata)
      metadata.push_back(format::CreateKeyValue(builder_, text(key), text(value)));
    std::vector<fb::Offset<format::Operator>> operators;
    for (const auto& [op, number] : operators_)
      operators.push_back(format::CreateOperator(builder_, text(op.first), op.second));
    std::vector<fb::Offset<format::Symbol>> symbols;
    for (const Symbol& s : model_.symbols)
      symbols.push_back(format::CreateSymbol(builder_, text(s.name), s.min, s.opt, s.max));
    std::vector<fb::Offset<format::Subgraph>> subgraphs;
    for (int g : order_) subgraphs.push_back(subgraph(graph(g)));
    std::vector<fb::Offset<format::Signature>> signatures;
    for (const Signature& s : model_.signatures) signatures.push_back(signature(s));
    const auto sections = all(model_.sections, [&](const Section& s) { return section(s); });
    const auto tests = all(model_.self_tests, [&](const SelfTest& t) { return self_test(t); });
    const auto features = all(model_.features, [&](const std::string& f) { return text(f); });
    // Arguments are evaluated in an order of the compiler's own, so everything that builds is named first.
    const auto producer = text(model_.producer), name = text(model_.source_name),
               source_hash = text(model_.source_hash);
    const auto metadata_vector = metadata.empty() ? 0 : builder_.CreateVector(metadata);
    const auto operators_vector = builder_.CreateVector(operators);
    const auto symbols_vector = symbols.empty() ? 0 : builder_.CreateVector(symbols);
    const auto subgraphs_vector = builder_.CreateVector(subgraphs);
    const auto buffers_vector =
        segment_.buffers().empty() ? 0 : builder_.CreateVectorOfStructs(segment_.buffers());
    const auto signatures_vector = builder_.CreateVector(signatures);
    const auto root =
        format::CreateModel(builder_, format_version, features, producer, name, source_hash, &file_id,
                            metadata_vector, operators_vector, symbols_vector, subgraphs_vector,
                            buffers_vector, signatures_vector, sections, tests);
    builder_.FinishSizePrefixed(root, format::ModelIdentifier());
    return builder_.Release();
  }
  const Segment& segment() const { return segment_; }

 private:
  const Graph& graph(int g) const {
    require(g >= 0 && static_cast<std::size_t>(g) < model_.graphs.size(), "a subgraph that does not exist");
    return model_.graphs[static_cast<std::size_t>(g)];
  }
  void number(int g) {
    require(numbers_.emplace(g, static_cast<std::uint32_t>(order_.size())).second,
            "a subgraph that is carried twice");
    order_.push_back(g);
  }

  fb::Offset<fb::String> text(const std::string& s) { return s.empty() ? 0 : builder_.CreateSharedString(s); }
  /// A vector of what `make` gives for each item; none where there are no items.
  template <class Items, class Make>
  auto all(const Items& items, Make make) -> fb::Offset<fb::Vector<decltype(make(*items.begin()))>> {
    if (items.empty()) return 0;
    std::vector<decltype(make(*items.begin()))> offsets;
    for (const auto& item : items) offsets.push_back(make(item));
    return builder_.CreateVector(offsets);
  }

  fb::Offset<format::Attribute> attribute(const std::string& name, const Attribute& a) {
    require(a.ints.size() + a.floats.size() <= 64, "an attribute of more than 64 numbers: " + name);
    require(!a.ints.empty() + !a.floats.empty() + !a.text.empty() <= 1, "an attribute of two types: " + name);
    const auto key = text(name);
    const bool is_floats = !a.floats.empty(), is_text = !a.text.empty();
    const auto floats = is_floats ? builder_.CreateVector(a.floats) : 0;
    const auto words = is_text ? text(a.text) : 0;
    const auto ints = is_floats || is_text ? 0 : builder_.CreateVector(a.ints);
    return format::CreateAttribute(builder_, key, ints, floats, words);
  }

  fb::Offset<format::Node> node(const Node& n, const std::vector<ValueId>& renumbered) {
    const auto attributes = all(n.attributes, [&](const auto& a) { return attribute(a.first, a.second); });
    const auto names =
        all(n.onnx_names, [&](const std::string& s) { return builder_.CreateSharedString(s); });
    std::vector<std::uint32_t> subgraphs;
    for (int g : n.subgraphs) subgraphs.push_back(numbers_.at(g));
    const auto subgraphs_vector = subgraphs.empty() ? 0 : builder_.CreateVector(subgraphs);
    const auto inputs = ids(n.inputs, renumbered), outputs = ids(n.outputs, renumbered);
    return format::CreateNode(builder_, operators_.at({n.op, n.version}), inputs, outputs, attributes,
                              subgraphs_vector, names);
  }

  fb::Offset<format::Quantization> quantization(const ValueQuantization& q) {
    require(q.scale != nullptr, "a quantization without scale");
    const auto dtype = [](const ConstantPtr& c) {
      return static_cast<format::DType>(c ? c->dtype : DType::none);
    };
    const auto scale = static_cast<std::uint32_t>(segment_.add(*q.scale));
    const int zero_point = q.zero_point ? segment_.add(*q.zero_point) : -1;
    return format::CreateQuantization(builder_, scale, dtype(q.scale), zero_point, dtype(q.zero_point),
                                      q.axis, static_cast<std::uint32_t>(q.block));
  }

  fb::Offset<format::Value> value(const Value& v, bool with_dims) {
    require(known(v.dtype), "value '" + v.name + "' has no dtype");
    require(!v.constant || v.constant->dtype == v.dtype,
            "constant '" + v.name + "' declares another dtype than it has");
    const int buffer = v.constant ? segment_.add(*v.constant) : -1;
    const auto name = text(v.name), onnx_name = text(v.onnx_name);
    const auto permutation = v.permutation.empty() ? 0 : builder_.CreateVector(v.permutation);
    const auto quantized = v.quantization ? quantization(*v.quantization) : 0;
    Dims dims = v.dims.value_or(Dims{});
    if (v.constant) dims.assign(v.constant->shape.dims().begin(), v.constant->shape.dims().end());
    for (auto d : dims)
      require(symbol_of(d) < static_cast<std::int64_t>(model_.symbols.size()),
              "value '" + v.name + "' has an unknown symbol");
    const auto dims_vector = v.constant || (with_dims && v.dims) ? builder_.CreateVector(dims) : 0;
    return format::CreateValue(builder_, name, onnx_name, permutation, static_cast<format::DType>(v.dtype),
                               dims_vector, buffer, quantized, v.host);
  }

  /// The values that somebody mentions, in the file's order: inputs, constants, outputs of nodes.
  static std::vector<ValueId> definition_order(const Graph& g) {
    std::vector<bool> read(g.values.size());
    auto mark = [&](const std::vector<ValueId>& ids) {
      for (ValueId v : ids)
        if (v != absent) read[static_cast<std::size_t>(v)] = true;
    };
    for (const Node& n : g.nodes) mark(n.inputs);
    mark(g.outputs);
    std::vector<ValueId> order = g.inputs;
    for (std::size_t v = 0; v < g.values.size(); ++v)
      if (g.values[v].constant && read[v]) order.push_back(static_cast<ValueId>(v));
    for (const Node& n : g.nodes)
      for (ValueId v : n.outputs)
        if (v != absent) order.push_back(v);
    return order;
  }

  fb::Offset<fb::Vector<std::int32_t>> ids(const std::vector<ValueId>& list,
                                           const std::vector<ValueId>& renumbered) {
    std::vector<std::int32_t> result;
    for (ValueId v : list) result.push_back(v == absent ? absent : renumbered[static_cast<std::size_t>(v)]);
    return builder_.CreateVector(result);
  }

  fb::Offset<format::Subgraph> subgraph(const Graph& g) {
    check(g);
    std::set<ValueId> ends(g.inputs.begin(), g.inputs.end());
    ends.insert(g.outputs.begin(), g.outputs.end());
    std::vector<ValueId> renumbered(g.values.size(), absent);
    std::vector<fb::Offset<format::Value>> values;
    for (ValueId v : definition_order(g)) {
      renumbered[static_cast<std::size_t>(v)] = static_cast<ValueId>(values.size());
      values.push_back(value(g.value(v), ends.contains(v)));
    }
    std::vector<fb::Offset<format::Node>> nodes;
    for (const Node& n : g.nodes) nodes.push_back(node(n, renumbered));
    const auto name = text(g.name);
    const auto values_vector = builder_.CreateVector(values);
    const auto nodes_vector = builder_.CreateVector(nodes);
    const auto inputs = ids(g.inputs, renumbered), outputs = ids(g.outputs, renumbered);
    return format::CreateSubgraph(builder_, name, values_vector, nodes_vector, inputs, outputs);
  }

  /// Whether `id` is an input, and an output has its name and gives it out; or the other way round.
  static bool is_given_out(const Graph& g, ValueId id) {
    const auto named = [&](const std::vector<ValueId>& ids) {
      return std::any_of(ids.begin(), ids.end(),
                         [&](ValueId v) { return v != id && g.value(v).name == g.value(id).name; });
    };
    const auto stands = [&](const std::vector<ValueId>& ids) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    return (stands(g.outputs) && named(g.inputs)) || (stands(g.inputs) && named(g.outputs));
  }

  /// Ids in range, names unique but for inputs that are outputs, and every value made exactly once and before it is read.
  static void check(const Graph& g) {
    std::vector<bool> made(g.values.size());
    std::set<std::string_view> names;
    auto make = [&](ValueId v) {
      require(v >= 0 && static_cast<std::size_t>(v) < made.size(),
              "a value id out of range in graph '" + g.name + "'");
      require(!made[static_cast<std::size_t>(v)], "value '" + g.value(v).name + "' is made twice");
      made[static_cast<std::size_t>(v)] = true;
    };
    auto read = [&](ValueId v) {
      require(v >= 0 && static_cast<std::size_t>(v) < made.size(),
              "a value id out of range in graph '" + g.name + "'");
      require(made[static_cast<std::size_t>(v)], "value '" + g.value(v).name + "' is read before it is made");
    };
    for (std::size_t i = 0; i < g.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      require(names.insert(g.values[i].name).second || is_given_out(g, id),
              "two values are named '" + g.values[i].name + "'");
      if (g.values[i].constant) make(static_cast<ValueId>(i));
    }
    for (ValueId v : g.inputs) make(v);
    for (const Node& n : g.nodes) {
      for (ValueId v : n.inputs)
        if (v != absent) read(v);
      for (ValueId v : n.outputs)
        if (v != absent) make(v);
    }
    for (ValueId v : g.outputs) read(v);
  }

  fb::Offset<format::Signature> signature(const Signature& s) {
    std::vector<format::State> states;
    for (const State& state : s.states)
      states.emplace_back(static_cast<std::uint32_t>(state.input), static_cast<std::uint32_t>(state.output));
    const auto states_vector = states.empty() ? 0 : builder_.CreateVectorOfStructs(states);
    const auto name = builder_.CreateSharedString(s.name);
    return format::CreateSignature(builder_, name, numbers_.at(s.graph), states_vector);
  }
  fb::Offset<format::Section> section(const Section& s) {
    const int buffer = segment_.add(s.bytes);
    const auto name = text(s.name), key = text(s.key);
    return format::CreateSection(builder_, name, key, &segment_.buffers()[static_cast<std::size_t>(buffer)]);
  }
  fb::Offset<format::TestTensor> test_tensor(const ConstantPtr& c) {
    const auto buffer = static_cast<std::uint32_t>(segment_.add(*c));
    const auto dims =
        builder_.CreateVector(std::vector<std::int64_t>(c->shape.dims().begin(), c->shape.dims().end()));
    return format::CreateTestTensor(builder_, dims, buffer);
  }
  fb::Offset<format::SelfTest> self_test(const SelfTest& t) {
    std::vector<fb::Offset<format::TestTensor>> inputs, outputs;
    for (const ConstantPtr& c : t.inputs) inputs.push_back(test_tensor(c));
    for (const ConstantPtr& c : t.outputs) outputs.push_back(test_tensor(c));
    const auto inputs_vector = builder_.CreateVector(inputs), outputs_vector = builder_.CreateVector(outputs);
    return format::CreateSelfTest(builder_, static_cast<std::uint32_t>(t.signature), inputs_vector,
                                  outputs_vector, t.tolerance);
  }

  const Model& model_;
  fb::FlatBufferBuilder builder_;
  Segment segment_;
  std::map<std::pair<std::string, std::uint16_t>, std::uint32_t> operators_;
  std::map<int, std::uint32_t> numbers_;  ///< the number of each graph in the file
  std::vector<int> order_;
};

/// Covers every buffer and the tables, which hold an id of zero.
std::array<std::uint64_t, 2> id_of(std::span<const std::span<const std::byte>> buffers,
                                   std::span<const std::byte> tables) {
  Hash h;
  for (const auto& buffer : buffers) {
    const auto digest = hash(buffer);
    h.add(std::as_bytes(std::span(digest)));
  }
  h.add(tables);
  return h.value();
}

std::array<std::uint64_t, 2> id_of(const Model& model) {
  Tables tables(model);
  const fb::DetachedBuffer bytes = tables.finish({});
  return id_of(tables.segment().parts(), std::as_bytes(std::span(bytes.data(), bytes.size())));
}

}  // namespace

std::vector<std::byte> write(const Model& model) {
  Tables tables(model);
  const fb::DetachedBuffer head = tables.finish(id_of(model));
  const std::size_t segment = tables.segment().bytes();
  const std::size_t start =
      align_up(head.size(), segment > small_segment ? page_alignment : buffer_alignment);
  std::vector<std::byte> file(start + segment);
  std::memcpy(file.data(), head.data(), head.size());
  tables.segment().copy_to(file.data() + start);
  return file;
}

std::array<std::uint64_t, 2> content_id(const lithe::Model& file) {
  std::vector<std::span<const std::byte>> buffers;
  for (std::uint32_t i = 0; i < count(file.root().buffers()); ++i) buffers.push_back(file.buffer(i));
  const std::byte* begin = file.bytes().data();
  const std::size_t size =
      flatbuffers::GetSizePrefixedBufferLength(reinterpret_cast<const std::uint8_t*>(begin));
  std::vector<std::byte> tables(begin, begin + size);
  const auto at = reinterpret_cast<const std::byte*>(file.root().id()) - begin;
  std::memset(tables.data() + at, 0, sizeof(format::Id));
  return id_of(buffers, tables);
}

}  // namespace lithe::graph
