// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "lithe/core/align.hpp"
#include "lithe/core/services.hpp"
#include "lithe/format/reader.hpp"
#include "schema/lithe_builders_generated.h"
#include "tests/support/aligned_copy.hpp"

/// The tables of a model file as plain structs, to write what no converter would: a test changes one member
/// and packs. Members are those of schema/lithe.fbs.
namespace lithe::test {

/// A list of 64-bit numbers; one that is not `aligned` starts 4 bytes off a multiple of 8.
struct FileNumbers {
  std::vector<std::int64_t> list{};
  bool aligned = true;
};
struct FileSymbol {
  std::string name{};
  std::uint64_t min = 1, opt = 0, max = 0;
};
struct FileAttribute {
  std::string name{};
  FileNumbers ints{};
  std::vector<float> floats{};
  int buffer = -1;
};
struct FileNode {
  std::uint32_t op = 0;
  std::vector<std::int32_t> inputs{}, outputs{};
  std::vector<FileAttribute> attributes{};
  std::vector<std::uint32_t> subgraphs{};
};
struct FileQuantization {
  std::uint32_t scale = 0;
  DType scale_dtype = DType::f32;
  int zero_point = -1;
  DType zero_point_dtype = DType::none;
  int axis = -1;
  std::uint32_t block = 0;
};
struct FileValue {
  std::string name{};
  DType dtype = DType::f32;
  std::optional<FileNumbers> dims{};
  int buffer = -1;
  std::vector<std::uint8_t> permutation{};
  std::optional<FileQuantization> quantization{};
  bool host = false;
};
struct FileGraph {
  std::vector<FileValue> values{};
  std::vector<FileNode> nodes{};
  std::vector<std::int32_t> inputs{}, outputs{};
};
struct FileSignature {
  std::string name{};
  std::uint32_t subgraph = 0;
  std::vector<format::State> states{};
};
struct FileSection {
  std::string name{}, key{};
  std::optional<format::Buffer> buffer{};
};
struct FileTensor {
  FileNumbers dims{};
  std::uint32_t buffer = 0;
};
struct FileSelfTest {
  std::uint32_t signature = 0;
  std::vector<FileTensor> inputs{}, outputs{};
};

struct FileTables {
  std::uint16_t version = format_version;
  std::vector<std::string> features{}, operators{};
  std::vector<FileSymbol> symbols{};
  std::vector<FileGraph> graphs{};
  std::vector<format::Buffer> buffers{};
  bool buffers_aligned = true;
  std::vector<FileSignature> signatures{};
  std::vector<FileSection> sections{};
  std::vector<FileSelfTest> self_tests{};
  std::vector<std::byte> segment{};  ///< without the zero bytes after the last buffer

  /// Appends `bytes` to the segment; returns the buffer's number.
  template <class T>
  int add_buffer(const std::vector<T>& elements) {
    const std::size_t start = align_up(segment.size(), buffer_alignment);
    const std::size_t bytes = elements.size() * sizeof(T);
    segment.resize(start + bytes);
    if (bytes != 0) std::memcpy(segment.data() + start, elements.data(), bytes);
    buffers.emplace_back(start, bytes, std::uint16_t{0});
    return static_cast<int>(buffers.size()) - 1;
  }
};

/// Writes tables with FlatBuffers' builder; one object, one file.
class FilePacker {
 public:
  std::vector<std::byte> pack(const FileTables& t) {
    const auto features = all(t.features, [&](const std::string& s) { return builder_.CreateString(s); });
    const auto operators = all(t.operators, [&](const std::string& name) {
      return format::CreateOperator(builder_, builder_.CreateString(name));
    });
    const auto symbols = all(t.symbols, [&](const FileSymbol& s) {
      return format::CreateSymbol(builder_, builder_.CreateString(s.name), s.min, s.opt, s.max);
    });
    const auto graphs = all(t.graphs, [&](const FileGraph& g) { return graph(g); });
    const auto buffers = structs(t.buffers, t.buffers_aligned);
    const auto signatures = all(t.signatures, [&](const FileSignature& s) { return signature(s); });
    const auto sections = all(t.sections, [&](const FileSection& s) { return section(s); });
    const auto tests = all(t.self_tests, [&](const FileSelfTest& s) { return self_test(s); });
    const format::Id id(1, 2);
    const auto root = format::CreateModel(builder_, t.version, features, 0, 0, 0, &id, 0, operators, symbols,
                                          graphs, buffers, signatures, sections, tests);
    builder_.FinishSizePrefixed(root, format::ModelIdentifier());
    return with_segment(t.segment);
  }

 private:
  template <class T>
  using Offset = flatbuffers::Offset<T>;
  template <class T>
  using Vector = Offset<flatbuffers::Vector<T>>;

