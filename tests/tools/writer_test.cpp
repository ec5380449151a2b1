// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "lithe/model.hpp"
#include "tools/io/write_file.hpp"
#include "tools/report/error.hpp"

namespace lithe::graph {
namespace {

ConstantPtr floats(std::vector<float> v) {
  return make_constant<float>(Shape{static_cast<index_t>(v.size())}, v);
}

/// x [N, 3] -> Relu -> + bias -> y, and a second bias of the same content.
Model small_model() {
  Model m;
  m.symbols = {{.name = "N", .min = 1, .opt = 4, .max = 8}};
  Graph& g = m.graphs.emplace_back();
  g.name = "main";
  auto value = [&](const char* name, Dims dims) {
    Value v;
    v.name = v.onnx_name = name;
    v.dtype = DType::f32;
    v.dims = std::move(dims);
    return g.add_value(std::move(v));
  };
  const ValueId y = value("y", {-2, 3}), sum = value("sum", {-2, 3}), r = value("r", {-2, 3}),
                x = value("x", {-2, 3});
  const ValueId bias = g.add_constant(floats({1, 2, 3}), "bias"),
                again = g.add_constant(floats({1, 2, 3}), "again");
  value("unmentioned", {7});
  g.inputs = {x};
  g.outputs = {y};
  auto node = [&](const char* op, std::vector<ValueId> in, ValueId out) {
    Node n;
    n.op = op;
    n.inputs = std::move(in);
    n.outputs = {out};
    n.onnx_names = {std::string("onnx ") + op};
    g.nodes.push_back(n);
  };
  node("Relu", {x}, r);
  node("Add", {r, bias}, sum);
  node("Add", {sum, again}, y);
  g.nodes[1].attributes["clamp"].floats = {0, 6};
  m.signatures = {{.name = "main", .graph = 0, .states = {}}};
  m.metadata = {{"labels", "a,b"}, {"author", "me"}};
  m.producer = "test";
  m.source_name = "small.onnx";
  m.source_hash = "00";
  return m;
}

struct File {
  std::vector<std::byte> storage;
  std::span<const std::byte> bytes;
  explicit File(const std::vector<std::byte>& from) : storage(from.size() + 4096) {
    auto* at =
        reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(storage.data()) + 4095) / 4096 * 4096);
    std::memcpy(at, from.data(), from.size());
    bytes = {at, from.size()};
  }
};

std::size_t segment_start(const std::vector<std::byte>& file, std::size_t alignment) {
  std::uint32_t prefix = 0;
  std::memcpy(&prefix, file.data(), 4);
  return (prefix + 4 + alignment - 1) / alignment * alignment;
}

TEST(Writer, WhatIsWrittenOpensAndHoldsEverything) {
  const File file(write(small_model()));
  const auto model = lithe::Model::open(file.bytes);
  ASSERT_TRUE(model.ok()) << model.status().text();
  const format::Model& root = model->root();
  EXPECT_EQ(root.version(), format_version);
  EXPECT_EQ(text(root.source_name()), "small.onnx");
  EXPECT_EQ(model->metadata("labels"), "a,b");
  ASSERT_EQ(root.operators()->size(), 2u);
  EXPECT_EQ(text(root.operators()->Get(0)->name()), "Add");
  EXPECT_EQ(text(root.symbols()->Get(0)->name()), "N");
  EXPECT_EQ(root.symbols()->Get(0)->opt(), 4u);
  const format::Subgraph& g = *root.subgraphs()->Get(0);
  ASSERT_EQ(g.values()->size(), 6u);  // "unmentioned" is left out
  const char* order[] = {"x", "bias", "again", "r", "sum", "y"};
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(text(g.values()->Get(i)->name()), order[i]);
  EXPECT_EQ(g.values()->Get(0)->dims()->Get(0), -2);
  EXPECT_EQ(g.values()->Get(3)->dims(), nullptr);  // neither input, output nor constant
  EXPECT_EQ(text(g.nodes()->Get(1)->onnx_names()->Get(0)), "onnx Add");
  ASSERT_EQ(g.nodes()->Get(1)->attributes()->size(), 1u);
  EXPECT_EQ(g.nodes()->Get(1)->attributes()->Get(0)->floats()->Get(1), 6.0f);
}

