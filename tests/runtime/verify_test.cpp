// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/verify.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "lithe/model.hpp"
#include "lithe/ops/unary.hpp"
#include "tests/support/file_tables.hpp"
#include "tests/support/model_builder.hpp"

namespace lithe::test {
namespace {

/// A node of graph `main`: inputs, outputs and carried graphs.
FileNode node(std::uint32_t op, std::vector<std::int32_t> inputs, std::vector<std::int32_t> outputs,
              std::vector<std::uint32_t> subgraphs = {}) {
  return {.op = op,
          .inputs = std::move(inputs),
          .outputs = std::move(outputs),
          .attributes = {},
          .subgraphs = std::move(subgraphs)};
}
FileValue value(DType dtype, std::optional<FileNumbers> dims = {}, int buffer = -1) {
  return {.dtype = dtype, .dims = std::move(dims), .buffer = buffer};
}
FileNumbers numbers(std::vector<std::int64_t> list) { return {.list = std::move(list)}; }

enum Operators : std::uint32_t { add, if_, neg };
/// Values of graph `main`: three inputs, three constants, what the nodes give.
enum Values : std::int32_t { x, previous, condition, one, per_tensor, per_axis, sum, next, y, value_count };
enum Buffers : int { ones, four_numbers, one_scale, scales, zero_points, batch, flag };

/// An If of the previous sum: its branches are graphs 2 and 3.
FileGraph main_graph() {
  FileGraph g;
  g.values.resize(value_count);
  g.values[x] = value(DType::f32, numbers({-2, 2}));
  g.values[x].permutation = {1, 0};
  g.values[previous] = value(DType::f32, numbers({2}));
  g.values[condition] = value(DType::boolean, numbers({}));
  g.values[condition].host = true;
  g.values[one] = value(DType::f32, numbers({2}), ones);
  g.values[per_tensor] = value(DType::s8, numbers({2, 2}), four_numbers);
  g.values[per_tensor].quantization = FileQuantization{.scale = one_scale};
  g.values[per_axis] = value(DType::s8, numbers({2, 2}), four_numbers);
  g.values[per_axis].quantization =
      FileQuantization{.scale = scales, .zero_point = zero_points, .zero_point_dtype = DType::s8, .axis = 0};
  g.values[sum] = value(DType::f32);
  g.values[next] = value(DType::f32, numbers({2}));
  g.values[y] = value(DType::f32, numbers({-2, -1}));
  g.nodes = {node(add, {x, one}, {sum}), node(add, {previous, one}, {-1, next}),
             node(if_, {condition, sum, -1}, {y}, {2, 3})};
  g.nodes[0].attributes = {{.name = "clamp", .ints = {}, .floats = {0, 6}},
                           {.name = "axes", .ints = numbers({1, 2})}};
  g.inputs = {x, previous, condition};
  g.outputs = {y, next, one};
  return g;
}

/// y = -x, for values without dims.
FileGraph negation(std::optional<FileNumbers> dims) {
  FileGraph g;
  g.values = {value(DType::f32, std::move(dims)), value(DType::f32)};
  g.nodes = {node(neg, {0}, {1})};
  g.inputs = {0};
  g.outputs = {1};
  return g;
}

/// Everything the format has: two signatures, two branches, a state, a host input, an open dimension,
/// constants, quantization by tensor and by axis, attributes, sections and a self-test.
FileTables everything() {
  FileTables t;
  t.operators = {"Add", "If", "Neg"};
  t.symbols = {{.name = "n", .min = 1, .opt = 2, .max = 4}};
  t.add_buffer<float>({1, 1});
  t.add_buffer<std::int8_t>({1, 2, 3, 4});
  t.add_buffer<float>({0.5F});
  t.add_buffer<float>({0.5F, 0.25F});
  t.add_buffer<std::int8_t>({1, 2});
  t.add_buffer<float>({1, 2, 3, 4});
  t.add_buffer<std::uint8_t>({1});
  t.graphs = {main_graph(), negation(numbers({4})), negation({}), negation(numbers({-1, 2}))};
  t.signatures = {{.name = "main", .subgraph = 0, .states = {format::State(1, 1)}},
                  {.name = "negate", .subgraph = 1, .states = {}}};
  t.sections = {{.name = "note", .key = "a", .buffer = t.buffers[ones]},
                {.name = "empty", .key = "", .buffer = {}}};
  const FileTensor two{numbers({2}), ones};
  const FileTensor table{numbers({2, 2}), batch};
  t.self_tests = {
      {.signature = 0, .inputs = {table, two, {numbers({}), flag}}, .outputs = {table, two, two}}};
  return t;
}

Status opened(const FileTables& tables) { return Model::open(packed(tables)).status(); }

TEST(Verify, TakesEverything) {
  const Status status = opened(everything());
  EXPECT_TRUE(status.ok()) << status.text() << " at " << status.subgraph() << ", " << status.node();
}

/// One thing that is wrong with a file, and what Model::open says of it.
struct Refusal {
  const char* what;
  void (*damage)(FileTables&);
  const char* text;
  Code code = Code::invalid_model;
};

void expect_refusals(std::span<const Refusal> refusals) {
  for (const Refusal& r : refusals) {
    FileTables t = everything();
    r.damage(t);
    const Status status = opened(t);
    EXPECT_EQ(status.code(), r.code) << r.what;
    EXPECT_EQ(std::string_view(status.text()), r.text) << r.what;
  }
}

FileValue& main_value(FileTables& t, int v) { return t.graphs[0].values[static_cast<std::size_t>(v)]; }
FileQuantization& by_axis(FileTables& t) { return *main_value(t, per_axis).quantization; }

constexpr std::int64_t above_32_bits = std::int64_t{1} << 31;
constexpr DType unknown_dtype{200};
constexpr const char* unaligned = "a list of 64-bit numbers is not aligned";

TEST(Verify, RefusesHeaders) {
  constexpr const char* newer = "the file has a newer format version than this build reads: update lithe";
  constexpr const char* order = "a symbol's min, opt and max are out of order";
  const Refusal refusals[] = {
      {"no version", [](FileTables& t) { t.version = 0; }, newer, Code::unsupported},
      {"a later version", [](FileTables& t) { t.version = format_version + 1; }, newer, Code::unsupported},
      {"a feature", [](FileTables& t) { t.features = {"future"}; },
       "the file needs a feature that this build does not know: update lithe", Code::unsupported},
      {"min of 2^31", [](FileTables& t) { t.symbols[0] = {"n", above_32_bits, 0, 0}; }, order},
      {"opt of 2^31", [](FileTables& t) { t.symbols[0] = {"n", 1, above_32_bits, 0}; }, order},
      {"max of 2^31", [](FileTables& t) { t.symbols[0] = {"n", 1, 0, above_32_bits}; }, order},
      {"max below min", [](FileTables& t) { t.symbols[0] = {"n", 3, 0, 2}; }, order},
      {"opt below min", [](FileTables& t) { t.symbols[0] = {"n", 3, 2, 0}; }, order},
      {"opt above max", [](FileTables& t) { t.symbols[0] = {"n", 1, 3, 2}; }, order},
  };
  expect_refusals(refusals);
}

TEST(Verify, TakesSymbolsWithoutBounds) {
  FileTables t = everything();
  for (const FileSymbol& symbol :
       {FileSymbol{"n", 1, 0, 0}, FileSymbol{"n", 1, 2, 0}, FileSymbol{"n", 1, 0, 2}}) {
    t.symbols[0] = symbol;
    EXPECT_TRUE(opened(t).ok()) << "opt " << symbol.opt << ", max " << symbol.max;
  }
}

TEST(Verify, RefusesBuffers) {
  constexpr const char* outside = "a buffer lies outside of the data segment";
  // The segment ends with the last buffer, padded to 64, and 64 bytes more.
  const Refusal refusals[] = {
      {"the list", [](FileTables& t) { t.buffers_aligned = false; }, unaligned},
      {"another file", [](FileTables& t) { t.buffers[flag] = format::Buffer(0, 1, 1); },
       "a buffer lies in another file: external files are reserved", Code::unsupported},
      {"an odd offset", [](FileTables& t) { t.buffers[flag] = format::Buffer(32, 1, 0); },
       "a buffer is not aligned to 64 bytes"},
      {"an offset after the end", [](FileTables& t) { t.buffers[flag] = format::Buffer(1 << 20, 1, 0); },
       outside},
      {"an end after the end", [](FileTables& t) { t.buffers[flag] = format::Buffer(0, 1 << 20, 0); },
       outside},
      {"a size of 2^64 - 1", [](FileTables& t) { t.buffers[flag] = format::Buffer(64, UINT64_MAX, 0); },
       outside},
      {"an offset near 2^64", [](FileTables& t) { t.buffers[flag] = format::Buffer(UINT64_MAX - 63, 64, 0); },
       outside},
      {"no zeros after it",
       [](FileTables& t) { t.buffers[flag] = format::Buffer(t.buffers[flag].offset(), 2, 0); }, outside},
      {"a section's", [](FileTables& t) { t.sections[0].buffer = format::Buffer(32, 1, 0); },
       "a buffer is not aligned to 64 bytes"},
  };
  expect_refusals(refusals);
}

TEST(Verify, RefusesValues) {
  constexpr const char* size = "a constant's buffer is missing, or has another size than its shape";
  constexpr const char* permutation = "a permutation has another length than its value's rank";
  constexpr const char* dtype = "a value has an element type that this build does not know";
  const Refusal refusals[] = {
      {"an input's type", [](FileTables& t) { main_value(t, x).dtype = unknown_dtype; }, dtype,
       Code::unsupported},
      {"a constant's type", [](FileTables& t) { main_value(t, one).dtype = unknown_dtype; }, dtype,
       Code::unsupported},
      {"a result's type", [](FileTables& t) { main_value(t, sum).dtype = unknown_dtype; }, dtype,
       Code::unsupported},
      {"no type", [](FileTables& t) { main_value(t, sum).dtype = DType::none; }, dtype, Code::unsupported},
      {"dims", [](FileTables& t) { main_value(t, next).dims->aligned = false; }, unaligned},
      {"nine dimensions",
       [](FileTables& t) { main_value(t, next).dims = numbers({1, 1, 1, 1, 1, 1, 1, 1, 1}); },
       "a value has more than 8 dimensions"},
      {"a dimension of 2^31", [](FileTables& t) { main_value(t, next).dims = numbers({above_32_bits}); },
       "a dimension is above 2^31 - 1"},
      {"symbol 1 of 1", [](FileTables& t) { main_value(t, next).dims = numbers({-3}); },
       "a dimension names a missing symbol"},
      {"the last symbol", [](FileTables& t) { main_value(t, next).dims = numbers({INT64_MIN}); },
       "a dimension names a missing symbol"},
      {"an open constant", [](FileTables& t) { main_value(t, one).dims = numbers({-2}); },
       "a constant has a dimension that is not fixed"},
      {"an unknown input", [](FileTables& t) { main_value(t, previous).dims = numbers({-1}); },
       "an input has an unknown dimension"},
      {"a short permutation", [](FileTables& t) { main_value(t, x).permutation = {0}; }, permutation},
      {"a long permutation", [](FileTables& t) { main_value(t, x).permutation = {0, 1, 2}; }, permutation},
      {"a constant without dims", [](FileTables& t) { main_value(t, one).dims.reset(); }, size},
      {"a constant of one element without dims",
       [](FileTables& t) {
         main_value(t, one).dims.reset();
         main_value(t, one).buffer = t.add_buffer<float>({1});
       },
       size},
      {"a constant of three", [](FileTables& t) { main_value(t, one).dims = numbers({3}); }, size},
      {"a constant of one", [](FileTables& t) { main_value(t, one).dims = numbers({1}); }, size},
      {"a constant of 2^64 bytes",
       [](FileTables& t) { main_value(t, one).dims = numbers({1 << 30, 1 << 30, 4}); }, size},
      {"a constant without a buffer",
       [](FileTables& t) { main_value(t, one).buffer = static_cast<int>(t.buffers.size()); }, size},
  };
  expect_refusals(refusals);
}

TEST(Verify, TakesPermutationsOfValuesWithoutDims) {
  FileTables t = everything();
  main_value(t, sum).permutation = {2, 1, 0};
  EXPECT_TRUE(opened(t).ok());
}

TEST(Verify, RefusesScalesAndZeroPoints) {
  constexpr const char* type = "a quantization's scale is not of a floating type";
  constexpr const char* whole = "a quantization has no whole number of scales";
  constexpr const char* number = "a quantization's zero points and scales differ in number";
  constexpr const char* integer = "a quantization's zero point is not of an integer type";
  const Refusal refusals[] = {
      {"integer scales", [](FileTables& t) { by_axis(t).scale_dtype = DType::s32; }, type},
      {"scales of no type", [](FileTables& t) { by_axis(t).scale_dtype = unknown_dtype; }, type},
      {"no buffer", [](FileTables& t) { by_axis(t).scale = static_cast<std::uint32_t>(t.buffers.size()); },
       "a quantization names a missing buffer"},
      {"no scale", [](FileTables& t) { t.buffers[scales] = format::Buffer(0, 0, 0); }, whole},
      {"a scale and a half", [](FileTables& t) { t.buffers[scales] = format::Buffer(0, 6, 0); }, whole},
      {"half a scale", [](FileTables& t) { t.buffers[scales] = format::Buffer(0, 2, 0); }, whole},
      {"real zero points", [](FileTables& t) { by_axis(t).zero_point_dtype = DType::f32; }, integer},
      {"zero points of no type", [](FileTables& t) { by_axis(t).zero_point_dtype = DType::none; }, integer},
      {"no buffer for zero points",
       [](FileTables& t) { by_axis(t).zero_point = static_cast<int>(t.buffers.size()); }, number},
      {"four zero points for two scales", [](FileTables& t) { by_axis(t).zero_point = four_numbers; },
       number},
      {"zero points of another width", [](FileTables& t) { by_axis(t).zero_point_dtype = DType::s16; },
       number},
  };
  expect_refusals(refusals);
}

TEST(Verify, TakesScalesAndZeroPointsOfEveryType) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    FileTables t = everything();
    by_axis(t).scale = static_cast<std::uint32_t>(t.add_buffer<std::uint16_t>({1, 1}));
    by_axis(t).scale_dtype = dtype;
    EXPECT_TRUE(opened(t).ok()) << name(dtype);
  }
  for (const DType dtype : {DType::s8, DType::u8, DType::s16, DType::u16, DType::s32}) {
    FileTables t = everything();
    const std::vector<std::byte> two(2 * static_cast<std::size_t>(element_bytes(dtype)));
    by_axis(t).zero_point = t.add_buffer(two);
    by_axis(t).zero_point_dtype = dtype;
    EXPECT_TRUE(opened(t).ok()) << name(dtype);
  }
}

