// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/align.hpp"
#include "lithe/core/status.hpp"
#include "lithe/format/reader.hpp"

/// What Model::open checks: after it, nothing in a file's tables points outside, and every subgraph is in
/// order. What an operator demands of its node is checked by its `infer` when a session is created.
namespace lithe::inline v0::runtime {

/// The parts of a file that passed the checks.
struct VerifiedFile {
  const format::Model* model = nullptr;
  std::span<const std::byte> segment;
};

namespace detail {

constexpr Status bad(const char* text) { return {Code::invalid_model, text}; }

/// FlatBuffers' verifier looks at the alignment of a vector's length alone, not at that of wider elements.
template <class T>
bool aligned(const flatbuffers::Vector<T>* vector) {
  return count(vector) == 0 || reinterpret_cast<std::uintptr_t>(vector->Data()) % 8 == 0;
}
constexpr const char* unaligned_text = "a list of 64-bit numbers is not aligned";

class Verify {
 public:
  Verify(const format::Model& model, std::span<const std::byte> segment) : model_(model), segment_(segment) {}

  [[gnu::cold]] Status run() {
    LITHE_TRY(header());
    LITHE_TRY(buffers());
    if (count(model_.subgraphs()) == 0) return bad("the model has no subgraph");
    LITHE_TRY(signatures());
    // Subgraphs form trees, numbered level by level: those of signatures first, then each one that a node
    // carries, once.
    Nesting nesting{roots_, roots_, 0};
    for (std::uint32_t g = 0; g < model_.subgraphs()->size(); ++g) {
      if (g == nesting.level_end) nesting = {nesting.next, nesting.next, nesting.level + 1};
      if (g >= nesting.next) return bad("a subgraph belongs to nothing");
      if (nesting.level > max_levels) return {Code::limit, "subgraphs are nested more than 16 deep"};
      LITHE_TRY(subgraph(g, nesting));
    }
    return self_tests();
  }

 private:
  static constexpr int max_levels = 16;
  struct Nesting {
    std::uint32_t next;       // number of the next subgraph that a node may carry
    std::uint32_t level_end;  // first number of the next level
    int level;
  };

  [[gnu::cold]] Status header() const {
    if (model_.version() == 0 || model_.version() > format_version)
      return {Code::unsupported, "the file has a newer format version than this build reads: update lithe"};
    if (count(model_.features()) != 0)
      return {Code::unsupported, "the file needs a feature that this build does not know: update lithe"};
    for (std::uint32_t i = 0; i < count(model_.symbols()); ++i) {
      const format::Symbol& s = *model_.symbols()->Get(i);
      const std::uint64_t limit = std::uint64_t{1} << 31;
      if (s.min() >= limit || s.opt() >= limit || s.max() >= limit || (s.max() != 0 && s.max() < s.min()) ||
          (s.opt() != 0 && (s.opt() < s.min() || (s.max() != 0 && s.opt() > s.max()))))
        return bad("a symbol's min, opt and max are out of order");
    }
    return {};
  }

  [[gnu::cold]] Status buffers() const {
    if (!aligned(model_.buffers())) return bad(unaligned_text);
    for (std::uint32_t i = 0; i < count(model_.buffers()); ++i) LITHE_TRY(span_of(*model_.buffers()->Get(i)));
    for (std::uint32_t i = 0; i < count(model_.sections()); ++i)
      if (const format::Buffer* b = model_.sections()->Get(i)->buffer(); b != nullptr) LITHE_TRY(span_of(*b));
    return {};
  }
  [[gnu::cold]] Status span_of(const format::Buffer& b) const {
    if (b.file() != 0)
      return {Code::unsupported, "a buffer lies in another file: external files are reserved"};
    if (b.offset() % buffer_alignment != 0) return bad("a buffer is not aligned to 64 bytes");
    if (b.offset() > segment_.size() || b.size() > segment_.size() - b.offset() ||
        segment_.size() - b.offset() - b.size() < segment_slack)
      return bad("a buffer lies outside of the data segment");
    return {};
  }

