// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/fields.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "tools/graph/graph.hpp"

/// A node's attributes as its operator's struct, and back.
namespace lithe::graph {

/// Reads a node's attributes one by one, for parse_attributes and OperatorEntry::parse; the node must outlive
/// it.
class AttributeCursor {
 public:
  explicit AttributeCursor(const Node& node) : next_(node.attributes.begin()), end_(node.attributes.end()) {}

  /// False at the end, with `name` and `data` as they were.
  bool next(std::string_view& name, AttributeData& data) {
    if (next_ == end_) return false;
    name = next_->first;
    data = {next_->second.ints, next_->second.floats, next_->second.text};
    ++next_;
    return true;
  }
  AttributeReader reader() {
    return {[](void* self, std::string_view& name, AttributeData& data) {
              return static_cast<AttributeCursor*>(self)->next(name, data);
            },
            this};
  }

 private:
  std::map<std::string, Attribute>::const_iterator next_, end_;
};

/// A node's attributes as its operator's struct, whose type nobody needs to know.
class ParsedAttributes {
 public:
  /// `op` must be the node's operator. Errors: as OperatorEntry::parse.
  Status parse(const OperatorEntry& op, const Node& node) {
    memory_.resize(op.attributes_bytes / sizeof(std::max_align_t) + 1);
    AttributeCursor cursor(node);
    return op.parse(memory_.data(), cursor.reader());
  }
  const void* get() const { return memory_.data(); }

 private:
  std::vector<std::max_align_t> memory_;
};

/// Typed attributes of a node: `Op` must be the node's operator.
template <class Op>
typename Op::Attributes attributes(const Node& node) {
  typename Op::Attributes result;
  AttributeCursor cursor(node);
  const Status status = parse_attributes(result, cursor.reader());
  assert(status.ok());
  (void)status;
  return result;
}

struct AttributeWriter {
  std::map<std::string, Attribute>& to;
  void ints(const char* name, std::span<const std::int64_t> v) { to[name].ints.assign(v.begin(), v.end()); }
  void floats(const char* name, std::span<const float> v) { to[name].floats.assign(v.begin(), v.end()); }
  void text(const char* name, std::string_view v) { to[name].text = v; }
};

template <class Op>
void set_attributes(Node& node, const typename Op::Attributes& attributes) {
  node.op = Op::spec.name;
  node.version = Op::spec.version;
  node.attributes.clear();
  AttributeWriter writer{node.attributes};
  write_attributes(attributes, writer);
}

}  // namespace lithe::graph