TEST(Verify, RefusesAxesOfQuantization) {
  constexpr const char* range = "a quantization's axis is out of range";
  constexpr const char* fit = "a quantization's scales do not fit its axis";
  const Refusal refusals[] = {
      {"no axis", [](FileTables& t) { by_axis(t).axis = -1; }, range},
      {"axis 8 of a value without dims",
       [](FileTables& t) {
         main_value(t, sum).quantization = by_axis(t);
         main_value(t, sum).quantization->axis = static_cast<int>(max_rank);
       },
       range},
      {"axis 2 of two dimensions", [](FileTables& t) { by_axis(t).axis = 2; }, range},
      {"two scales for four channels", [](FileTables& t) { main_value(t, per_axis).dims = numbers({4, 1}); },
       fit},
      {"two scales for the one row of a table",
       [](FileTables& t) { main_value(t, per_axis).dims = numbers({1, 4}); }, fit},
      {"two scales for the three channels of an image",
       [](FileTables& t) {
         main_value(t, per_axis).dims = numbers({3, 0, 0, 0});
         main_value(t, per_axis).buffer = t.add_buffer<std::int8_t>({});
       },
       fit},
  };
  expect_refusals(refusals);
}

TEST(Verify, TakesScalesThatTheOperatorJudges) {
  FileTables in_blocks = everything();
  main_value(in_blocks, per_axis).dims = numbers({4, 1});
  by_axis(in_blocks).block = 2;
  EXPECT_TRUE(opened(in_blocks).ok()) << "scales by block";
  FileTables open = everything();
  main_value(open, x).quantization = by_axis(open);
  EXPECT_TRUE(opened(open).ok()) << "an open dimension";
  FileTables unknown = everything();
  main_value(unknown, sum).quantization = by_axis(unknown);
  EXPECT_TRUE(opened(unknown).ok()) << "dimensions that the file does not tell";
  FileTables depthwise = everything();
  main_value(depthwise, per_axis).dims = numbers({1, 2, 2, 1});
  EXPECT_TRUE(opened(depthwise).ok()) << "a depthwise filter: two channels for each of the input's";
}

