// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lithe::import {

/// What ONNX's schema of an operator says in other operators, for one node of it.
struct FunctionBody {
  onnx::GraphProto graph;             ///< reads the node's inputs by their names; its outputs are those that
                                      ///< the node names
  std::map<std::string, int> opsets;  ///< that its nodes are written in, by domain; "" is ai.onnx
};

/// `opset` is that of the node's domain, `onnx_opset` that of ai.onnx; `types` has one for each of its inputs, empty
/// where it is not known or the input is absent. nullopt: the operator is no function, or not one for these types.
std::optional<FunctionBody> function_body(const onnx::NodeProto& node, int opset, int onnx_opset,
                                          const std::vector<onnx::TypeProto>& types);

}  // namespace lithe::import