  /// Sets `size` to the bytes of buffer `index`; false if there is no such buffer.
  [[gnu::cold]] bool buffer_size(std::uint32_t index, std::uint64_t& size) const {
    if (index >= count(model_.buffers())) return false;
    size = model_.buffers()->Get(index)->size();
    return true;
  }

  /// Whether buffer `index` exists and has the size of a dense tensor. Dimensions of an empty one may be
  /// large: only their product must fit the address space.
  [[gnu::cold]] bool fits(std::uint32_t index, std::span<const std::int64_t> dims, DType dtype) const {
    std::uint64_t size = 0, want = 0;
    return buffer_size(index, size) && Shape(dims).checked_bytes(dtype, UINT64_MAX, want) && want == size;
  }

  [[gnu::cold]] Status value(const format::Value& v, bool is_input, bool is_constant) const {
    if (!known(dtype_of_value(v)))
      return {Code::unsupported, "a value has an element type that this build does not know"};
    if (!aligned(v.dims())) return bad(unaligned_text);
    const auto dims = numbers(v.dims());
    if (dims.size() > max_rank) return bad("a value has more than 8 dimensions");
    for (std::int64_t d : dims) {
      if (d > INT32_MAX) return bad("a dimension is above 2^31 - 1");
      if (symbol_of(d) >= static_cast<std::int64_t>(count(model_.symbols())))
        return bad("a dimension names a missing symbol");
      if (is_constant && d < 0) return bad("a constant has a dimension that is not fixed");
      if (is_input && d == -1) return bad("an input has an unknown dimension");
    }
    if (count(v.permutation()) != 0 && v.permutation()->size() != dims.size() && v.dims() != nullptr)
      return bad("a permutation has another length than its value's rank");
    if (is_constant &&
        (v.dims() == nullptr || !fits(static_cast<std::uint32_t>(v.buffer()), dims, dtype_of_value(v))))
      return bad("a constant's buffer is missing, or has another size than its shape");
    return v.quantization() == nullptr ? Status{} : quantization(v, *v.quantization());
  }

  [[gnu::cold]] Status quantization(const format::Value& v, const format::Quantization& q) const {
    std::uint64_t scale_bytes = 0, zero_bytes = 0;  // size_t holds them: the buffers are in memory
    const auto scale_dtype = static_cast<DType>(q.scale_dtype()),
               zero_dtype = static_cast<DType>(q.zero_point_dtype());
    if (scale_dtype != DType::f32 && scale_dtype != DType::f16 && scale_dtype != DType::bf16)
      return bad("a quantization's scale is not of a floating type");
    if (!buffer_size(q.scale(), scale_bytes)) return bad("a quantization names a missing buffer");
    const auto width = static_cast<std::size_t>(element_bytes(scale_dtype));
    const std::size_t n = static_cast<std::size_t>(scale_bytes) / width;
    if (n == 0 || n * width != scale_bytes) return bad("a quantization has no whole number of scales");
    if (q.zero_point() >= 0) {
      const bool fits = zero_dtype == DType::s8 || zero_dtype == DType::u8 || zero_dtype == DType::s16 ||
                        zero_dtype == DType::u16 || zero_dtype == DType::s32;
      if (!fits) return bad("a quantization's zero point is not of an integer type");
      if (!buffer_size(static_cast<std::uint32_t>(q.zero_point()), zero_bytes) ||
          zero_bytes != n * static_cast<std::size_t>(element_bytes(zero_dtype)))
        return bad("a quantization's zero points and scales differ in number");
    }
    if (n != 1 && (q.axis() < 0 || q.axis() >= static_cast<std::int64_t>(max_rank)))
      return bad("a quantization's axis is out of range");
    // Against the dimension of the axis: here for values whose dims stand in the file, else where operators
    // infer.
    if (n != 1 && q.block() == 0 && v.dims() != nullptr) {
      if (q.axis() >= static_cast<int>(v.dims()->size())) return bad("a quantization's axis is out of range");
      const std::int64_t d = v.dims()->Get(static_cast<std::uint32_t>(q.axis()));
      if (d >= 0 && static_cast<std::size_t>(d) != n &&
          !(v.dims()->size() == 4 && n % (d == 0 ? 1 : static_cast<std::size_t>(d)) == 0))
        return bad("a quantization's scales do not fit its axis");
    }
    return {};
  }