TEST(Verify, RefusesSubgraphs) {
  constexpr const char* inputs = "a subgraph's inputs are not its first values";
  constexpr const char* output = "a subgraph's output is a missing value";
  const Refusal refusals[] = {
      {"none",
       [](FileTables& t) {
         t.graphs.clear();
         t.signatures.clear();
       },
       "the model has no subgraph"},
      {"one that nobody carries", [](FileTables& t) { t.graphs.push_back(negation({})); },
       "a subgraph belongs to nothing"},
      {"inputs in another order", [](FileTables& t) { t.graphs[0].inputs = {previous, x, condition}; },
       inputs},
      {"more inputs than values", [](FileTables& t) { t.graphs[2].inputs = {0, 1, 2}; }, inputs},
      {"an inner graph's inputs in another order", [](FileTables& t) { t.graphs[2].inputs = {1}; }, inputs},
      {"an inner input's type", [](FileTables& t) { t.graphs[2].values[0].dtype = unknown_dtype; },
       "a value has an element type that this build does not know", Code::unsupported},
      {"a value that nobody defines", [](FileTables& t) { t.graphs[0].values.push_back(value(DType::f32)); },
       "a value is defined by no node"},
      {"output -1", [](FileTables& t) { t.graphs[0].outputs[0] = -1; }, output},
      {"an output after the last value", [](FileTables& t) { t.graphs[0].outputs[0] = value_count; }, output},
  };
  expect_refusals(refusals);
}

