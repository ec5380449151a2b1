// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using namespace test;

/// What an importer makes of a convolution of a channels-first tensor.
ValueId convolution(Builder& b, ValueId x, index_t in, index_t out, unsigned seed = 1) {
  const ValueId y =
      b.node("Conv2D", {b.to_last(x), b.random({out, 3, 3, in}, seed)}, {{"pads", ints({1, 1, 1, 1})}});
  b.graph().value(y).onnx_name.clear();
  return b.to_first(y);
}

/// x, convolution, `middle`, convolution: two transposes when everything between is moved.
template <class Middle>
int transposes_left(Middle middle, index_t channels = 6, double tolerance = 1e-5) {
  Builder b;
  const ValueId x = convolution(b, b.input({2, 3, 8, 5}), 3, 6);
  b.output(convolution(b, middle(b, x), channels, 2, 2));
  Passed run(b, {simplify, channels_last, fold_constants}, tolerance);
  return count(run.graph, "Transpose");
}

TEST(ChannelsLast, SinksThroughUnaryOperators) {
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) { return b.node("Relu", {x}); }), 2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              return b.node("Sigmoid", {b.node("Clip", {x}, {{"clamp", floats({0, 1})}})});
            }),
            2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              return b.node("Cast", {b.node("Cast", {x}, {}, DType::f64)}, {}, DType::f32);
            }),
            2);
}

TEST(ChannelsLast, ConstantsOfAnyRankFollow) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{6, 1, 1}, Shape{1, 6, 1, 1}, Shape{6, 8, 5},
                             Shape{2, 1, 8, 1}, Shape{8, 1}}) {
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) { return b.node("Add", {x, b.random(shape, 5)}); }),
              2);
    EXPECT_EQ(
        transposes_left([&](Builder& b, ValueId x) { return b.node("PRelu", {x, b.random(shape, 5)}); }), 2);
  }
}

TEST(ChannelsLast, ChannelConstantsBecomeVectors) {
  Builder b;
  b.output(b.node("Add", {convolution(b, b.input({1, 3, 4, 4}), 3, 6), b.random({6, 1, 1})}));
  Passed run(b, {simplify, channels_last});
  EXPECT_EQ(run.graph.value(find(run.graph, "Add")->inputs[1]).constant->shape, Shape{6});
}

TEST(ChannelsLast, ResidualBlocks) {
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              const ValueId y = b.node("Relu", {x});
              return b.node("Relu", {b.node("Add", {convolution(b, y, 6, 6, 5), y})});
            }),
            2);
  EXPECT_EQ(
      transposes_left([](Builder& b, ValueId x) { return b.node("Mul", {x, b.node("HardSigmoid", {x})}); }),
      2);
}

TEST(ChannelsLast, SqueezeAndExcite) {
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              const ValueId mean = b.node("ReduceMean", {x, b.vector({2, 3})});
              return b.node("Mul", {x, b.node("Sigmoid", {convolution(b, mean, 6, 6, 5)})});
            }),
            2);
}

TEST(ChannelsLast, AxesAreRemapped) {
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  return b.node("Concat", {x, b.node("Relu", {x})}, {{"axis", ints({1})}});
                },
                12),
            2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              const auto halves =
                  b.nodes("Split", {x, b.vector({2, 4})}, {{"axis", ints({-3})}}, 2, DType::f32);
              return b.node("Concat", {halves[1], halves[0]}, {{"axis", ints({1})}});
            }),
            2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              return b.node("Softmax", {b.node("Softmax", {x}, {{"axis", ints({1})}})});
            }),
            2);
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  return b.node("Slice", {x, b.vector({1, 1}), b.vector({7, 5}), b.vector({2, -3})});
                },
                4),
            2);
  EXPECT_EQ(
      transposes_left(
          [](Builder& b, ValueId x) { return b.node("Slice", {x, b.vector({0, 1}), b.vector({2, 5})}); }, 4),
      2);
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  return b.node("Pad", {x, b.vector({0, 1, 2, 0, 0, 0, 1, 3}), b.scalar(2)});
                },
                7),
            2);
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  return b.node("Pad", {x, b.vector({1, 2}), b.scalar(2), b.vector({1})});
                },
                9),
            2);
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  return b.node("Gather", {x, b.vector({3, 1, 0})}, {{"axis", ints({1})}});
                },
                3),
            2);
  EXPECT_EQ(
      transposes_left([](Builder& b, ValueId x) { return b.node("ReduceMean", {x, b.vector({-1, 1})}); }, 1),
      2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              return b.node("Unsqueeze", {b.node("ReduceMean", {x, b.vector({3})}, {{"keepdims", ints({0})}}),
                                          b.vector({3})});
            }),
            2);
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              const ValueId one =
                  b.node("Gather", {x, b.constant<std::int64_t>({}, {2})}, {{"axis", ints({2})}});
              return b.node("Squeeze", {b.node("Unsqueeze", {one, b.vector({0, 3})}), b.vector({0})});
            }),
            2);
}

