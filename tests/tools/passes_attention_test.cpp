// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lithe/format/reader.hpp"
#include "lithe/ops/attention.hpp"
#include "tests/tools/passes_testing.hpp"
#include "tools/graph/attributes.hpp"

namespace lithe::passes {
namespace {

using namespace test;
using Ops = std::vector<std::string>;

constexpr std::int64_t heads = 2, depth = 4, hidden = heads * depth;
const std::int64_t open_batch = dim_of_symbol(0), open_rows = dim_of_symbol(1);

std::vector<std::string> operators(const Graph& graph) {
  Ops ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}
ops::Attention::Attributes attention_of(const Graph& graph) {
  return graph::attributes<ops::Attention>(*find(graph, "Attention"));
}

/// Networks of one attention, as exporters write them.
struct Network : Builder {
  ValueId rows(std::int64_t width = hidden) { return input({open_batch, open_rows, width}); }
  ValueId reshape(ValueId v, std::vector<std::int64_t> shape) {
    return node("Reshape", {v, vector(std::move(shape))});
  }
  ValueId gather(ValueId v, std::int64_t index, std::int64_t axis) {
    return node("Gather", {v, constant<std::int64_t>({}, {index})}, {{"axis", ints({axis})}});
  }
  ValueId times(ValueId v, float factor) { return node("Mul", {v, scalar(factor)}); }
  /// [B, S, n * depth] as [B, n, S, depth], or [B, n, depth, S].
  ValueId split_heads(ValueId v, std::int64_t n = heads, bool turned = false) {
    return transpose(reshape(v, {0, 0, n, -1}),
                     turned ? std::vector<std::int64_t>{0, 2, 3, 1} : std::vector<std::int64_t>{0, 2, 1, 3});
  }
  ValueId join_heads(ValueId v) { return reshape(transpose(v, {0, 2, 1, 3}), {0, 0, -1}); }
  ValueId matmul(ValueId a, ValueId b, bool turned = false) {
    return node("MatMul", {a, b}, turned ? Attributes{{"transpose_b", ints({1})}} : Attributes{});
  }
  ValueId softmax(ValueId v) { return node("Softmax", {v}); }
  using Change = std::function<ValueId(ValueId)>;
  static ValueId same(ValueId v) { return v; }
  /// Query, key and value come apart; `change` is what happens to the scores.
  ValueId also_output(ValueId v) {
    output(v);
    return v;
  }
  void attention(const Change& change, const Change& change_weights = same,
                 const Change& change_query = same) {
    const ValueId q = split_heads(rows()), k = split_heads(rows(), heads, true), v = split_heads(rows());
    const ValueId scores = change(matmul(change_query(q), k));
    output(join_heads(matmul(change_weights(softmax(scores)), v)));
  }
};

TEST(FuseAttention, QueryKeyAndValueSideBySide) {
  Network b;
  const ValueId all = b.transpose(b.reshape(b.rows(3 * hidden), {0, 0, 3, heads, depth}), {2, 0, 3, 1, 4});
  const ValueId q = b.times(b.gather(all, 0, 0), 0.7F),
                k = b.times(b.transpose(b.gather(all, 1, 0), {0, 1, 3, 2}), 0.7F);
  b.output(b.join_heads(b.matmul(b.softmax(b.matmul(q, k)), b.gather(all, 2, 0))));
  const Passed run(b, {fuse_attention, eliminate_common_subexpressions});
  EXPECT_EQ(operators(run.graph), (Ops{"Split", "Attention"}));
  EXPECT_EQ(attention_of(run.graph).heads, heads);
  EXPECT_NEAR(attention_of(run.graph).scale, 0.49, 1e-6);
}

/// torch.nn.MultiheadAttention as torch.export sees it: the sequence comes before the batch.
TEST(FuseAttention, SequenceFirst) {
  Network b;
  const ValueId x = b.transpose(b.rows(3 * hidden), {1, 0, 2});
  const ValueId all = b.node(
      "Squeeze",
      {b.transpose(b.node("Unsqueeze", {b.reshape(x, {0, 0, 3, hidden}), b.vector({0})}), {3, 1, 2, 0, 4}),
       b.vector({-2})});
  const auto part = [&](std::int64_t i) {
    const ValueId turned = b.transpose(b.reshape(b.gather(all, i, 0), {0, -1, depth}), {1, 0, 2});
    const ValueId apart = b.reshape(turned, {3, heads, 3, depth});  // sizes that a Shape tells
    b.graph().value(apart).dims = Dims{open_batch, heads, open_rows, depth};
    return apart;
  };
  const ValueId scores = b.matmul(part(0), b.transpose(part(1), {0, 1, 3, 2}));
  const ValueId y = b.transpose(b.matmul(b.softmax(scores), part(2)), {2, 0, 1, 3});
  b.output(b.transpose(b.reshape(y, {0, 0, hidden}), {1, 0, 2}));
  const Passed run(
      b, {fuse_attention, eliminate_common_subexpressions, simplify, eliminate_common_subexpressions});
  EXPECT_EQ(operators(run.graph), (Ops{"Split", "Attention"}));
}

TEST(FuseAttention, Plain) {
  Network b;
  b.attention(Network::same);
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_EQ(attention_of(run.graph).scale, 1);
}

TEST(FuseAttention, Scales) {
  Network b;
  b.attention([&](ValueId v) { return b.node("Div", {v, b.scalar(2)}); }, Network::same,
              [&](ValueId v) { return b.times(v, 3); });
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_EQ(attention_of(run.graph).scale, 1.5F);
}

TEST(FuseAttention, MasksThatAreAdded) {
  for (const bool left : {false, true})
    for (const Dims& dims :
         {Dims{open_batch, 1, 1, open_rows}, Dims{open_rows, open_rows}, Dims{1, heads, 1, 1}}) {
      Network b;
      const ValueId mask = b.input(dims);
      b.attention([&](ValueId v) {
        return b.node("Add", left ? std::vector<ValueId>{mask, b.times(v, 2)}
                                  : std::vector<ValueId>{b.times(v, 2), mask});
      });
      const Passed run(b, {fuse_attention});
      EXPECT_EQ(operators(run.graph), Ops{"Attention"});
      EXPECT_EQ(find(run.graph, "Attention")->inputs.size(), 4U);
    }
}

TEST(FuseAttention, BooleanMasks) {
  for (const bool hides : {false, true}) {
    Network b;
    const ValueId ones =
        b.node("Less", {b.input({open_rows, open_rows}), b.scalar(0.3F)}, {}, DType::boolean);
    b.attention([&](ValueId v) {
      return b.node("Where", {ones, hides ? b.scalar(-7) : v, hides ? v : b.scalar(-7)}, {}, DType::f32);
    });
    const Passed run(b, {fuse_attention});
    EXPECT_EQ(operators(run.graph), hides ? (Ops{"Less", "Not", "Attention"}) : (Ops{"Less", "Attention"}));
    EXPECT_EQ(attention_of(run.graph).fill, -7);
  }
}

TEST(FuseAttention, GuardAgainstNan) {
  Network b;
  const ValueId added = b.input({open_rows});
  b.attention([&](ValueId v) { return b.node("Add", {v, added}); },
              [&](ValueId v) {
                return b.node("Where", {b.node("IsNaN", {v}, {}, DType::boolean), b.scalar(0), v}, {},
                              DType::f32);
              });
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_TRUE(attention_of(run.graph).nan_is_zero);
}

TEST(FuseAttention, Cap) {
  Network b;
  b.attention([&](ValueId v) { return b.times(b.node("Tanh", {b.node("Div", {v, b.scalar(3)})}), 3); });
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_EQ(attention_of(run.graph).softcap, 3);
  EXPECT_EQ(attention_of(run.graph).scale, 1);
}

/// Heads share keys: each is repeated, or broadcasts.
TEST(FuseAttention, HeadsShareKeys) {
  Network b;
  const ValueId q = b.split_heads(b.rows(), 2);
  const auto repeated = [&](ValueId v) {
    const ValueId one = b.node("Unsqueeze", {b.split_heads(v, 1), b.vector({2})});
    return b.reshape(b.node("Expand", {one, b.vector({1, 1, 2, 1, 1})}), {0, 2, -1, depth});
  };
  const ValueId k = repeated(b.rows(depth)), v = repeated(b.rows(depth));
  b.output(b.join_heads(b.matmul(b.softmax(b.matmul(q, k, true)), v)));
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_EQ(attention_of(run.graph).kv_heads, 1);

  Network one;
  const ValueId query = one.split_heads(one.rows(), 2), key = one.split_heads(one.rows(depth), 1),
                value = one.split_heads(one.rows(depth), 1);
  one.output(one.join_heads(one.matmul(one.softmax(one.matmul(query, key, true)), value)));
  const Passed broadcast(one, {fuse_attention});
  EXPECT_EQ(operators(broadcast.graph), Ops{"Attention"});
}

TEST(FuseAttention, KeysOfAnotherSequence) {
  Network b;
  const std::int64_t keys = dim_of_symbol(2);
  const ValueId q = b.split_heads(b.rows()), k = b.split_heads(b.input({open_batch, keys, hidden})),
                v = b.split_heads(b.input({open_batch, keys, hidden}));
  b.output(b.join_heads(b.matmul(b.softmax(b.matmul(q, k, true)), v)));
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
}

/// Batch and heads are one axis of the products.
TEST(FuseAttention, BatchAndHeadsInOneAxis) {
  Network b;
  const auto part = [&] { return b.reshape(b.split_heads(b.input({2, 3, hidden})), {2 * heads, 3, depth}); };
  const ValueId q = part(), k = part(), v = part();
  const ValueId y = b.reshape(b.matmul(b.softmax(b.matmul(q, k, true)), v), {2, heads, 3, depth});
  b.output(b.join_heads(y));
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
  EXPECT_EQ(attention_of(run.graph).heads, heads);
}

TEST(FuseAttention, OneHead) {
  Network b;
  const ValueId x = b.rows();
  b.output(b.matmul(b.softmax(b.matmul(x, b.transpose(x, {0, 2, 1}))), x));
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), Ops{"Attention"});
}

