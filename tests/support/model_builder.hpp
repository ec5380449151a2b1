// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "lithe/format/reader.hpp"
#include "lithe/model.hpp"
#include "tests/support/aligned_copy.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/graph.hpp"
#include "tools/graph/writer.hpp"

namespace lithe::test {

/// A model put together by hand, written to bytes as the converter would. Names of values are the handles'
/// names.
class ModelBuilder {
 public:
  ModelBuilder() {
    model_.graphs.resize(1);
    model_.graphs[0].name = "main";
    model_.signatures.push_back({"main", 0, {}});
    model_.source_name = "test";
  }

  graph::Graph& graph(int g = 0) { return model_.graphs[static_cast<std::size_t>(g)]; }
  graph::Model& model() { return model_; }

  /// A new subgraph; its number goes into Node::subgraphs.
  int subgraph(const std::string& name) {
    model_.graphs.emplace_back().name = name;
    return static_cast<int>(model_.graphs.size()) - 1;
  }
  /// Dims: >= 0 fixed, dim_of_symbol(s) symbol s.
  int input(const std::string& name, DType dtype, graph::Dims dims, int g = 0) {
    const int id = value(name, dtype, g);
    graph(g).value(id).dims = std::move(dims);
    graph(g).inputs.push_back(id);
    return id;
  }
  int host_input(const std::string& name, DType dtype, graph::Dims dims) {
    const int id = input(name, dtype, std::move(dims));
    graph().value(id).host = true;
    return id;
  }
  int symbol(const std::string& name, std::uint64_t min = 1, std::uint64_t opt = 0, std::uint64_t max = 0) {
    model_.symbols.push_back({name, min, opt, max});
    return static_cast<int>(dim_of_symbol(static_cast<std::int64_t>(model_.symbols.size()) - 1));
  }
  template <class T>
  int constant(const Shape& shape, const std::vector<T>& elements, int g = 0) {
    return graph(g).add_constant(graph::make_constant<T>(shape, elements), "constant");
  }
  /// The outputs' values, named NAME, NAME.1, ...
  template <class Op>
  std::vector<int> nodes(const std::string& name, const typename Op::Attributes& attributes,
                         std::vector<int> inputs, const std::vector<DType>& dtypes,
                         std::vector<int> subgraphs = {}, int g = 0) {
    graph::Node node;
    graph::set_attributes<Op>(node, attributes);
    node.inputs = std::move(inputs);
    node.subgraphs = std::move(subgraphs);
    for (std::size_t i = 0; i < dtypes.size(); ++i)
      node.outputs.push_back(value(i == 0 ? name : name + "." + std::to_string(i), dtypes[i], g));
    graph(g).nodes.push_back(node);
    return node.outputs;
  }
  template <class Op>
  int node(const std::string& name, const typename Op::Attributes& attributes, std::vector<int> inputs,
           DType dtype = DType::f32, int g = 0) {
    return nodes<Op>(name, attributes, std::move(inputs), {dtype}, {}, g)[0];
  }
  void output(int id, int g = 0) { graph(g).outputs.push_back(id); }
  void quantize(int id, std::vector<float> scales, std::vector<std::int8_t> zero_points, int axis = -1,
                int g = 0) {
    graph::ValueQuantization q;
    const Shape shape{static_cast<index_t>(scales.size())};
    q.scale = graph::make_constant<float>(shape, scales);
    q.zero_point = graph::make_constant<std::int8_t>(shape, zero_points);
    q.axis = axis;
    graph(g).value(id).quantization = q;
  }

  std::vector<std::byte> bytes() const { return graph::write(model_); }
  /// The file's bytes, 64-byte aligned and owned by the result.
  Storage storage() const { return aligned_copy(bytes()); }
  Model open() const {
    auto model = Model::open(storage());
    EXPECT_TRUE(model.ok()) << model.status().text();
    return *std::move(model);
  }

 private:
  int value(const std::string& name, DType dtype, int g) {
    graph::Value v;
    v.name = name;
    v.dtype = dtype;
    return graph(g).add_value(std::move(v));
  }

  graph::Model model_;
};

}  // namespace lithe::test
