// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace onnx {
class ModelProto;
class NodeProto;
}  // namespace onnx

/// Where a node comes from, for messages: kept in its metadata, which ONNX's library copies with it.
namespace lithe::import {

/// Keeps in each node of the model's functions which function it belongs to, before they are inlined.
void note_functions(onnx::ModelProto& model);

/// Keeps in a node that stands for another one what that one was.
void note_expanded(onnx::NodeProto& node, const onnx::NodeProto& original);

/// The operator that a node stands for, as "domain::Operator"; empty: its own.
std::string expanded_operator(const onnx::NodeProto& node);

/// "in function D::F", "in module layer1.0.conv", or both; empty where the file says neither.
std::string origin_text(const onnx::NodeProto& node);

}  // namespace lithe::import