/// Sixteen levels below the signatures' are the most: graph 3 carries 4, 4 carries 5 ...
void nest(FileTables& t, int levels) {
  for (int level = 1; level < levels; ++level) {
    t.graphs.back().nodes[0].subgraphs = {static_cast<std::uint32_t>(t.graphs.size())};
    t.graphs.push_back(negation({}));
  }
}

TEST(Verify, RefusesDeepNesting) {
  FileTables t = everything();
  nest(t, 16);
  EXPECT_TRUE(opened(t).ok());
  const Refusal refusals[] = {{"17 levels", [](FileTables& deep) { nest(deep, 17); },
                               "subgraphs are nested more than 16 deep", Code::limit}};
  expect_refusals(refusals);
}

TEST(Verify, RefusesNodes) {
  constexpr const char* too_early = "a node reads a value before it is defined";
  constexpr const char* order = "a node's outputs are out of order";
  constexpr const char* carried = "a node's subgraphs are out of order";
  constexpr const char* many = "an attribute has more than 64 numbers";
  const Refusal refusals[] = {
      {"an operator", [](FileTables& t) { t.graphs[0].nodes[0].op = 3; }, "a node names a missing operator"},
      {"input -2", [](FileTables& t) { t.graphs[0].nodes[0].inputs[0] = -2; }, too_early},
      {"its own output", [](FileTables& t) { t.graphs[0].nodes[0].inputs[0] = sum; }, too_early},
      {"an input after the last value", [](FileTables& t) { t.graphs[0].nodes[2].inputs[1] = value_count; },
       too_early},
      {"an output that was written", [](FileTables& t) { t.graphs[0].nodes[1].outputs = {sum}; }, order},
      {"an output that skips one", [](FileTables& t) { t.graphs[0].nodes[0].outputs = {next}; }, order},
      {"output -2", [](FileTables& t) { t.graphs[0].nodes[0].outputs = {-2}; }, order},
      {"an output after the last value",
       [](FileTables& t) { t.graphs[0].nodes[2].outputs = {y, value_count}; }, order},
      {"a constant", [](FileTables& t) { main_value(t, next).buffer = ones; }, "a node writes a constant"},
      {"no output", [](FileTables& t) { t.graphs[0].nodes[1].outputs = {-1}; }, "a node has no output"},
      {"subgraphs in another order", [](FileTables& t) { t.graphs[0].nodes[2].subgraphs = {3, 2}; }, carried},
      {"a subgraph twice", [](FileTables& t) { t.graphs[0].nodes[2].subgraphs = {2, 2}; }, carried},
      {"a signature's subgraph", [](FileTables& t) { t.graphs[0].nodes[2].subgraphs = {1, 2}; }, carried},
      {"a missing subgraph", [](FileTables& t) { t.graphs[0].nodes[2].subgraphs = {2, 3, 4}; }, carried},
      {"an attribute", [](FileTables& t) { t.graphs[0].nodes[0].attributes[1].ints.aligned = false; },
       unaligned},
      {"65 integers", [](FileTables& t) { t.graphs[0].nodes[0].attributes[0].ints.list.resize(65); }, many},
      {"65 real numbers", [](FileTables& t) { t.graphs[0].nodes[0].attributes[0].floats.resize(65); }, many},
      {"an attribute's buffer", [](FileTables& t) { t.graphs[0].nodes[0].attributes[0].buffer = 0; },
       "an attribute lies in a buffer: this build has no operator that takes one", Code::unsupported},
  };
  expect_refusals(refusals);
}