TEST(Writer, EqualContentsAreStoredOnce) {
  const File file(write(small_model()));
  const auto model = lithe::Model::open(file.bytes);
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(model->root().buffers()->size(), 1u);
  EXPECT_EQ(model->buffer(0).size(), 12u);
  float values[3];
  std::memcpy(values, model->buffer(0).data(), 12);
  EXPECT_EQ(values[2], 3.0f);
}

TEST(Writer, SmallSegmentsAreAlignedTo64LargeOnesToPages) {
  Model m = small_model();
  const std::vector<std::byte> small = write(m);
  EXPECT_EQ(small.size(), segment_start(small, 64) + 64 + 64);  // one buffer, then the slack
  for (std::size_t i = small.size() - 64; i < small.size(); ++i) EXPECT_EQ(small[i], std::byte{0});
  m.sections = {{.name = "large", .key = "k", .bytes = std::vector<std::byte>(65 * 1024, std::byte{7})}};
  const std::vector<std::byte> large = write(m);
  EXPECT_EQ(large.size(), segment_start(large, 4096) + 64 + 65 * 1024 + 64);
  const File file(large);
  const auto model = lithe::Model::open(file.bytes);
  ASSERT_TRUE(model.ok()) << model.status().text();
  EXPECT_EQ(model->section("large", "k").size(), 65u * 1024);
}

TEST(Writer, TheSameModelGivesTheSameBytesAndAnotherOneAnotherId) {
  EXPECT_EQ(write(small_model()), write(small_model()));
  Model other = small_model();
  other.graphs[0].nodes[1].attributes["clamp"].floats = {0, 5};
  const File a(write(small_model())), b(write(other));
  const auto first = lithe::Model::open(a.bytes), second = lithe::Model::open(b.bytes);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->id(), second->id());
  EXPECT_NE(first->id()[0], 0u);
  Model weights = small_model();
  weights.graphs[0].values[4].constant = floats({1, 2, 4});
  const File c(write(weights));
  const auto third = lithe::Model::open(c.bytes);
  ASSERT_TRUE(third.ok());
  EXPECT_NE(first->id(), third->id());
}

TEST(Writer, TheIdIsFoundAgainInTheFile) {
  File file(write(small_model()));
  const auto model = lithe::Model::open(file.bytes);
  ASSERT_TRUE(model.ok()) << model.status().text();
  EXPECT_EQ(content_id(*model), model->id());
  auto* bias = const_cast<std::byte*>(model->buffer(0).data());
  for (auto* byte : {bias, const_cast<std::byte*>(file.bytes.data()) +
                               (text(model->root().producer()).data() -
                                reinterpret_cast<const char*>(file.bytes.data()))}) {
    *byte ^= std::byte{1};
    EXPECT_NE(content_id(*model), model->id());
    *byte ^= std::byte{1};
  }
  EXPECT_EQ(content_id(*model), model->id());
}

TEST(Writer, StatesQuantizationAndSelfTestsArriveInTheFile) {
  Model m = small_model();
  m.symbols.clear();
  for (Value& v : m.graphs[0].values)
    if (v.dims && v.dims->size() == 2) v.dims = Dims{1, 3};
  m.signatures[0].states = {{.input = 0, .output = 0}};
  m.graphs[0].values[2].quantization = ValueQuantization{.scale = floats({0.5f}), .zero_point = nullptr};
  const ConstantPtr tensor = make_constant<float>(Shape{1, 3}, std::vector<float>{1, 2, 3});
  m.self_tests = {{.signature = 0, .inputs = {tensor}, .outputs = {tensor}, .tolerance = 0.5f}};
  const std::vector<std::byte> bytes = write(m);
  const format::Model& root = *format::GetSizePrefixedModel(bytes.data());
  EXPECT_EQ(root.signatures()->Get(0)->states()->size(), 1u);
  const format::Value& r = *root.subgraphs()->Get(0)->values()->Get(3);
  ASSERT_NE(r.quantization(), nullptr);
  EXPECT_EQ(r.quantization()->zero_point(), -1);
  EXPECT_EQ(root.buffers()->Get(r.quantization()->scale())->size(), 4u);
  EXPECT_EQ(root.self_tests()->Get(0)->inputs()->Get(0)->dims()->Get(1), 3);
  EXPECT_EQ(root.self_tests()->Get(0)->tolerance(), 0.5f);
}

