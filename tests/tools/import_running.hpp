// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/detail/convert.hpp"
#include "tests/support/recorded_case.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"

/// Small ONNX models in text form, converted and run.
namespace lithe::test {

/// A tensor of any element type as the doubles that it holds.
inline std::vector<double> as_doubles(const TensorView& view) {
  std::vector<double> numbers(static_cast<std::size_t>(view.elements()));
  std::vector<double> buffer(ops::detail::chunk);
  for (index_t i = 0; i < view.elements(); ++i)
    numbers[static_cast<std::size_t>(i)] =
        view.dtype == DType::boolean ? static_cast<double>(view.as<bool>()[static_cast<std::size_t>(i)])
                                     : *ops::detail::load_doubles(view, i, 1, buffer.data());
  return numbers;
}

/// A constant of any element type that holds these numbers.
inline graph::ConstantPtr of_doubles(DType dtype, const Shape& shape, const std::vector<double>& numbers) {
  auto constant = std::make_shared<graph::Constant>();
  constant->dtype = dtype;
  constant->shape = shape;
  constant->bytes.resize(bytes(dtype, static_cast<std::uint64_t>(shape.elements())));
  const Tensor to(constant->bytes.data(), dtype, shape);
  for (index_t i = 0; i < shape.elements(); ++i) {
    const double v = numbers.at(static_cast<std::size_t>(i));
    if (dtype == DType::boolean) {
      constant->bytes[static_cast<std::size_t>(i)] = std::byte{v != 0};
    } else if (is_float(dtype)) {
      ops::detail::store(to, i, 1, &v);
    } else {
      const auto integer = static_cast<std::uint64_t>(static_cast<std::int64_t>(v));
      ops::detail::store(to, i, 1, &integer);
    }
  }
  return constant;
}

/// A model after all passes, with a session that may be run several times.
class RunningModel {
 public:
  RunningModel(const std::string& text, int opset, import::Options options = {})
      : RunningModel(serialized(text, opset), std::move(options)) {}
  /// Converts a serialized ONNX model.
  explicit RunningModel(const std::string& onnx, import::Options options = {}) {
    options.check = false;
    conversion_ = import::convert(std::as_bytes(std::span(onnx)), "test.onnx", options);
    auto model = Model::open(aligned_copy(conversion_.bytes));
    EXPECT_TRUE(model.ok()) << model.status().text();
    model_ = std::make_unique<Model>(std::move(*model));
    SessionOptions session_options = machine_options();
    session_options.kernels = all_kernels();
    session_options.growable = true;
    auto session = Session::create(*model_, session_options);
    EXPECT_TRUE(session.ok()) << session.status().text();
    session_ = std::make_unique<Session>(std::move(*session));
  }
  const std::vector<std::string>& notes() const { return conversion_.notes; }
  const std::map<std::string, std::string>& metadata() const { return conversion_.model.metadata; }
  Session& session() { return *session_; }
  /// The inputs' types and dims, which a session knows only while it is planned.
  std::vector<graph::Value> inputs() const {
    const graph::Graph& main = conversion_.model.graphs[0];
    std::vector<graph::Value> all;
    for (const graph::ValueId id : main.inputs) all.push_back(main.value(id));
    return all;
  }

  /// All outputs as doubles.
  std::vector<std::vector<double>> run(const Tensors& inputs) {
    const Status fed = feed(*session_, inputs);
    EXPECT_TRUE(fed.ok()) << fed.text();
    const Status status = session_->run();
    EXPECT_TRUE(status.ok()) << status.text();
    std::vector<std::vector<double>> outputs;
    for (int o = 0; o < session_->outputs(); ++o) {
      TensorView view = session_->output(o);
      view.quantization = nullptr;
      outputs.push_back(as_doubles(view));
    }
    return outputs;
  }

 private:
  import::Conversion conversion_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Session> session_;
};

}  // namespace lithe::test
