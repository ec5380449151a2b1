// SPDX-License-Identifier: Apache-2.0
#include "tools/import/wire.hpp"

namespace lithe::import {

namespace {

/// ONNX messages (onnx.proto, 1.23); `bytes` is any field that holds no message.
enum class Kind : std::uint8_t {
  bytes,
  ints32,
  ints64,
  model,
  graph,
  node,
  attribute,
  tensor,
  sparse,
  value_info,
  type,
  type_tensor,
  type_holder,
  type_map,
  shape,
  leaf,
  annotation,
  function,
  training,
  device
};

struct Child {
  Kind parent;
  std::uint8_t field;
  Kind kind;
};

/// Length-delimited fields that are messages or packed numbers.
constexpr Child children[] = {
    {Kind::model, 7, Kind::graph},          {Kind::model, 8, Kind::leaf},
    {Kind::model, 14, Kind::leaf},          {Kind::model, 20, Kind::training},
    {Kind::model, 25, Kind::function},      {Kind::model, 26, Kind::leaf},
    {Kind::graph, 1, Kind::node},           {Kind::graph, 5, Kind::tensor},
    {Kind::graph, 11, Kind::value_info},    {Kind::graph, 12, Kind::value_info},
    {Kind::graph, 13, Kind::value_info},    {Kind::graph, 14, Kind::annotation},
    {Kind::graph, 15, Kind::sparse},        {Kind::graph, 16, Kind::leaf},
    {Kind::node, 5, Kind::attribute},       {Kind::node, 9, Kind::leaf},
    {Kind::node, 10, Kind::device},         {Kind::attribute, 5, Kind::tensor},
    {Kind::attribute, 6, Kind::graph},      {Kind::attribute, 8, Kind::ints64},
    {Kind::attribute, 10, Kind::tensor},    {Kind::attribute, 11, Kind::graph},
    {Kind::attribute, 14, Kind::type},      {Kind::attribute, 15, Kind::type},
    {Kind::attribute, 22, Kind::sparse},    {Kind::attribute, 23, Kind::sparse},
    {Kind::tensor, 1, Kind::ints64},        {Kind::tensor, 3, Kind::leaf},
    {Kind::tensor, 5, Kind::ints32},        {Kind::tensor, 7, Kind::ints64},
    {Kind::tensor, 11, Kind::ints64},       {Kind::tensor, 13, Kind::leaf},
    {Kind::tensor, 16, Kind::leaf},         {Kind::sparse, 1, Kind::tensor},
    {Kind::sparse, 2, Kind::tensor},        {Kind::sparse, 3, Kind::ints64},
    {Kind::value_info, 2, Kind::type},      {Kind::value_info, 4, Kind::leaf},
    {Kind::type, 1, Kind::type_tensor},     {Kind::type, 4, Kind::type_holder},
    {Kind::type, 5, Kind::type_map},        {Kind::type, 7, Kind::leaf},
    {Kind::type, 8, Kind::type_tensor},     {Kind::type, 9, Kind::type_holder},
    {Kind::type_tensor, 2, Kind::shape},    {Kind::type_holder, 1, Kind::type},
    {Kind::type_map, 2, Kind::type},        {Kind::shape, 1, Kind::leaf},
    {Kind::annotation, 2, Kind::leaf},      {Kind::function, 7, Kind::node},
    {Kind::function, 9, Kind::leaf},        {Kind::function, 11, Kind::attribute},
    {Kind::function, 12, Kind::value_info}, {Kind::function, 14, Kind::leaf},
    {Kind::training, 1, Kind::graph},       {Kind::training, 2, Kind::graph},
    {Kind::training, 3, Kind::leaf},        {Kind::training, 4, Kind::leaf},
};

Kind kind_of(Kind parent, std::uint64_t field) {
  for (const Child& c : children)
    if (c.parent == parent && c.field == field) return c.kind;
  return Kind::bytes;
}

class Scanner {
 public:
  Scanner(std::span<const std::byte> bytes, const Limits& limits) : bytes_(bytes), limits_(limits) {}

  std::string run() {
    if (!message(Kind::model, 0, bytes_.size(), 1)) return problem_;
    if (!graph_seen_) return "this is not an ONNX model: it holds no graph";
    return {};
  }

 private:
  static constexpr std::uint64_t message_cost = 320, string_cost = 64, number_cost = 16;

  bool fail(const char* problem) {
    problem_ = problem;
    return false;
  }
  bool charge(std::uint64_t bytes) {
    overhead_ += bytes;
    return overhead_ <= limits_.overhead_bytes ||
           fail("the file holds more tables (nodes, attributes, numbers) than a model may have");
  }

  bool varint(std::size_t& at, std::size_t end, std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at >= end) return fail("the file is truncated or damaged: a number ends in the middle");
      const auto byte = static_cast<std::uint64_t>(bytes_[at++]);
      if (shift < 64) value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return fail("the file is damaged: a number is longer than 10 bytes");
  }

  bool message(Kind kind, std::size_t at, std::size_t end, int depth) {
    if (depth > limits_.depth) return fail("the file nests subgraphs or types too deeply");
    if (!charge(message_cost)) return false;
    if (kind == Kind::graph) graph_seen_ = true;
    if (kind == Kind::node && ++nodes_ > limits_.nodes) return fail("the model has too many nodes");
    while (at < end)
      if (!field(kind, at, end, depth)) return false;
    return true;
  }

  bool field(Kind kind, std::size_t& at, std::size_t end, int depth) {
    std::uint64_t key = 0, value = 0;
    if (!varint(at, end, key)) return false;
    if (key >> 3 == 0 || key >> 3 > 536870911)
      return fail("this is not an ONNX model, or it is damaged: a field has an impossible number");
    switch (key & 7) {
      case 0:
        return varint(at, end, value) && charge(number_cost);
      case 1:
        return skip(at, end, 8) && charge(number_cost);
      case 5:
        return skip(at, end, 4) && charge(number_cost);
      case 2:
        break;
      default:
        return fail("this is not an ONNX model, or it is damaged: a field has an unknown encoding");
    }
    if (!varint(at, end, value)) return false;
    const std::size_t start = at;
    return skip(at, end, value) && payload(kind_of(kind, key >> 3), start, at, depth);
  }

  bool skip(std::size_t& at, std::size_t end, std::uint64_t bytes) {
    if (bytes > end - at)
      return fail("the file is truncated or damaged: a field is longer than what is left");
    at += static_cast<std::size_t>(bytes);
    return true;
  }

  bool payload(Kind kind, std::size_t at, std::size_t end, int depth) {
    if (kind == Kind::bytes) return charge(string_cost);
    if (kind == Kind::device)
      return fail("the model is cut for several devices (device_configurations); export it for one");
    if (kind != Kind::ints32 && kind != Kind::ints64) return message(kind, at, end, depth + 1);
    std::uint64_t numbers = 0;
    for (; at < end; ++at) numbers += static_cast<unsigned>(bytes_[at]) < 0x80 ? 1 : 0;
    return charge(numbers * (kind == Kind::ints32 ? 8 : 16));  // twice their size: vectors grow by doubling
  }

  std::span<const std::byte> bytes_;
  const Limits& limits_;
  std::string problem_;
  std::uint64_t overhead_ = 0, nodes_ = 0;
  bool graph_seen_ = false;
};

}  // namespace

std::string scan_model(std::span<const std::byte> bytes, const Limits& limits) {
  if (bytes.empty()) return "the file is empty";
  if (bytes.size() > limits.file_bytes)
    return "the file is larger than 2 GiB; store the weights as external data";
  return Scanner(bytes, limits).run();
}

}  // namespace lithe::import
