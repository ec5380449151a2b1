// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "lithe/core/kernel.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// A subgraph made of two functions.
struct TestSubgraph {
  std::function<Status(std::span<const InferContext::Input>, std::span<InferContext::Output>)> infer;
  std::function<std::vector<StoredTensor>(std::span<const TensorView>)> run;
};

/// Stands in for the session where an operator runs subgraphs.
class TestSubgraphs final : public SubgraphInference, public RunServices {
 public:
  explicit TestSubgraphs(std::vector<TestSubgraph> subgraphs) : subgraphs_(std::move(subgraphs)) {}

  Status infer(int subgraph, std::span<const InferContext::Input> inputs,
               std::span<InferContext::Output> outputs) override {
    return subgraphs_.at(static_cast<std::size_t>(subgraph)).infer(inputs, outputs);
  }
  Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) override {
    results_ = subgraphs_.at(static_cast<std::size_t>(subgraph)).run(inputs);
    if (results_.size() != outputs.size()) return {Code::invalid_model, "another number of outputs"};
    for (std::size_t o = 0; o < outputs.size(); ++o)
      outputs[o] = TensorView(results_[o].bytes.data(), results_[o].dtype, results_[o].shape);
    ++calls_;
    return {};
  }
  /// Within what infer announced.
  Status resize_output(int, const Shape& shape, Tensor& tensor, Contents) override {
    std::uint64_t bytes = 0;
    if (!shape.checked_bytes(tensor.dtype, tensor.bytes(), bytes))
      return {Code::out_of_memory, "larger than announced"};
    tensor.shape = shape;
    tensor.pitch = shape.back();
    return {};
  }
  Status scratch(int, std::size_t, std::span<std::byte>&) override {
    return {Code::unsupported, "no scratch memory in this test"};
  }
  bool stopped() const override { return false; }
  std::uint64_t max_iterations() const override { return 1000; }
  int calls() const { return calls_; }

 private:
  std::vector<TestSubgraph> subgraphs_;
  std::vector<StoredTensor> results_;
  int calls_ = 0;
};

}  // namespace lithe::test