TEST(ChannelsLast, SinksThroughReductions) {
  for (const char* op : {"ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
                         "ReduceProd", "ReduceSum", "ReduceSumSquare"}) {
    const auto squashed = [](Builder& b, ValueId x) {
      return b.node("Sigmoid", {x});
    };  // products stay finite
    EXPECT_EQ(transposes_left(
                  [&](Builder& b, ValueId x) { return b.node(op, {squashed(b, x), b.vector({-1, 0})}); }),
              2)
        << op;
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                const ValueId dropped =
                    b.node(op, {squashed(b, x), b.vector({2})}, {{"keepdims", ints({0})}});
                return b.node("Unsqueeze", {dropped, b.vector({2})});
              }),
              2)
        << op;
    EXPECT_EQ(
        transposes_left(
            [&](Builder& b, ValueId x) { return b.node("Mul", {x, b.node(op, {squashed(b, x)})}); }, 6, 1e-4),
        2)
        << op;
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return b.node(op, {x}, {{"noop_with_empty_axes", ints({1})}});
              }),
              2)
        << op;
  }
}

TEST(ChannelsLast, SinksThroughOperatorsAlongAnAxis) {
  for (const char* op : {"Hardmax", "LogSoftmax", "Softmax"})
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return b.node(op, {b.node(op, {x}, {{"axis", ints({1})}})});
              }),
              2)
        << op;
  for (const char* op : {"ArgMax", "ArgMin"}) {
    const auto chosen = [&](Builder& b, ValueId x, std::int64_t axis, std::int64_t keep) {
      const ValueId indices =
          b.node(op, {x}, {{"axis", ints({axis})}, {"keepdims", ints({keep})}}, DType::s64);
      return b.node("Cast", {indices}, {}, DType::f32);
    };
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) { return chosen(b, x, 1, 1); }, 1), 2) << op;
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return b.node("Unsqueeze", {chosen(b, x, -1, 0), b.vector({3})});
              }),
              2)
        << op;
  }
  for (const char* op : {"CumProd", "CumSum"})
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return b.node(op, {x, b.constant<std::int32_t>({}, {-3})}, {{"exclusive", ints({1})}});
              }),
              2)
        << op;
  EXPECT_EQ(
      transposes_left(
          [](Builder& b, ValueId x) { return b.node("TopK", {x, b.vector({4})}, {{"axis", ints({1})}}); }, 4),
      2);
}

TEST(ChannelsLast, BatchNormalizationBetween) {
  EXPECT_EQ(
      transposes_left([](Builder& b, ValueId x) {
        return b.to_first(b.node("BatchNormalization", {b.to_last(x), b.random({6}, 2), b.random({6}, 3),
                                                        b.random({6}, 4), b.random({6}, 5, 0.5F, 2)}));
      }),
      2);
}

TEST(ChannelsLast, QuantizedTensorsBetween) {
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) { return b.fake(x, 0.05F, 3); }, 6, 1e-3), 2);
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {
                  const ValueId scale = b.random({6}, 4, 0.01F, 0.05F),
                                zero = b.random_integers({6}, 5, -3, 3);
                  const ValueId q = b.node("QuantizeLinear", {x, scale, zero}, {}, DType::s8);
                  return b.node("DequantizeLinear", {q, scale, zero}, {}, DType::f32);
                },
                6, 1e-2),
            2);
}

