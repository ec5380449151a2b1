// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/portable_kernel.hpp"

namespace lithe::test {

/// The portable kernel on floats as reference for another kernel; tests/ops checks it against references of
/// its own.
template <Operator Op>
ReferenceTensor portable_in_float(const typename Op::Attributes& attributes,
                                  const std::vector<ReferenceTensor>& inputs) {
  Case c;
  c.op = &operator_entry<Op>;
  c.attributes = &attributes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // Inputs that are integers in every row decide shapes.
    const DType declared = Op::types[0].inputs[static_cast<int>(i)];
    c.inputs.push_back(inputs[i].empty() && inputs[i].shape.rank() == 0
                           ? StoredTensor()
                           : StoredTensor(is_integer(declared) ? declared : DType::f32, inputs[i]));
    c.known.push_back(is_integer(declared));
    c.constant.push_back(false);
  }
  c.output_dtypes = {DType::f32};
  c.output_quantization = {{}};
  const InferResult inferred = infer_case(c);
  if (!inferred.status.ok()) throw std::runtime_error(inferred.status.text());
  Variation how;
  how.slack = false;
  RunResult result = NodeRun(c, portable_kernel<Op>(), Cpu{}, inferred, how).run();
  if (!result.status.ok()) throw std::runtime_error(result.status.text());
  return result.outputs[0].reference();
}

inline std::vector<DType> native(std::vector<DType> dtypes) {
  if (!cpu().f16_arithmetic) std::erase(dtypes, DType::f16);
  return dtypes;
}

/// The kernel runs the rows whose first input has one of `dtypes` (f16 where the processor has it), with one
/// thread and with two, and agrees with a reference and the portable kernel; `bit_exact` compares the bytes
/// of both kernels.
template <class Kernel, class Reference>
void agrees_with(Reference reference, const typename Kernel::Op::Attributes& attributes,
                 const std::vector<Input>& inputs, const std::vector<DType>& dtypes,
                 MatchOptions options = {}) {
  using Op = typename Kernel::Op;
  static const Threads two(2);
  OpTest<Op> op{attributes};
  op.on({cpu(), {ThreadPool{}, two.pool()}}).template kernel<Kernel>();
  const std::vector<Types> rows = options.rows.empty() ? concrete_rows(Op::types, inputs, 1) : options.rows;
  for (const DType dtype : native(dtypes)) {
    MatchOptions one = options;
    one.rows = rows;
    std::erase_if(one.rows, [&](const Types& row) { return row.inputs.at(0) != dtype; });
    // XNNPACK sums in f16 where the processor does.
    if (dtype == DType::f16 && Op::spec.accuracy == Accuracy::rounding) one.tolerance = 1e-2;
    op.matches(reference, inputs, one);
  }
}
template <class Kernel>
void agrees(const typename Kernel::Op::Attributes& attributes, const std::vector<Input>& inputs,
            const std::vector<DType>& dtypes, const MatchOptions& options = {}) {
  agrees_with<Kernel>(portable_in_float<typename Kernel::Op>, attributes, inputs, dtypes, options);
}

/// Whether the kernel would take a node with these values on a processor with f16 arithmetic.
template <class Kernel>
bool supports(const typename Kernel::Op::Attributes& attributes, std::vector<ValueInfo> inputs,
              const ValueInfo& output) {
  Cpu with_f16;
  with_f16.neon = with_f16.f16_arithmetic = true;
  const ValueInfo outputs[] = {output};
  return Kernel::supports(attributes, NodeInfo{inputs, outputs, &with_f16});
}

}  // namespace lithe::test