  [[gnu::cold]] Status subgraph(std::uint32_t g, Nesting& nesting) const {
    const format::Subgraph& graph = *model_.subgraphs()->Get(g);
    const auto values = static_cast<std::int32_t>(graph.values()->size());
    const auto inputs = static_cast<std::int32_t>(graph.inputs()->size());
    std::int32_t defined = 0;
    for (; defined < inputs; ++defined) {
      if (defined >= values || graph.inputs()->Get(static_cast<std::uint32_t>(defined)) != defined)
        return bad("a subgraph's inputs are not its first values");
      // Inputs of inner subgraphs take the shapes of what the node that carries them gives.
      LITHE_TRY(value(*graph.values()->Get(static_cast<std::uint32_t>(defined)), g < roots_, false));
    }
    for (; defined < values && graph.values()->Get(static_cast<std::uint32_t>(defined))->buffer() >= 0;
         ++defined)
      LITHE_TRY(value(*graph.values()->Get(static_cast<std::uint32_t>(defined)), false, true));
    for (std::uint32_t n = 0; n < graph.nodes()->size(); ++n)
      LITHE_TRY(node(nesting, graph, *graph.nodes()->Get(n), defined)
                    .at(static_cast<std::int32_t>(g), static_cast<std::int32_t>(n)));
    if (defined != values) return bad("a value is defined by no node");
    for (std::int32_t out : *graph.outputs())
      if (out < 0 || out >= values) return bad("a subgraph's output is a missing value");
    return {};
  }

  [[gnu::cold]] Status node(Nesting& nesting, const format::Subgraph& graph, const format::Node& node,
                            std::int32_t& defined) const {
    if (node.op() >= count(model_.operators())) return bad("a node names a missing operator");
    for (std::int32_t in : numbers(node.inputs()))
      if (in < -1 || in >= defined) return bad("a node reads a value before it is defined");
    bool produces = false;
    for (std::int32_t out : numbers(node.outputs())) {
      if (out == -1) continue;
      if (out != defined || out >= static_cast<std::int32_t>(graph.values()->size()))
        return bad("a node's outputs are out of order");
      const format::Value& v = *graph.values()->Get(static_cast<std::uint32_t>(out));
      if (v.buffer() >= 0) return bad("a node writes a constant");
      LITHE_TRY(value(v, false, false));
      ++defined;
      produces = true;
    }
    if (!produces) return bad("a node has no output");
    for (std::uint32_t child : numbers(node.subgraphs()))
      if (child != nesting.next++ || child >= model_.subgraphs()->size())
        return bad("a node's subgraphs are out of order");
    for (std::uint32_t i = 0; i < count(node.attributes()); ++i) {
      const format::Attribute& a = *node.attributes()->Get(i);
      if (!aligned(a.ints())) return bad(unaligned_text);
      if (count(a.ints()) > 64 || count(a.floats()) > 64) return bad("an attribute has more than 64 numbers");
      if (a.buffer() != -1)
        return {Code::unsupported,
                "an attribute lies in a buffer: this build has no operator that takes one"};
    }
    return {};
  }