TEST(ChannelsLast, ShapesAreReadBeforeTheTranspose) {
  Builder b;
  const ValueId x = convolution(b, b.input({2, 3, 8, 5}), 3, 6);
  b.output(b.node("Shape", {x}, {}, DType::s64));
  Passed run(b, {channels_last});
  EXPECT_EQ(count(run.graph, "Transpose"), 1);  // the one at the input
}

TEST(ChannelsLast, FullyConnectedTakesTheOrder) {
  for (bool reshape : {false, true})
    for (const char* alike : {"Relu", "Elu", "Erf"}) {
      Builder b;
      const ValueId x = b.node("Relu", {convolution(b, b.input({2, 3, 4, 5}), 3, 6)});
      const ValueId flat = reshape ? b.node("Reshape", {x, b.vector({0, -1})}) : b.node("Flatten", {x});
      b.output(b.node("FullyConnected", {b.node(alike, {flat}), b.random({7, 120}, 4), b.random({7}, 5)}));
      Passed run(b, {simplify, channels_last});
      EXPECT_EQ(count(run.graph, "Transpose"), 1) << alike;
    }
}

TEST(ChannelsLast, FlattenedOutputKeepsItsOrder) {
  Builder b;
  const ValueId flat = b.node("Flatten", {convolution(b, b.input({2, 3, 4, 5}), 3, 6)});
  b.output(b.node("FullyConnected", {flat, b.random({7, 120}, 4)}));
  b.output(flat);
  EXPECT_EQ(count(Passed(b, {simplify, channels_last}).graph, "Transpose"), 2);

  Builder computed;
  const ValueId other = computed.node("Flatten", {convolution(computed, computed.input({2, 3, 4, 5}), 3, 6)});
  computed.output(computed.node("FullyConnected", {other, computed.input({7, 120})}));
  EXPECT_EQ(count(Passed(computed, {simplify, channels_last}).graph, "Transpose"), 2);
}

TEST(ChannelsLast, FreeTransposesAreReshapes) {
  Builder b;  // one channel at the input, one pixel at the output
  const ValueId x = convolution(b, b.input({-1, 1, 4, 4}), 1, 6);
  const ValueId mean = b.node("ReduceMean", {x, b.vector({2, 3})});
  b.graph().value(mean).dims = Dims{-1, 6, 1, 1};
  b.output(mean);
  Passed run(b, {fold_constants, simplify, channels_last});
  EXPECT_EQ(count(run.graph, "Transpose"), 0);
}

TEST(ChannelsLast, NeverMoreBytes) {
  Builder b;  // the sum's other operand is channels first for everybody else
  const ValueId x = convolution(b, b.input({1, 3, 4, 4}), 3, 6), y = b.input({1, 6, 4, 4});
  b.output(b.node("Add", {x, y}));
  Passed run(b, {simplify, channels_last});
  EXPECT_EQ(count(run.graph, "Transpose"), 2);

  Builder wide;  // moving it after the expansion would move more
  const ValueId small =
      wide.node("ReduceMean", {convolution(wide, wide.input({1, 3, 4, 4}), 3, 6), wide.vector({1})});
  wide.output(wide.node("Add", {small, wide.random({8, 4, 4})}));
  Passed second(wide, {simplify, channels_last});
  for (const Node& node : second.graph.nodes) {
    if (node.op != "Transpose") continue;
    EXPECT_NE(second.graph.value(node.inputs[0]).dims, (Dims{1, 4, 4, 8}));
  }
}

