// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/io/constant.hpp"

/// The converter's mutable form of a model: what importers build, passes change and the writer puts into a
/// file.
namespace lithe::graph {

using io::Constant;
using io::ConstantPtr;
using io::make_constant;

struct ValueQuantization {
  ConstantPtr scale;
  ConstantPtr zero_point;  ///< null: all zero
  int axis = -1;
  index_t block = 0;
};

/// The same as operators and kernels take it; `quantization` must outlive the view.
Quantization quantization_view(const ValueQuantization& quantization);

/// As in the file: >= 0 fixed, -1 unknown, else dim_of_symbol(s) of format/reader.hpp.
using Dims = std::vector<std::int64_t>;
inline bool fixed(const Dims& dims) {
  for (auto d : dims)
    if (d < 0) return false;
  return true;
}

using ValueId = int;  ///< index into Graph::values; absent: -1
inline constexpr ValueId absent = -1;

struct Value {
  std::string name;       ///< unique in its graph
  std::string onnx_name;  ///< the ONNX value it equals (up to `permutation`), or empty
  std::vector<std::uint8_t>
      permutation;  ///< axis i here is ONNX's axis permutation[i]; empty: the same order
  DType dtype = DType::none;
  std::optional<Dims> dims;  ///< nullopt: not even the rank is known
  ConstantPtr constant;
  std::optional<ValueQuantization> quantization;
  bool host = false;  ///< a graph input whose contents decide shapes
};

struct Attribute {
  std::vector<std::int64_t> ints;
  std::vector<float> floats;
  std::string text;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

struct Node {
  std::string op;  ///< lithe's operator name
  std::uint16_t version = 1;
  std::map<std::string, Attribute> attributes;  ///< only those that differ from the operator's defaults
  std::vector<ValueId> inputs, outputs;
  std::vector<int> subgraphs;  ///< indices into Model::graphs
  std::vector<std::string>
      onnx_names;  ///< the ONNX nodes it came from, "Conv_12" or "<op_type> -> <output name>" where unnamed
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;  ///< in running order
  std::vector<ValueId> inputs, outputs;

  /// A name that is taken gets "_1", "_2" ... appended. Code that sets Value::name itself must keep names
  /// unique.
  ValueId add_value(Value value);
  ValueId add_constant(ConstantPtr constant, std::string_view name);
  /// Drops the values from this one on, which nobody mentions any more.
  void drop_values(ValueId first);
  /// Call it after renumbering values, so that names are looked up again.
  void forget_names();
  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  const Constant* constant(ValueId id) const { return id < 0 ? nullptr : value(id).constant.get(); }

 private:
  bool taken(const std::string& name);
  std::unordered_map<std::string, ValueId>
      names_;  ///< by name, the first `indexed_` values when they were last looked at
  std::unordered_map<std::string, int> last_numbers_;  ///< that were appended to a name
  std::size_t indexed_ = 0;
};

struct Symbol {
  std::string name;
  std::uint64_t min = 1, opt = 0, max = 0;  ///< opt 0: unset, max 0: unbounded
};

struct State {
  int input, output;  ///< positions in the signature's inputs and outputs
};

struct Signature {
  std::string name;
  int graph = 0;
  std::vector<State> states;
};

struct SelfTest {
  int signature = 0;
  std::vector<ConstantPtr> inputs, outputs;
  float tolerance = 0;
};

/// Bytes that travel with the model and that only those who know the name read.
struct Section {
  std::string name, key;
  std::vector<std::byte> bytes;
};

struct Model {
  std::vector<Graph> graphs;  ///< graph 0 is the main one
  std::vector<Symbol> symbols;
  std::vector<Signature> signatures;
  std::map<std::string, std::string> metadata;
  std::string producer, source_name, source_hash;
  std::vector<std::string> features;
  std::vector<SelfTest> self_tests;
  std::vector<Section> sections;
};

/// For each value the index of the node that produces it, or -1.
std::vector<int> producers(const Graph& graph);
/// For each value how many node inputs and graph outputs read it.
std::vector<int> use_counts(const Graph& graph);
/// Makes every reader of `from` (nodes and graph outputs) read `to`.
void replace_uses(Graph& graph, ValueId from, ValueId to);
/// Drops nodes whose outputs nobody reads and values that nobody mentions; keeps the order.
void remove_dead(Graph& graph);
/// Sorts nodes so that every value is produced before it is read; false when there is a cycle.
bool sort_nodes(Graph& graph);

/// What people call a node: its ONNX names joined by " + ", else "OPERATOR -> OUTPUT".
std::string node_title(const Graph& graph, const Node& node);

}  // namespace lithe::graph