TEST(Verify, NamesTheNode) {
  FileTables t = everything();
  t.graphs[1].nodes[0].op = 3;
  const Status status = opened(t);
  EXPECT_EQ(status.subgraph(), 1);
  EXPECT_EQ(status.node(), 0);
}

TEST(Verify, RefusesSignatures) {
  constexpr const char* inputs = "a subgraph's inputs are not its first values";
  constexpr const char* state = "a state names a missing input or output";
  const Refusal refusals[] = {
      {"none", [](FileTables& t) { t.signatures.clear(); }, "the model has no signature"},
      {"a missing subgraph", [](FileTables& t) { t.signatures[1].subgraph = 4; },
       "a signature names a missing subgraph"},
      {"input -1", [](FileTables& t) { t.graphs[1].inputs = {-1}; }, inputs},
      {"an input after the last value", [](FileTables& t) { t.graphs[1].inputs = {2}; }, inputs},
      {"an input without dims", [](FileTables& t) { t.graphs[1].values[0].dims.reset(); },
       "a signature's input has no dimensions"},
      {"a state's input", [](FileTables& t) { t.signatures[0].states = {format::State(3, 1)}; }, state},
      {"a state's output", [](FileTables& t) { t.signatures[0].states = {format::State(1, 3)}; }, state},
  };
  expect_refusals(refusals);
}

