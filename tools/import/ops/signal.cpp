// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/dft.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/io/tensor_proto.hpp"

/// Operators on signals: DFT, STFT and MelWeightMatrix. The windows are functions of ONNX.
namespace lithe::import {
namespace {

using graph::ValueId;

/// The dtype that transforms are computed in.
DType computed_in(DType dtype) { return dtype == DType::f64 ? dtype : DType::f32; }

/// DFT-17 (axis an attribute) and 20 (axis an input).
void import_dft(NodeImport& node) {
  Compose compose(node);
  constexpr int first_with_axis_input = 20;
  ops::DFT::Attributes attributes;
  attributes.inverse = node.attribute_int("inverse", 0) != 0;
  attributes.onesided = node.attribute_int("onesided", 0) != 0;
  if (node.opset() < first_with_axis_input) {
    attributes.axis = node.attribute_int("axis", 1);
  }
  const DType dtype = node.dtype(node.input(0));
  std::vector<ValueId> inputs{compose.cast(node.input(0), computed_in(dtype))};
  inputs.push_back(node.has(1) ? compose.cast(node.input(1), DType::s64) : graph::absent);
  if (node.has(2)) {
    const graph::ConstantPtr known = node.known(node.input(2));
    if (known != nullptr && known->view().elements() == 1)
      attributes.axis = integer_at(known->view(), 0);
    else
      inputs.push_back(node.input(2));
  }
  while (inputs.back() == graph::absent) inputs.pop_back();
  node.output(0, compose.cast(compose.apply<ops::DFT>(inputs, attributes), dtype));
}

/// A number that an input says, known at conversion or computed.
Size number(Compose& compose, int i) {
  const ValueId input = compose.node.input(i);
  if (const graph::ConstantPtr known = compose.node.known(input); known && known->view().elements() == 1)
    return integer_at(known->view(), 0);
  return Size::of(compose.reshape(compose.cast(input, DType::s64), {}));
}

/// STFT-17: signal [B, L, 1 or 2], step, window [F] or absent, F or absent. The frames are rows of a table of
/// places in the signal.
void import_stft(NodeImport& node) {
  Compose compose(node);
  ops::DFT::Attributes attributes;
  attributes.axis = 2;
  attributes.onesided = node.attribute_int("onesided", 1) != 0;
  const DType dtype = node.dtype(node.input(0)), wide = computed_in(dtype);
  ValueId signal = compose.cast(node.input(0), wide);
  if (node.required_rank(signal) == 2) signal = compose.unsqueeze(signal, {2});
  if (node.required_rank(signal) != 3) node.refuse("the signal of an STFT must be [B, L, 1 or 2]");
  if (compose.known_size(signal, 2, "a last axis") == 2) attributes.onesided = false;
  const Size length = compose.size(signal, 1), step = number(compose, 1);
  const Size width = node.has(3) ? number(compose, 3) : node.has(2) ? compose.size(node.input(2), 0) : length;
  const ValueId room = compose.sub(compose.scalar(length), compose.scalar(width));
  const ValueId frames = compose.add(compose.div(room, compose.scalar(step)), integer(node, 1));
  const ValueId starts = compose.mul(compose.numbers(Size::of(frames)), compose.scalar(step));
  const ValueId places = compose.add(compose.unsqueeze(starts, {1}), compose.numbers(width));
  ops::Gather::Attributes along;
  along.axis = 1;
  ValueId framed = compose.apply<ops::Gather>({signal, places}, along);
  if (node.has(2)) framed = compose.mul(framed, compose.unsqueeze(compose.cast(node.input(2), wide), {1}));
  node.output(0, compose.cast(compose.apply<ops::DFT>({framed}, attributes), dtype));
}

/// MelWeightMatrix-17: triangles [bins of a spectrum, bins of mel], in double precision.
class MelWeights {
 public:
  explicit MelWeights(NodeImport& node) : node_(node), c_(node) {}