  [[gnu::cold]] Status signatures() {
    if (count(model_.signatures()) == 0) return bad("the model has no signature");
    for (std::uint32_t i = 0; i < model_.signatures()->size(); ++i) {
      const format::Signature& s = *model_.signatures()->Get(i);
      if (s.subgraph() >= model_.subgraphs()->size()) return bad("a signature names a missing subgraph");
      if (s.subgraph() >= roots_) roots_ = s.subgraph() + 1;
      const format::Subgraph& graph = *model_.subgraphs()->Get(s.subgraph());
      for (std::int32_t in : *graph.inputs()) {
        if (in < 0 || in >= static_cast<std::int32_t>(graph.values()->size()))
          return bad("a subgraph's inputs are not its first values");
        if (graph.values()->Get(static_cast<std::uint32_t>(in))->dims() == nullptr)
          return bad("a signature's input has no dimensions");
      }
      for (std::uint32_t k = 0; k < count(s.states()); ++k) {
        const format::State& state = *s.states()->Get(k);
        if (state.input() >= graph.inputs()->size() || state.output() >= graph.outputs()->size())
          return bad("a state names a missing input or output");
      }
    }
    return {};
  }
  [[gnu::cold]] Status self_tests() const {
    for (std::uint32_t i = 0; i < count(model_.self_tests()); ++i) {
      const format::SelfTest& t = *model_.self_tests()->Get(i);
      if (t.signature() >= model_.signatures()->size()) return bad("a self-test names a missing signature");
      const format::Subgraph& graph =
          *model_.subgraphs()->Get(model_.signatures()->Get(t.signature())->subgraph());
      LITHE_TRY(test_tensors(graph, *graph.inputs(), *t.inputs()));
      LITHE_TRY(test_tensors(graph, *graph.outputs(), *t.outputs()));
    }
    return {};
  }
  [[gnu::cold]] Status test_tensors(
      const format::Subgraph& graph, const flatbuffers::Vector<std::int32_t>& values,
      const flatbuffers::Vector<flatbuffers::Offset<format::TestTensor>>& tensors) const {
    if (values.size() != tensors.size())
      return bad("a self-test has another number of tensors than its signature");
    for (std::uint32_t i = 0; i < tensors.size(); ++i) {
      const DType dtype = dtype_of_value(*graph.values()->Get(static_cast<std::uint32_t>(values.Get(i))));
      if (!aligned(tensors.Get(i)->dims())) return bad(unaligned_text);
      const auto dims = numbers(tensors.Get(i)->dims());
      if (!fits(tensors.Get(i)->buffer(), dims, dtype))
        return bad("a self-test's tensor has another size than its shape");
    }
    return {};
  }

  const format::Model& model_;
  std::span<const std::byte> segment_;
  std::uint32_t roots_ = 0;  // subgraphs [0, roots_) belong to signatures
};

}  // namespace detail

/// Checks a whole file in time linear in its tables, without memory of its own. `file` must be aligned to 16
/// bytes. Errors: Code::invalid_model with what is wrong, Code::unsupported for a newer format, feature or
/// element type.
[[gnu::cold]] inline Status verify(std::span<const std::byte> file, VerifiedFile& result) {
  if (reinterpret_cast<std::uintptr_t>(file.data()) % 16 != 0)
    return {Code::invalid_argument, "the file's bytes must be aligned to 16: align them, or copy"};
  std::uint32_t prefix = 0;
  if (file.size() < 16) return detail::bad("the file is too short to be a lithe model");
  for (int i = 3; i >= 0; --i)
    prefix = prefix << 8 | static_cast<std::uint32_t>(file[static_cast<std::size_t>(i)]);
  const std::uint64_t tables = std::uint64_t{prefix} + 4;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
  if (!flatbuffers::BufferHasIdentifier(bytes, format::ModelIdentifier(), true))
    return detail::bad("not a lithe model (no LITH identifier)");
  if (tables > file.size()) return detail::bad("the file is cut short");
  flatbuffers::Verifier::Options options;
  options.max_depth = 16;
  options.max_tables = 4'000'000;
  flatbuffers::Verifier verifier(bytes, static_cast<std::size_t>(tables), options);
  if (!verifier.VerifySizePrefixedBuffer<format::Model>(format::ModelIdentifier()))
    return detail::bad("the file's tables are damaged");

  const auto* model = format::GetSizePrefixedModel(bytes);
  auto start = align_up(tables, buffer_alignment);
  if (start > file.size()) start = file.size();
  const auto aligned = align_up(tables, page_alignment);
  if (aligned < file.size() && file.size() - aligned > small_segment) start = aligned;
  const auto segment = file.subspan(static_cast<std::size_t>(start));
  LITHE_TRY(detail::Verify(*model, segment).run());
  result = {model, segment};
  return {};
}

}  // namespace lithe::inline v0::runtime
