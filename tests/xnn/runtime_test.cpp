// SPDX-License-Identifier: Apache-2.0
#include "lithe/xnn/runtime.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/xnn/all.hpp"

namespace lithe::test {
namespace {

/// While it lives, this thread's XNNPACK allocations come from `heap`.
class HeapScope {
 public:
  explicit HeapScope(OperatorHeap* heap) : previous_(xnn::heap_hooks.enter(heap)) {}
  HeapScope(const HeapScope&) = delete;
  HeapScope& operator=(const HeapScope&) = delete;
  ~HeapScope() { xnn::heap_hooks.leave(previous_); }

 private:
  OperatorHeap* previous_;
};

/// One float convolution node, driven by hand: kernel, constants, shapes; the output is `scale` times as high
/// and wide as the input.
template <class Kernel, index_t scale, index_t width = 8>
struct BasicNode {
  static constexpr index_t channels = width;

  explicit BasicNode(index_t size, std::int32_t buffer = 3)
      : filter(9 * channels * channels + 16), bias(channels + 16) {
    for (std::size_t i = 0; i < filter.size(); ++i) filter[i] = static_cast<float>(i % 11) - 5;
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
    inputs[0] = {DType::f32, shape(size)};
    inputs[1] = {DType::f32, {channels, 3, 3, channels}, filter.data(), nullptr, buffer};
    inputs[2] = {DType::f32, {channels}, bias.data(), nullptr, buffer < 0 ? -1 : buffer + 1};
    outputs[0] = {DType::f32, shape(scale * size)};
  }
  static Shape shape(index_t size) { return {1, size, size, channels}; }
  NodeInfo info() const { return {inputs, outputs, &processor}; }

  Status create(PackedWeights* weights = nullptr) {
    CreateContext context;
    context.node = info();
    context.packed_weights = weights;
    context.model_id = {1, 2};
    return kernel.create(attributes, context);
  }
  Status reshape(index_t size) {
    const TensorView in(nullptr, DType::f32, shape(size)), out(nullptr, DType::f32, shape(scale * size));
    ReshapeContext context;
    context.node = info();
    context.inputs = {&in, 1};
    context.outputs = {&out, 1};
    LITHE_TRY(kernel.reshape(attributes, context));
    workspace.resize(context.workspace_bytes);
    return {};
  }
  Status run(index_t size, std::vector<float>& result) {
    std::vector<float> x(static_cast<std::size_t>(shape(size).elements()) + 16);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
    result.assign(static_cast<std::size_t>(shape(scale * size).elements()) + 16, 0);
    const TensorView in[] = {{x.data(), DType::f32, shape(size)},
                             {nullptr, DType::f32, inputs[1].shape},
                             {nullptr, DType::f32, inputs[2].shape}};
    Tensor out[] = {{result.data(), DType::f32, shape(scale * size)}};
    RunContext context(in, out, workspace, nullptr);
    const std::uint64_t before = xnn::allocations();
    const Status status = kernel.run(attributes, context);
    if (!others_allocate) {
      EXPECT_EQ(xnn::allocations(), before) << "run allocated";
    }
    return status;
  }

