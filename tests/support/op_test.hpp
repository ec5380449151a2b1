// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "lithe/core/kernel.hpp"
#include "tests/support/op_input.hpp"
#include "tests/support/op_run.hpp"
#include "tests/support/print.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// How `matches` takes s8 and u8 tensors. automatic: as quantized if the operator rounds and an output of the
/// row is s8 or u8 too, else as plain integers.
enum class Quantized { automatic, always, never };

struct MatchOptions {
  int outputs = -1;      ///< how many; default: all that the operator names
  double tolerance = 0;  ///< relative to the reference's range; 0: from the operator's accuracy and the dtype
  int steps = 1;         ///< how far a quantized output may be off
  bool bit_exact = false;  ///< every kernel gives the same bits as the first
  Quantized quantized = Quantized::automatic;
  bool same_quantization = false;  ///< the outputs are quantized like input 0 (pooling)
  std::optional<std::pair<float, std::int32_t>>
      output_quantization{};            ///< instead of one that suits the reference
  std::vector<Types> rows{};            ///< instead of the expanded type rows; each must fit one of them
  bool strips = true, in_place = true;  ///< where the operator can
  bool computed = true;                 ///< constants are computed inputs too, where the kernel is portable
};

/// What the machine lends: by default no CPU features and the calling thread alone, which portable kernels
/// want.
struct Platform {
  Cpu cpu{};
  std::vector<ThreadPool> pools{ThreadPool{}};
};

/// What OpTest does whatever the operator: compiled once.
class AnyOpTest {
 public:
  struct Refusal {
    std::vector<Input> inputs;
    Code code;
  };

  /// Infers with the first type row that fits the inputs' dtypes; comparable with the Shape of output 0.
  InferResult infer(const std::vector<Input>& inputs, int outputs = -1) const;
  /// The same with dtypes beyond what `any` is expanded to, or an output dtype that the file declares.
  InferResult infer(const std::vector<Input>& inputs, const Types& types) const;
  void refuses(const std::vector<Refusal>& table) const;
  /// What a kernel's run says about contents that infer cannot see.
  Code run_code(const std::vector<Input>& inputs, int outputs = -1) const;

 protected:
  using Reference = std::function<std::vector<ReferenceTensor>(const std::vector<ReferenceTensor>&)>;

  AnyOpTest(const OperatorEntry& op, std::shared_ptr<const void> attributes,
            std::vector<StoredAttribute> stored_attributes);

  void matches(const Reference& reference, const std::vector<Input>& inputs,
               const MatchOptions& options) const;

  struct Tested {
    const KernelEntry* entry;
    std::vector<DType> dtypes;
  };
  std::shared_ptr<const void> attributes_;
  std::vector<Tested> kernels_;
  Platform platform_;
  std::uint64_t max_bytes_ = default_max_bytes;
  SubgraphInference* subgraphs_ = nullptr;
  RunServices* services_ = nullptr;

 private:
  int output_count(int asked) const { return asked >= 0 ? asked : op_.spec->outputs.size(); }
  bool legal(const Types& types) const;
  bool quantize(const Types& types, Quantized mode) const;
  Case make_case(const std::vector<Input>& inputs, const Types& types, Quantized mode) const;
  void match_row(const Reference& reference, const std::vector<Input>& inputs, const Types& types,
                 const MatchOptions& options) const;
  std::vector<Variation> variations(const Case& c, const InferResult& inferred, const KernelEntry& entry,
                                    const MatchOptions& options) const;
  void compare(const StoredTensor& actual, const ReferenceTensor& wanted, DType dtype,
               const MatchOptions& options) const;

  const OperatorEntry& op_;
  std::vector<StoredAttribute> stored_attributes_;
};

/// Tests of one operator: shapes, refusals, and values of every kernel in every way a session would run it.
///   OpTest<ops::Conv2D> op{{.strides = {2, 2}}};
///   EXPECT_EQ(op.infer({{1, 224, 224, 3}, {32, 3, 3, 3}}), (Shape{1, 112, 112, 32}));
///   op.matches(reference_conv2d, {{1, 9, 7, 3}, {5, 3, 3, 3}, {5}});
/// A reference takes ([const Attributes&,] const std::vector<ReferenceTensor>&) and returns a ReferenceTensor
/// or a vector of them.
template <Operator Op>
class OpTest : public AnyOpTest {
 public:
  using Attributes = typename Op::Attributes;

  explicit OpTest(const Attributes& attributes = {})
      : AnyOpTest(operator_entry<Op>, std::make_shared<const Attributes>(attributes), stored(attributes)) {}

  /// Tests these kernels instead of the portable one.
  template <class... Kernels>
  OpTest& kernels() {
    kernels_.clear();
    (kernel<Kernels>(), ...);
    return *this;
  }
  /// Tests one more kernel; it must support the rows whose first input has one of these dtypes (empty: all
  /// rows) and refuse the others.
  template <class Kernel>
  OpTest& kernel(std::vector<DType> dtypes = {}) {
    static constexpr KernelEntry entry = lithe::detail::make_kernel<Kernel>();
    return kernel(entry, std::move(dtypes));
  }
  OpTest& kernel(const KernelEntry& entry, std::vector<DType> dtypes = {}) {
    kernels_.push_back({&entry, std::move(dtypes)});
    return *this;
  }
  OpTest& on(const Platform& platform) {
    platform_ = platform;
    return *this;
  }
  OpTest& limit(std::uint64_t max_bytes) {
    max_bytes_ = max_bytes;
    return *this;
  }
  OpTest& subgraphs(SubgraphInference* inference, RunServices* services) {
    subgraphs_ = inference;
    services_ = services;
    return *this;
  }

  /// Every type row, every kernel, every thread pool; whole, without slack, in place, strided and in strips.
  template <class Reference>
  void matches(Reference reference, const std::vector<Input>& inputs,
               const MatchOptions& options = {}) const {
    AnyOpTest::matches(
        [&](const std::vector<ReferenceTensor>& in) -> std::vector<ReferenceTensor> {
          const auto call = [&] {
            if constexpr (std::is_invocable_v<Reference&, const Attributes&, decltype(in)>)
              return reference(*static_cast<const Attributes*>(attributes_.get()), in);
            else
              return reference(in);
          };
          if constexpr (std::is_same_v<decltype(call()), ReferenceTensor>)
            return {call()};
          else
            return call();
        },
        inputs, options);
  }

 private:
  static std::vector<StoredAttribute> stored(const Attributes& attributes) {
    std::vector<StoredAttribute> result;
    AttributeStore store{result};
    write_attributes(attributes, store);
    return result;
  }
};

}  // namespace lithe::test
