// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/fully_connected.hpp"
#include "lithe/ops/matmul.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/slice.hpp"
#include "lithe/ops/softmax.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/sizes.hpp"
#include "tools/import/ops/weights.hpp"

namespace lithe::import {

/// A size or a position: a number known at conversion, or a computed s64 of one element.
struct Size {
  std::int64_t number = -1;
  graph::ValueId computed = graph::absent;

  Size(std::int64_t n) : number(n) {}
  static Size of(graph::ValueId value) {
    Size size(-1);
    size.computed = value;
    return size;
  }
  bool known() const { return computed == graph::absent; }
};

/// Short words for importers that say an operator in several others.
class Compose {
 public:
  using ValueId = graph::ValueId;

  explicit Compose(NodeImport& node) : node(node) {}

  template <class Op>
  ValueId apply(std::vector<ValueId> inputs, const typename Op::Attributes& attributes = {}) {
    return node.emit<Op>(attributes, std::move(inputs));
  }
  ValueId add(ValueId a, ValueId b) { return apply<ops::Add>({a, b}); }
  ValueId sub(ValueId a, ValueId b) { return apply<ops::Sub>({a, b}); }
  ValueId mul(ValueId a, ValueId b) { return apply<ops::Mul>({a, b}); }
  ValueId div(ValueId a, ValueId b) { return apply<ops::Div>({a, b}); }
  ValueId where(ValueId mask, ValueId a, ValueId b) { return apply<ops::Where>({mask, a, b}); }
  /// `value` times a number of its dtype; nothing is emitted for 1.
  ValueId scaled(ValueId value, float factor) {
    return factor == 1 ? value : mul(value, node.scalar(factor, node.dtype(value)));
  }
  /// `value` in another dtype; nothing is emitted where it has it.
  ValueId cast(ValueId value, DType dtype) {
    if (node.dtype(value) == dtype) return value;
    return node.emit<ops::Cast>({}, {value}, dtype);
  }
  ValueId matmul(ValueId a, ValueId b, bool transpose_b = false) {
    ops::MatMul::Attributes attributes;
    attributes.transpose_b = transpose_b;
    return apply<ops::MatMul>({a, b}, attributes);
  }
  /// [..., K] times a matrix [K, N], plus a bias [N] that may be absent.
  ValueId linear(ValueId input, ValueId matrix, ValueId bias = graph::absent) {
    if (fully_connected(node, matrix)) {
      std::vector<ValueId> inputs{input, node.transpose(matrix, {1, 0})};
      if (bias != graph::absent && constant_weights(node, bias))
        inputs.push_back(std::exchange(bias, graph::absent));
      input = apply<ops::FullyConnected>(std::move(inputs));
    } else {
      input = matmul(input, matrix);
    }
    return bias == graph::absent ? input : add(input, bias);
  }
  ValueId softmax(ValueId value, std::int32_t axis = -1) {
    ops::SoftmaxAttributes attributes;
    attributes.axis = axis;
    return apply<ops::Softmax>({value}, attributes);
  }
  ValueId concat(std::vector<ValueId> parts, std::int64_t axis) {
    if (parts.size() == 1) return parts[0];
    ops::Concat::Attributes attributes;
    attributes.axis = static_cast<decltype(attributes.axis)>(axis);
    return apply<ops::Concat>(std::move(parts), attributes);
  }
  ValueId unsqueeze(ValueId value, std::vector<std::int64_t> axes) {
    return apply<ops::Unsqueeze>({value, node.ints(std::move(axes))});
  }
  template <class Reduction>
  ValueId reduce(ValueId value, std::vector<std::int64_t> axes, bool keepdims) {
    ops::ReduceAttributes attributes;
    attributes.keepdims = keepdims;
    return apply<Reduction>({value, node.ints(std::move(axes))}, attributes);
  }

  /// The size of axis `axis`, negative from the back.
  Size size(ValueId value, int axis) {
    const int rank = node.required_rank(value), a = axis < 0 ? axis + rank : axis;
    if (a < 0 || a >= rank) node.refuse(node.op_type() + ": an input has too few dimensions");
    const std::int64_t known = (*node.value(value).dims)[static_cast<std::size_t>(a)];
    return known >= 0 ? Size(known) : Size::of(size_of(node, value, a));
  }
  /// A size that must be known at conversion.
  std::int64_t known_size(ValueId value, int axis, const char* what) {
    const Size s = size(value, axis);
    if (!s.known())
      node.refuse(node.op_type() + " needs " + what + " that is known at conversion",
                  "fix the model's shapes with --shape");
    return s.number;
  }
  Size plus(const Size& a, const Size& b) {
    if (a.known() && b.known()) return a.number + b.number;
    if (a.known() && a.number == 0) return b;
    if (b.known() && b.number == 0) return a;
    return Size::of(add(scalar(a), scalar(b)));
  }
  Size times(const Size& a, std::int64_t factor) {
    if (a.known()) return a.number * factor;
    return Size::of(mul(scalar(a), integer(node, factor)));
  }
  Size times(const Size& a, const Size& b) {
    if (b.known()) return times(a, b.number);
    return a.known() ? times(b, a.number) : Size::of(mul(a.computed, b.computed));
  }
  /// As an s64 of rank 0.
  ValueId scalar(const Size& size) { return size.known() ? integer(node, size.number) : size.computed; }
  /// Several as an s64 vector.
  ValueId vector(const std::vector<Size>& sizes) {
    std::vector<std::int64_t> numbers;
    for (const Size& s : sizes)
      if (s.known()) numbers.push_back(s.number);
    if (numbers.size() == sizes.size()) return node.ints(std::move(numbers));
    std::vector<ValueId> parts;
    for (const Size& s : sizes)
      parts.push_back(s.known() ? node.ints({s.number}) : apply<ops::Reshape>({s.computed, node.ints({1})}));
    return concat(std::move(parts), 0);
  }
  /// 0 keeps a dimension, one -1 takes what is left.
  ValueId reshape(ValueId value, const std::vector<Size>& sizes) {
    return apply<ops::Reshape>({value, vector(sizes)});
  }
  /// value[from:to:step] along one axis.
  ValueId slice(ValueId value, std::int64_t axis, const Size& from, const Size& to, std::int64_t step = 1) {
    std::vector<ValueId> inputs{value, vector({from}), vector({to}), node.ints({axis})};
    if (step != 1) inputs.push_back(node.ints({step}));
    return apply<ops::Slice>(std::move(inputs));
  }
  /// 0, 1 ... count - 1.
  ValueId numbers(const Size& count) { return numbers_below(node, scalar(count)); }

  NodeImport& node;
};

}  // namespace lithe::import