TEST(Writer, SubgraphsStandBehindTheirCallersAndUnreachableOnesAreLeftOut) {
  Model m = small_model();
  const Graph leaf = [] {
    Graph g;
    g.name = "leaf";
    Value v;
    v.name = "v";
    v.dtype = DType::f32;
    g.inputs = g.outputs = {g.add_value(v)};
    return g;
  }();
  for (int i = 0; i < 3; ++i) m.graphs.push_back(leaf);
  m.graphs[2].name = "middle";
  m.graphs[3].name = "nobody";
  m.graphs[0].nodes[0].subgraphs = {2};
  Node inner;
  inner.op = "If";
  inner.inputs = {0};
  inner.subgraphs = {1};
  m.graphs[2].nodes = {inner};
  const std::vector<std::byte> bytes = write(m);
  const auto& graphs = *format::GetSizePrefixedModel(bytes.data())->subgraphs();
  ASSERT_EQ(graphs.size(), 3u);
  EXPECT_EQ(text(graphs.Get(0)->name()), "main");
  EXPECT_EQ(text(graphs.Get(1)->name()), "middle");
  EXPECT_EQ(text(graphs.Get(2)->name()), "leaf");
  m.graphs[1].nodes = {inner};
  m.graphs[1].nodes[0].subgraphs = {2};
  EXPECT_THROW(write(m), std::logic_error);  // they carry each other
}

TEST(Writer, ModelsThatBreakTheirOwnRulesAreRefused) {
  const auto broken = [](auto breaking) {
    Model m = small_model();
    breaking(m.graphs[0]);
    EXPECT_THROW(write(m), std::logic_error);
  };
  broken([](Graph& g) { g.values[1].name = "y"; });
  broken([](Graph& g) { g.values[1].dtype = DType::none; });
  broken([](Graph& g) { g.nodes[0].inputs[0] = 99; });
  broken([](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); });
  broken([](Graph& g) { g.nodes[1].outputs = g.nodes[0].outputs; });
  broken([](Graph& g) { g.nodes[0].attributes["many"].ints.resize(65); });
  broken([](Graph& g) { g.values[0].dims = Dims{-3}; });
  broken([](Graph& g) {
    Constant c = *g.values[4].constant;
    c.bytes.pop_back();
    g.values[4].constant = std::make_shared<Constant>(c);
  });
}

TEST(Writer, FilesAppearWholeOrNotAtAll) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("lithe_writer_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::vector<std::byte> bytes = write(small_model());
  io::write_file(folder / "m.lithe", bytes);
  EXPECT_EQ(std::filesystem::file_size(folder / "m.lithe"), bytes.size());
  std::filesystem::create_directory(folder / "taken");
  try {
    io::write_file(folder / "taken", bytes);  // a folder stands where the file should be
    ADD_FAILURE() << "wrote over a folder";
  } catch (const report::Failure& failure) {
    EXPECT_EQ(failure.exit, report::exits::system);
  }
  EXPECT_THROW(io::write_file(folder / "missing" / "m.lithe", bytes), report::Failure);
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) (void)entry, ++entries;
  EXPECT_EQ(entries, 2);
  std::filesystem::remove_all(folder);
}

TEST(Writer, LinksAreFollowedAndWhatIsNoFileIsLeftAlone) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("lithe_targets_" + std::to_string(getpid()));
  fs::create_directories(folder / "models");
  const std::vector<std::byte> bytes = write(small_model());
  fs::create_symlink("models/m.lithe", folder / "link");  // to what does not exist yet
  fs::create_symlink("link", folder / "link of link");
  for (const char* link : {"link", "link of link"}) {
    io::write_file(folder / link, bytes);
    EXPECT_TRUE(fs::is_symlink(folder / link));
    EXPECT_EQ(fs::file_size(folder / "models/m.lithe"), bytes.size());
    fs::remove(folder / "models/m.lithe");
  }
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("pipe", folder / "link to pipe");
  fs::create_symlink("circle", folder / "circle");
  for (const char* name : {"pipe", "link to pipe", "circle"}) {
    EXPECT_THROW(io::write_file(folder / name, bytes), report::Failure) << name;
    EXPECT_THROW(io::check_output(folder / name, folder / "m.onnx"), report::Failure) << name;
  }
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
  EXPECT_TRUE(fs::is_symlink(folder / "link to pipe"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace lithe::graph