TEST(ChannelsLast, SinksThroughReshapes) {
  const auto reshaped = [](Builder& b, ValueId x, std::vector<std::int64_t> shape) {
    return b.node("Reshape", {x, b.vector(std::move(shape))});
  };
  EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {  // space merged, and split again
              return reshaped(b, b.node("Softmax", {reshaped(b, x, {2, 6, 40})}), {2, 6, 8, 5});
            }),
            2);
  EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {  // channels split, ones added and dropped
              return reshaped(b, b.node("Relu", {reshaped(b, x, {1, 2, 2, 3, 1, 8, 5})}), {2, 6, 8, 5});
            }),
            2);
  EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {  // channels and space mixed
              return reshaped(b, b.node("Relu", {reshaped(b, x, {2, 48, 5})}), {2, 6, 8, 5});
            }),
            4);
}

TEST(ChannelsLast, NormalizationsOfChannelsStayBetweenConvolutions) {
  for (const char* op : {"GroupNormalization", "LRN"})
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return b.to_first(b.node(op, {b.node("Relu", {b.to_last(x)})}));
              }),
              2)
        << op;
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              const auto mean = [&](ValueId v) { return b.node("ReduceMean", {v, b.vector({0, 2, 3})}); };
              const ValueId centered = b.node("Sub", {x, mean(x)});
              const ValueId variance = mean(b.node("Mul", {centered, centered}));
              return b.node("Div", {centered, b.node("Add", {b.node("Sqrt", {variance}), b.scalar(1e-3F)})});
            }),
            2);
}

/// What the transpose of a [2, 3, 4, 5] tensor becomes when `node` reads it.
int transposes_above(const std::string& op, std::vector<std::int64_t> permutation,
                     const Attributes& attributes = {}) {
  Builder b;
  const ValueId x = b.transpose(b.input({2, 3, 4, 5}), std::move(permutation));
  b.output(b.node("Relu", {b.node(op, {x}, attributes)}));
  Passed run(b, {channels_last});
  return is(run.graph.nodes[0], "Transpose") ? 1 : 0;
}

TEST(ChannelsLast, SinksThroughNormalizationsThatKeepTheirAxes) {
  EXPECT_EQ(transposes_above("GroupNormalization", {0, 2, 1, 3}), 0);
  EXPECT_EQ(transposes_above("GroupNormalization", {1, 0, 2, 3}), 1);
  EXPECT_EQ(transposes_above("GroupNormalization", {0, 1, 3, 2}), 1);
  EXPECT_EQ(transposes_above("LRN", {2, 1, 0, 3}), 0);
  EXPECT_EQ(transposes_above("LRN", {0, 2, 3, 1}), 1);
  EXPECT_EQ(transposes_above("LayerNormalization", {2, 0, 1, 3}), 0);
  EXPECT_EQ(transposes_above("LayerNormalization", {1, 0, 2, 3}, {{"axis", ints({2})}}), 0);
  EXPECT_EQ(transposes_above("LayerNormalization", {0, 2, 1, 3}, {{"axis", ints({2})}}), 1);
  EXPECT_EQ(transposes_above("RMSNormalization", {1, 0, 2, 3}, {{"axis", ints({-2})}}), 0);
  EXPECT_EQ(transposes_above("RMSNormalization", {1, 0, 2, 3}, {{"axis", ints({0})}}), 1);
}

TEST(ChannelsLast, UpsamplingBetween) {
  const auto resized = [](Builder& b, ValueId x, std::vector<std::int64_t> axes, ValueId scales,
                          ValueId sizes, const char* mode) {
    Attributes a{{"mode", {{}, {}, mode}}};
    if (!axes.empty()) a["axes"] = ints(std::move(axes));
    return b.node("Resize", {x, absent, scales, sizes}, a);
  };
  for (const char* mode : {"linear", "cubic"}) {
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                return resized(b, x, {2, 3}, b.constant<float>({2}, {2, 3}), absent, mode);
              }),
              2);
    EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {
                const ValueId y = resized(b, x, {}, absent, b.vector({2, 6, 16, 5}), mode);
                return b.node("Add", {y, b.node("Relu", {y})});
              }),
              2);
    EXPECT_EQ(transposes_left(
                  [&](Builder& b, ValueId x) { return resized(b, x, {-1}, absent, b.vector({7}), mode); }),
              2);
  }
}