/// What is computed with heads apart, and read so, stays so.
TEST(FuseAttention, HeadsApart) {
  Network b;
  const ValueId x = b.node("Relu", {b.input({open_batch, heads, open_rows, depth})});
  b.output(b.node("Relu", {b.matmul(b.softmax(b.matmul(x, x, true)), x)}));
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(operators(run.graph), (Ops{"Relu", "Attention", "Relu"}));
  EXPECT_TRUE(attention_of(run.graph).heads_apart);
}

TEST(FuseAttention, NearMisses) {
  const auto missed = [](const std::function<void(Network&)>& make) {
    Network b;
    make(b);
    const Passed run(b, {fuse_attention});
    EXPECT_EQ(count(run.graph, "Attention"), 0);
    EXPECT_EQ(run.log.lines().size(), 1U);
    return run.log.lines().empty() ? "" : run.log.lines()[0].text;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(
      has(missed([](Network& b) { b.attention(Network::same, [&](ValueId v) { return b.also_output(v); }); }),
          "an inner value has another reader"));
  EXPECT_TRUE(has(missed([](Network& b) { b.attention([&](ValueId v) { return b.also_output(v); }); }),
                  "an inner value has another reader"));
  EXPECT_TRUE(has(missed([](Network& b) {
                    const ValueId one = b.input({open_rows}), two = b.input({open_rows, open_rows});
                    b.attention([&](ValueId v) { return b.node("Add", {b.node("Add", {v, one}), two}); });
                  }),
                  "it has two masks"));
  EXPECT_TRUE(has(missed([](Network& b) {
                    const ValueId mask = b.input({open_rows});
                    b.attention([&](ValueId v) { return b.times(b.node("Add", {v, mask}), 2); });
                  }),
                  "the mask is scaled too"));
  EXPECT_TRUE(has(missed([](Network& b) {
                    b.attention([&](ValueId v) { return b.times(b.times(b.node("Tanh", {v}), 3), 2); });
                  }),
                  "what is scaled is capped"));
  EXPECT_TRUE(has(missed([](Network& b) {
                    const ValueId mask = b.input({2, heads, open_rows, open_rows});
                    const ValueId x = b.input({1, heads, open_rows, depth});
                    b.output(b.matmul(b.softmax(b.node("Add", {b.matmul(x, x, true), mask})), x));
                  }),
                  "its mask is larger than the scores"));
  EXPECT_TRUE(has(
      missed([](Network& b) { b.attention([&](ValueId v) { return b.node("Add", {v, b.input({3})}); }); }),
      "not fused into Attention"));
}

/// A softmax of quantized scores stays: its products may run in 8 bits.
TEST(FuseAttention, QuantizedScores) {
  Network b;
  b.attention([&](ValueId v) { return b.fake(v, 0.02F, 0); });
  const Passed run(b, {fuse_attention});
  EXPECT_EQ(count(run.graph, "Attention"), 0);
}

TEST(DropFlattening, BetweenReshapes) {
  Network b;
  const ValueId flat = b.reshape(b.rows(), {-1, hidden});
  const ValueId y = b.reshape(b.node("FullyConnected", {flat, b.random({5, hidden})}), {3, -1, 5});
  b.graph().value(y).dims = Dims{open_batch, open_rows, 5};
  b.output(y);
  const Passed run(b, {drop_flattening});
  EXPECT_EQ(operators(run.graph), Ops{"FullyConnected"});
}

TEST(DropFlattening, OtherAxes) {
  Network b;
  const ValueId flat = b.reshape(b.input({2, 6, hidden}), {12, hidden});
  b.output(b.reshape(b.node("FullyConnected", {flat, b.random({5, hidden})}), {3, 4, 5}));
  const Passed run(b, {drop_flattening});
  EXPECT_EQ(operators(run.graph), (Ops{"Reshape", "FullyConnected", "Reshape"}));
  EXPECT_TRUE(run.missed("does not restore the axes"));
}

TEST(FoldConstants, FixedDimensionsOfAShape) {
  Network b;
  const ValueId shape = b.node("Shape", {b.rows()}, {}, DType::s64);
  b.output(b.node("Mul", {b.node("Slice", {shape, b.vector({2}), b.vector({3})}), b.vector({2})}));
  const Passed run(b, {fold_constants});
  EXPECT_EQ(operators(run.graph), Ops{"Mul"});

  Network open;
  const ValueId dims = open.node("Shape", {open.rows()}, {}, DType::s64);
  open.output(
      open.node("Mul", {open.node("Slice", {dims, open.vector({1}), open.vector({3})}), open.vector({2})}));
  const Passed kept(open, {fold_constants});
  EXPECT_EQ(operators(kept.graph), (Ops{"Shape", "Slice", "Mul"}));
}

}  // namespace
}  // namespace lithe::passes