  typename Kernel::Op::Attributes attributes{.strides = {scale, scale}, .pads = {1, 1, 2 - scale, 2 - scale}};
  std::vector<float> filter, bias;
  ValueInfo inputs[3], outputs[1];
  Cpu processor = cpu();
  std::vector<std::byte> workspace;
  bool others_allocate = false;  ///< other threads do, and the count is the process's
  Kernel kernel;
};
using Node = BasicNode<xnn::Conv2D, 1>;
/// Three slices of output channels on a processor with a small L2 cache.
struct Sliced : BasicNode<xnn::Conv2D, 1, 192> {
  explicit Sliced(index_t size) : BasicNode(size) { processor.l2_bytes = 256 * 1024; }
};

/// What the portable kernel makes of the node's constants and run()'s input.
template <class AnyNode>
void portable_answer(const AnyNode& node, index_t size, std::vector<float>& result) {
  AnyNode other(size);
  std::vector<float> x(static_cast<std::size_t>(other.shape(size).elements()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
  const Shape& shape = other.outputs[0].shape;
  result.assign(static_cast<std::size_t>(shape.elements()) + 16, 0);
  const TensorView in[] = {{x.data(), DType::f32, other.shape(size)},
                           {node.filter.data(), DType::f32, node.inputs[1].shape},
                           {node.bias.data(), DType::f32, node.inputs[2].shape}};
  Tensor out[] = {{result.data(), DType::f32, shape}};
  RunContext context(in, out, {}, nullptr);
  using Op = typename decltype(other.kernel)::Op;
  EXPECT_TRUE(portable::Kernel<Op>::run(node.attributes, context).ok());
}

struct Arena {
  explicit Arena(std::size_t size) : memory(size) {}
  std::vector<std::byte> memory;
  OperatorHeap heap{memory};
};

TEST(XnnRuntime, TheHeapIsOurs) {
  ASSERT_TRUE(xnn::initialize().ok());
  EXPECT_TRUE(xnn::heap_is_ours());
}

TEST(XnnRuntime, CreateAndReshapeAllocateFromTheHeap) {
  Arena arena(1 << 20);
  {
    Node node(16);
    {
      const HeapScope scope(&arena.heap);
      ASSERT_TRUE(node.create().ok());
      ASSERT_TRUE(node.reshape(16).ok());
    }
    EXPECT_GT(arena.heap.used(), 9u * 8 * 8 * 4 + 16 * 16 * 9 * sizeof(void*))
        << "filter and indirection buffer";
    std::vector<float> y;
    EXPECT_TRUE(node.run(16, y).ok());
  }
  EXPECT_EQ(arena.heap.used(), 0u) << "deleted outside of the scope, given back to the heap all the same";
}

TEST(XnnRuntime, TheHooksAreAScope) {
  Arena arena(1 << 20);
  ASSERT_TRUE(xnn::heap_hooks.start().ok());
  OperatorHeap* previous = xnn::heap_hooks.enter(&arena.heap);
  EXPECT_EQ(previous, nullptr);
  void* a = xnn::detail::allocate(nullptr, 100);
  xnn::heap_hooks.leave(previous);
  void* b = xnn::detail::allocate(nullptr, 100);
  EXPECT_TRUE(arena.heap.contains(a));
  EXPECT_FALSE(arena.heap.contains(b));
  b = xnn::detail::reallocate(nullptr, b, 5000);
  a = xnn::detail::reallocate(nullptr, a, 5000);
  EXPECT_TRUE(arena.heap.contains(a)) << "a block stays with its owner";
  std::memset(b, 1, 5000);
  xnn::detail::deallocate(nullptr, a);
  xnn::detail::deallocate(nullptr, b);
  EXPECT_EQ(arena.heap.used(), 0u);
}

TEST(XnnRuntime, SmallerAndBackInASealedHeap) {
  Arena arena(1 << 20);
  Node node(24);
  const HeapScope scope(&arena.heap);
  ASSERT_TRUE(node.create().ok());
  ASSERT_TRUE(node.reshape(24).ok());
  std::vector<float> first, y;
  ASSERT_TRUE(node.run(24, first).ok());
  arena.heap.seal();
  const std::size_t used = arena.heap.used();
  for (index_t size : {3, 17, 1, 24, 9, 24}) {
    ASSERT_TRUE(node.reshape(size).ok()) << size;
    ASSERT_TRUE(node.run(size, y).ok());
    EXPECT_EQ(arena.heap.used(), used);
  }
  EXPECT_EQ(y, first);
  EXPECT_EQ(node.reshape(48).code(), Code::out_of_memory) << "beyond the plan";
}

TEST(XnnRuntime, SlicesSmallerAndBackInASealedHeap) {
  Arena arena(4 << 20);
  const HeapScope scope(&arena.heap);
  Sliced node(12);
  std::vector<float> y, wanted;
  ASSERT_TRUE(node.create().ok() && node.reshape(12).ok());
  arena.heap.seal();
  const std::size_t used = arena.heap.used();
  for (index_t size : {12, 3, 7, 1, 12, 9, 12}) {
    ASSERT_TRUE(node.reshape(size).ok()) << size;
    ASSERT_TRUE(node.run(size, y).ok());
    portable_answer(node, size, wanted);
    EXPECT_EQ(y, wanted) << size;  // small integers: exact in any order
    EXPECT_EQ(arena.heap.used(), used);
  }
}

TEST(XnnRuntime, TransposedConvolutionsSmallerAndBack) {
  Arena arena(1 << 20);
  const HeapScope scope(&arena.heap);
  BasicNode<xnn::ConvTranspose2D, 2> node(24);
  std::vector<float> y, wanted;
  ASSERT_TRUE(node.create().ok() && node.reshape(24).ok());
  arena.heap.seal();
  for (index_t size : {24, 3, 17, 1, 24, 9, 24}) {
    ASSERT_TRUE(node.reshape(size).ok()) << size;
    ASSERT_TRUE(node.run(size, y).ok());
    portable_answer(node, size, wanted);
    EXPECT_EQ(y, wanted) << size;  // small integers: exact in any order
  }
}

TEST(XnnRuntime, PoolsReshapeInASealedHeap) {
  Arena arena(1 << 20);
  const HeapScope scope(&arena.heap);
  const auto reshape = [](auto& kernel, const auto& attributes, index_t size, index_t out) {
    const ValueInfo inputs[] = {{DType::f32, {1, size, size, 16}}},
                    outputs[] = {{DType::f32, {1, out, out, 16}}};
    const TensorView in(nullptr, DType::f32, {1, size, size, 16}),
        result(nullptr, DType::f32, {1, out, out, 16});
    ReshapeContext context;
    context.node = {inputs, outputs, &cpu()};
    context.inputs = {&in, 1};
    context.outputs = {&result, 1};
    return kernel.reshape(attributes, context);
  };
  xnn::AveragePool2D average;
  xnn::MaxPool2D max;
  const ops::AveragePool2D::Attributes a{.kernel = {3, 3}, .pads = {1, 1, 1, 1}};
  const ops::MaxPool2D::Attributes m{.kernel = {3, 3}, .pads = {1, 1, 1, 1}};
  ASSERT_TRUE(xnn::initialize().ok());
  ASSERT_TRUE(reshape(average, a, 20, 20).ok() && reshape(max, m, 20, 20).ok());
  arena.heap.seal();
  for (index_t size : {5, 19, 2, 20, 7, 20}) {
    EXPECT_TRUE(reshape(average, a, size, size).ok()) << size;
    EXPECT_TRUE(reshape(max, m, size, size).ok()) << size;
  }
}

TEST(XnnRuntime, AFullHeapIsAStatus) {
  for (std::size_t bytes = 512; bytes < 50000; bytes += 64) {
    Arena arena(bytes);
    Node node(16);
    const HeapScope scope(&arena.heap);
    Status status = node.create();
    if (status.ok()) status = node.reshape(16);
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), Code::out_of_memory) << bytes << ": " << status.text();
  }
}

TEST(XnnPacking, OneKeyOneEntry) {
  PackedWeights weights;
  Node a(8), b(12), alone(8);
  ASSERT_TRUE(a.create(&weights).ok() && b.create(&weights).ok() && alone.create().ok());
  EXPECT_EQ(weights.entries(), 1u);
  EXPECT_GE(weights.bytes(), 9u * 8 * 8 * 4);
  // What is packed is not read again.
  std::fill(a.filter.begin(), a.filter.end(), std::numeric_limits<float>::quiet_NaN());
  std::fill(b.filter.begin(), b.filter.end(), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> from_a, from_b, own;
  ASSERT_TRUE(a.reshape(8).ok() && a.run(8, from_a).ok());
  ASSERT_TRUE(b.reshape(8).ok() && b.run(8, from_b).ok());
  ASSERT_TRUE(alone.reshape(8).ok() && alone.run(8, own).ok());
  EXPECT_EQ(from_a, own);
  EXPECT_EQ(from_b, own);
}

TEST(XnnPacking, SlicesShareThePackingOfTheWhole) {
  PackedWeights weights;
  Sliced a(5), b(5), whole(5);
  whole.processor.l2_bytes = 1 << 30;
  ASSERT_TRUE(a.create(&weights).ok() && b.create(&weights).ok() && whole.create(&weights).ok());
  EXPECT_EQ(weights.entries(), 1u);
  std::vector<float> from_a, from_b, from_whole;
  ASSERT_TRUE(a.reshape(5).ok() && a.run(5, from_a).ok());
  ASSERT_TRUE(b.reshape(5).ok() && b.run(5, from_b).ok());
  ASSERT_TRUE(whole.reshape(5).ok() && whole.run(5, from_whole).ok());
  EXPECT_EQ(from_a, from_whole);
  EXPECT_EQ(from_b, from_whole);
}

TEST(XnnPacking, OtherBuffersAndNone) {
  PackedWeights weights;
  Node a(8, 3), b(8, 7), none(8, -1);
  ASSERT_TRUE(a.create(&weights).ok() && b.create(&weights).ok() && none.create(&weights).ok());
  EXPECT_EQ(weights.entries(), 2u) << "a constant without a number is not shared";
}

/// A depthwise s8 node: XNNPACK packs its filter again for every operator, without asking the cache.
struct Bytes {
  explicit Bytes(float filter_scale, std::int8_t zero = 3)
      : scales{0.05f, filter_scale, 0.1f}, zeros{zero, 0, -4} {
    for (int i = 0; i < 3; ++i)
      q[i] = {.scale = &scales[i], .zero_point = &zeros[i], .count = 1, .zero_point_dtype = DType::s8};
    for (std::size_t i = 0; i < filter.size(); ++i) filter[i] = static_cast<std::int8_t>(i % 23) - 11;
    inputs[0] = {DType::s8, {1, 9, 9, 16}, nullptr, &q[0]};
    inputs[1] = {DType::s8, {3, 3, 16, 1}, filter.data(), &q[1], 5};
    outputs[0] = {DType::s8, {1, 9, 9, 16}, nullptr, &q[2]};
  }
  NodeInfo info() const { return {inputs, outputs, &cpu()}; }
  Status create(PackedWeights* weights) {
    CreateContext context;
    context.node = info();
    context.packed_weights = weights;
    return kernel.create(attributes, context);
  }
  /// The middle row as a strip in `slot`, or everything.
  Status run(std::vector<std::int8_t>& y, const Strip* strip = nullptr, int slot = 0) {
    const Shape shape{1, strip == nullptr ? 9 : 3, 9, 16}, out_shape{1, strip == nullptr ? 9 : 1, 9, 16};
    std::vector<std::int8_t> x(9 * 9 * 16 + 32);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int8_t>(i % 200);
    y.assign(9 * 9 * 16 + 32, 0);
    const TensorView in[] = {{x.data() + (strip == nullptr ? 0 : 3 * 9 * 16), DType::s8, shape, &q[0]},
                             {nullptr, DType::s8, inputs[1].shape}};
    Tensor out[] = {{y.data(), DType::s8, out_shape, &q[2]}};
    const TensorView out_view = out[0];
    ReshapeContext context;
    context.node = info();
    context.inputs = in;
    context.outputs = {&out_view, 1};
    context.strip = strip;
    context.slot = slot;
    LITHE_TRY(kernel.reshape(attributes, context));
    RunContext run(in, out, {}, nullptr, nullptr, strip, slot);
    return kernel.run(attributes, run);
  }

  ops::DepthwiseConv2D::Attributes attributes{.pads = {1, 1, 1, 1}};
  float scales[3];
  std::int8_t zeros[3];
  Quantization q[3];
  std::vector<std::int8_t> filter = std::vector<std::int8_t>(144 + 16);
  ValueInfo inputs[2], outputs[1];
  xnn::DepthwiseConv2D kernel;
};

TEST(XnnPacking, OtherScalesOrZeroPointsAreNotShared) {
  PackedWeights weights;
  Bytes a(0.02f), b(0.03f), c(0.02f, 9), same(0.02f), alone(0.03f);
  ASSERT_TRUE(a.create(&weights).ok() && b.create(&weights).ok() && c.create(&weights).ok() &&
              same.create(&weights).ok() && alone.create(nullptr).ok());
  EXPECT_EQ(weights.entries(), 3u);
  std::vector<std::int8_t> ya, yb, ysame, yalone;
  ASSERT_TRUE(a.run(ya).ok() && b.run(yb).ok() && same.run(ysame).ok() && alone.run(yalone).ok());
  EXPECT_NE(ya, yb);
  EXPECT_EQ(ya, ysame);
  EXPECT_EQ(yb, yalone);
}

TEST(XnnPacking, LaterOperatorsNeedNoFilter) {
  Bytes node(0.02f);
  ASSERT_TRUE(node.create(nullptr).ok());
  std::vector<std::int8_t> whole, row;
  ASSERT_TRUE(node.run(whole).ok());
  std::fill(node.filter.begin(), node.filter.end(), std::int8_t{77});
  node.inputs[1].data = nullptr;
  const Strip strip{4, 1, 0, 0};
  ASSERT_TRUE(node.run(row, &strip, 1).ok());
  EXPECT_TRUE(std::equal(row.begin(), row.begin() + 9 * 16, whole.begin() + 4 * 9 * 16));
}

TEST(XnnPacking, TwoThreadsAtOnce) {
  PackedWeights weights;
  std::vector<float> results[2];
  const auto work = [&](int t) {
    for (int i = 0; i < 20; ++i) {
      Node node(8, 2 * i);
      node.others_allocate = true;
      ASSERT_TRUE(node.create(&weights).ok());
      ASSERT_TRUE(node.reshape(8).ok());
      ASSERT_TRUE(node.run(8, results[t]).ok());
    }
  };
  ASSERT_TRUE(xnn::initialize().ok());
  std::thread other([&] {
    // The other thread's heap is its own.
    Arena arena(1 << 20);
    const HeapScope scope(&arena.heap);
    work(1);
  });
  work(0);
  other.join();
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(weights.entries(), 20u);
}

}  // namespace
}  // namespace lithe::test