TEST(ChannelsLast, RepeatedTensorsBetween) {
  EXPECT_EQ(transposes_left([](Builder& b, ValueId x) {
              return b.node("Tile", {b.node("ReduceMean", {x, b.vector({2})}), b.vector({1, 1, 3, 2})});
            }),
            2);
}

TEST(ChannelsLast, BlocksOfChannelsBetween) {
  EXPECT_EQ(transposes_left(
                [](Builder& b, ValueId x) {  // what an importer makes of DepthToSpace
                  const ValueId split = b.node("Reshape", {b.to_last(x), b.vector({0, 0, 0, 1, 2, -1})});
                  const ValueId moved = b.transpose(split, {0, 1, 3, 2, 4, 5});
                  return b.to_first(b.node("Reshape", {moved, b.vector({0, 8, 10, 3})}));
                },
                3),
            2);
}

TEST(ChannelsLast, ShuffledChannelsBetween) {
  const auto shuffled = [](Builder& b, ValueId x) {
    const ValueId split = b.node("Reshape", {x, b.vector({2, 2, 3, 8, 5})});
    return b.node("Reshape", {b.transpose(split, {0, 2, 1, 3, 4}), b.vector({2, 6, 8, 5})});
  };
  EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) { return shuffled(b, x); }), 3);
  EXPECT_EQ(transposes_left([&](Builder& b, ValueId x) {  // a unit of ShuffleNetV2
              const auto halves = b.nodes("Split", {shuffled(b, x)}, {{"axis", ints({1})}}, 2, DType::f32);
              const ValueId other = convolution(b, halves[1], 3, 3, 4);
              return shuffled(b, b.node("Concat", {halves[0], other}, {{"axis", ints({1})}}));
            }),
            4);
}

TEST(ChannelsLast, LayoutBoundReadersKeepTheTranspose) {
  Builder b;
  const ValueId x = convolution(b, b.input({1, 3, 4, 4}), 3, 6);
  b.output(b.node("MatMul", {x, b.input({4, 2})}));
  Passed run(b, {simplify, channels_last});
  EXPECT_EQ(count(run.graph, "Transpose"), 2);
  EXPECT_TRUE(run.missed("stays, read by"));
}

TEST(ChannelsLast, ComputedAxesKeepTheTranspose) {
  Builder b;
  const ValueId x = convolution(b, b.input({1, 3, 4, 4}), 3, 6);
  const ValueId axes = b.node("Concat", {b.vector({1})}, {{"axis", ints({0})}});
  const ValueId sliced = b.node("Slice", {x, b.vector({1}), b.vector({3}), axes});
  b.graph().value(sliced).dims = Dims{1, 2, 4, 4};
  b.output(sliced);
  Passed run(b, {channels_last});
  EXPECT_EQ(*run.graph.value(find(run.graph, "Slice")->inputs[0]).dims, (Dims{1, 6, 4, 4}));
}

TEST(ChannelsLast, OutputsOfTheGraphKeepTheirLayout) {
  Builder b;
  const ValueId x = convolution(b, b.input({1, 3, 4, 4}), 3, 6);
  b.output(x);
  b.output(convolution(b, b.node("Relu", {x}), 6, 2));
  Passed run(b, {simplify, channels_last});
  EXPECT_EQ(count(run.graph, "Transpose"), 3);
}

TEST(ChannelsLast, NamesSurviveWithTheirPermutation) {
  Builder b;
  const ValueId x = b.node("Relu", {convolution(b, b.input({1, 3, 4, 4}), 3, 6)});
  const std::string name = b.graph().value(x).onnx_name;
  b.output(convolution(b, x, 6, 2));
  Passed run(b, {simplify, channels_last});
  const Value& moved = run.graph.value(find(run.graph, "Relu")->outputs[0]);
  EXPECT_EQ(moved.onnx_name, name);
  EXPECT_EQ(moved.permutation, (std::vector<std::uint8_t>{0, 2, 3, 1}));
}

}  // namespace
}  // namespace lithe::passes