  ValueId matrix() {
    const ValueId mels = c_.cast(node_.input(0), DType::s64), length = c_.cast(node_.input(1), DType::s64);
    const auto edge = [&](int i) { return c_.cast(node_.input(i), real); };
    const ValueId low = mel(edge(3)), high = mel(edge(4));
    const ValueId count = c_.add(mels, integer(node_, 2));
    const ValueId step = c_.div(c_.sub(high, low), c_.cast(count, real));
    const ValueId numbers = c_.cast(c_.numbers(Size::of(count)), real);
    const ValueId mel_edges = c_.add(c_.mul(numbers, step), low);
    const ValueId power = c_.apply<ops::Pow>({scalar(10), c_.div(mel_edges, scalar(2595))});
    const ValueId hertz = c_.mul(c_.sub(power, scalar(1)), scalar(700));
    const ValueId scaled = c_.mul(hertz, c_.cast(c_.add(length, integer(node_, 1)), real));
    const ValueId edges = c_.apply<ops::Floor>({c_.div(scaled, c_.cast(node_.input(2), real))});
    const auto part = [&](std::int64_t from) {
      return c_.slice(edges, 0, from, Size::of(c_.add(mels, integer(node_, from))));
    };
    const ValueId bins = c_.add(c_.div(length, integer(node_, 2)), integer(node_, 1));
    return triangles(c_.cast(c_.unsqueeze(c_.numbers(Size::of(bins)), {1}), real), part(0), part(1), part(2));
  }

 private:
  static constexpr DType real = DType::f64;

  ValueId scalar(float value) { return node_.scalar(value, real); }
  ValueId mel(ValueId hertz) {
    const ValueId ratio = c_.add(c_.div(hertz, scalar(700)), scalar(1));
    const ValueId decades = c_.div(c_.apply<ops::Log>({ratio}), c_.apply<ops::Log>({scalar(10)}));
    return c_.mul(decades, scalar(2595));
  }
  /// Rises from `left` to `center`, where it is 1, and falls from there to `right`.
  ValueId triangles(ValueId at, ValueId left, ValueId center, ValueId right) {
    const auto both = [&](ValueId a, ValueId b) { return c_.apply<ops::And>({a, b}); };
    const auto at_most = [&](ValueId a, ValueId b) { return c_.apply<ops::LessOrEqual>({a, b}); };
    const auto below = [&](ValueId a, ValueId b) { return c_.apply<ops::Less>({a, b}); };
    const ValueId rise = c_.sub(center, left), fall = c_.sub(right, center), zero = scalar(0),
                  one = scalar(1);
    const auto safe = [&](ValueId width) { return c_.where(below(zero, width), width, one); };
    const ValueId up = c_.div(c_.sub(at, left), safe(rise)), down = c_.div(c_.sub(right, at), safe(fall));
    const ValueId rising = both(at_most(left, at), at_most(at, center));
    const ValueId falling = both(at_most(center, at), below(at, right));
    const ValueId peak = c_.where(below(zero, rise), up, one);
    return c_.where(falling, down, c_.where(rising, peak, zero));
  }

  NodeImport& node_;
  Compose c_;
};

void import_mel_weight_matrix(NodeImport& node) {
  constexpr int f32 = 1;  // as ONNX numbers types
  const DType dtype = io::dtype_from_onnx(static_cast<int>(node.attribute_int("output_datatype", f32)));
  if (dtype == DType::none) node.refuse("attribute output_datatype is no type of numbers");
  MelWeights weights(node);
  node.output(0, Compose(node).cast(weights.matrix(), dtype));
}

}  // namespace

void register_signal(ImporterTable& table) {
  table.add("DFT", import_dft, 17);
  table.add("MelWeightMatrix", import_mel_weight_matrix, 17);
  table.add("STFT", import_stft, 17);
}

}  // namespace lithe::import
