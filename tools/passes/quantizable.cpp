// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/quantizable.hpp"

#include "tools/passes/node.hpp"

namespace lithe::passes {

int quantizable_inputs(const Node& node) {
  if (is_any(node, {"Add", "Sub", "Mul", "Max", "Min", "PRelu"})) return 2;
  if (is_any(node, {"AveragePool2D", "MaxPool2D", "ReduceMax", "ReduceMean", "ReduceMin", "Softmax",
                    "Clip",          "Relu",      "LeakyRelu", "Sigmoid",    "Tanh",      "HardSwish",
                    "HardSigmoid",   "Elu",       "Exp",       "Sqrt",       "Neg",       "Abs",
                    "Gelu",          "Softplus",  "Erf",       "Resize"}))
    return 1;
  return 0;
}

}  // namespace lithe::passes