  template <class Items, class Make>
  auto all(const Items& items, Make make) -> Vector<decltype(make(items[0]))> {
    std::vector<decltype(make(items[0]))> offsets;
    for (const auto& item : items) offsets.push_back(make(item));
    return builder_.CreateVector(offsets);
  }
  Vector<std::int64_t> numbers(const FileNumbers& n) {
    return n.aligned ? builder_.CreateVector(n.list) : Vector<std::int64_t>(unaligned(n.list));
  }
  Vector<const format::Buffer*> structs(const std::vector<format::Buffer>& list, bool aligned) {
    return aligned ? builder_.CreateVectorOfStructs(list) : Vector<const format::Buffer*>(unaligned(list));
  }
  /// Elements are multiples of 8 bytes; files are built from their end.
  template <class T>
  flatbuffers::uoffset_t unaligned(const std::vector<T>& list) {
    if (builder_.GetSize() % 8 == 0) builder_.PushElement(std::uint32_t{0});
    builder_.StartVector(list.size(), sizeof(T), 4);
    builder_.PushBytes(reinterpret_cast<const std::uint8_t*>(list.data()), list.size() * sizeof(T));
    return builder_.EndVector(list.size());
  }

  Offset<format::Attribute> attribute(const FileAttribute& a) {
    const auto name = builder_.CreateString(a.name);
    const auto ints = numbers(a.ints);
    const auto floats = builder_.CreateVector(a.floats);
    return format::CreateAttribute(builder_, name, ints, floats, 0, a.buffer);
  }
  Offset<format::Node> node(const FileNode& n) {
    const auto attributes = all(n.attributes, [&](const FileAttribute& a) { return attribute(a); });
    const auto inputs = builder_.CreateVector(n.inputs);
    const auto outputs = builder_.CreateVector(n.outputs);
    const auto subgraphs = builder_.CreateVector(n.subgraphs);
    return format::CreateNode(builder_, n.op, inputs, outputs, attributes, subgraphs);
  }
  Offset<format::Value> value(const FileValue& v) {
    const auto name = builder_.CreateString(v.name);
    const auto permutation = builder_.CreateVector(v.permutation);
    const auto dims = v.dims ? numbers(*v.dims) : 0;
    Offset<format::Quantization> quantization = 0;
    if (const auto& q = v.quantization; q)
      quantization = format::CreateQuantization(
          builder_, q->scale, static_cast<format::DType>(q->scale_dtype), q->zero_point,
          static_cast<format::DType>(q->zero_point_dtype), q->axis, q->block);
    return format::CreateValue(builder_, name, 0, permutation, static_cast<format::DType>(v.dtype), dims,
                               v.buffer, quantization, v.host);
  }
  Offset<format::Subgraph> graph(const FileGraph& g) {
    const auto values = all(g.values, [&](const FileValue& v) { return value(v); });
    const auto nodes = all(g.nodes, [&](const FileNode& n) { return node(n); });
    const auto inputs = builder_.CreateVector(g.inputs);
    const auto outputs = builder_.CreateVector(g.outputs);
    return format::CreateSubgraph(builder_, 0, values, nodes, inputs, outputs);
  }
  Offset<format::Signature> signature(const FileSignature& s) {
    const auto name = builder_.CreateString(s.name);
    const auto states = builder_.CreateVectorOfStructs(s.states);
    return format::CreateSignature(builder_, name, s.subgraph, states);
  }
  Offset<format::Section> section(const FileSection& s) {
    const auto name = builder_.CreateString(s.name);
    const auto key = builder_.CreateString(s.key);
    return format::CreateSection(builder_, name, key, s.buffer ? &*s.buffer : nullptr);
  }
  Offset<format::SelfTest> self_test(const FileSelfTest& t) {
    const auto tensor = [&](const FileTensor& f) {
      return format::CreateTestTensor(builder_, numbers(f.dims), f.buffer);
    };
    const auto inputs = all(t.inputs, tensor);
    const auto outputs = all(t.outputs, tensor);
    return format::CreateSelfTest(builder_, t.signature, inputs, outputs);
  }

  std::vector<std::byte> with_segment(const std::vector<std::byte>& segment) const {
    const std::size_t tables = builder_.GetSize();
    const std::size_t start = align_up(tables, buffer_alignment);
    std::vector<std::byte> file(start + segment.size() + segment_slack);
    std::memcpy(file.data(), builder_.GetBufferPointer(), tables);
    if (!segment.empty()) std::memcpy(file.data() + start, segment.data(), segment.size());
    return file;
  }

  flatbuffers::FlatBufferBuilder builder_;
};

inline Storage packed(const FileTables& tables) { return aligned_copy(FilePacker().pack(tables)); }

}  // namespace lithe::test