TEST(Verify, RefusesSelfTests) {
  constexpr const char* number = "a self-test has another number of tensors than its signature";
  constexpr const char* size = "a self-test's tensor has another size than its shape";
  const Refusal refusals[] = {
      {"a missing signature", [](FileTables& t) { t.self_tests[0].signature = 2; },
       "a self-test names a missing signature"},
      {"an input less", [](FileTables& t) { t.self_tests[0].inputs.pop_back(); }, number},
      {"an output less", [](FileTables& t) { t.self_tests[0].outputs.pop_back(); }, number},
      {"dims", [](FileTables& t) { t.self_tests[0].inputs[1].dims.aligned = false; }, unaligned},
      {"nine dimensions",
       [](FileTables& t) { t.self_tests[0].inputs[1].dims = numbers({2, 1, 1, 1, 1, 1, 1, 1, 1}); }, size},
      {"another size", [](FileTables& t) { t.self_tests[0].inputs[1].dims = numbers({3}); }, size},
      {"an open dimension", [](FileTables& t) { t.self_tests[0].inputs[1].dims = numbers({-2}); }, size},
      {"a missing buffer",
       [](FileTables& t) {
         t.self_tests[0].outputs[1].buffer = static_cast<std::uint32_t>(t.buffers.size());
       },
       size},
  };
  expect_refusals(refusals);
}

/// What Model::open says of `bytes`.
Status opened(const std::vector<std::byte>& bytes) { return Model::open(aligned_copy(bytes)).status(); }

TEST(Verify, RefusesOtherFiles) {
  const std::vector<std::byte> good = FilePacker().pack(everything());
  const auto text = [](const std::vector<std::byte>& bytes) {
    const Status status = opened(bytes);
    EXPECT_EQ(status.code(), Code::invalid_model);
    return std::string_view(status.text());
  };
  EXPECT_EQ(text({}), "the file is too short to be a lithe model");
  EXPECT_EQ(text({good.begin(), good.begin() + 15}), "the file is too short to be a lithe model");
  auto other = good;
  other[8] = std::byte{'X'};
  EXPECT_EQ(text(other), "not a lithe model (no LITH identifier)");
  std::uint32_t tables = 0;
  std::memcpy(&tables, good.data(), sizeof tables);
  EXPECT_EQ(text({good.begin(), good.begin() + tables + 3}), "the file is cut short");
  auto long_prefix = good;
  std::memset(long_prefix.data(), 0xFF, 4);
  EXPECT_EQ(text(long_prefix), "the file is cut short");
  auto damaged = good;
  std::memset(damaged.data() + 4, 0x7F, 4);  // the root table lies far outside
  EXPECT_EQ(text(damaged), "the file's tables are damaged");
  EXPECT_EQ(text({good.begin(), good.begin() + tables + 4}), "a buffer lies outside of the data segment");
  EXPECT_EQ(text({good.begin(), good.end() - 1}), "a buffer lies outside of the data segment");
}

TEST(Verify, RefusesBytesThatAreNotAligned) {
  const std::vector<std::byte> good = FilePacker().pack(everything());
  std::vector<std::byte> shifted(8);
  shifted.insert(shifted.end(), good.begin(), good.end());
  const Storage storage = aligned_copy(shifted);
  const Status status = Model::open(storage.bytes().subspan(8)).status();
  EXPECT_EQ(status.code(), Code::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), "the file's bytes must be aligned to 16: align them, or copy");
}

TEST(Verify, TakesLargeSegmentsOnAPageOfTheirOwn) {
  constexpr std::size_t slack = segment_slack / sizeof(float);  // after the last buffer, of the segment too
  for (const std::size_t size : {small_segment / sizeof(float) - slack, small_segment}) {
    ModelBuilder b;
    const std::vector<float> elements(size, 1);
    const int constant = b.constant<float>({static_cast<index_t>(size)}, elements);
    b.output(b.node<ops::Relu>("y", {}, {constant}));
    const Model model = b.open();
    const auto contents = model.buffer(0);
    const auto offset = contents.data() - model.bytes().data();
    EXPECT_EQ(offset % static_cast<std::ptrdiff_t>(page_alignment) == 0, size == small_segment) << offset;
    ASSERT_EQ(contents.size(), size * sizeof(float));
    EXPECT_EQ(std::memcmp(contents.data(), elements.data(), contents.size()), 0);
  }
}

TEST(Verify, TakesEmptyConstantsWhoseOtherDimensionsAreLargerThanTheFile) {
  ModelBuilder b;
  const int empty = b.constant<float>({1 << 10, 0, 1 << 10}, {});
  b.output(b.node<ops::Relu>("y", {}, {empty}));
  const Status status = Model::open(b.storage()).status();
  EXPECT_TRUE(status.ok()) << status.text();
}

}  // namespace
}  // namespace lithe::test
