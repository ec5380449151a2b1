// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace lithe::import {

struct Problem;

/// Moves the nodes of ONNX's own domains whose operator does not exist in the model's opset into a domain that
/// ONNX's checker knows nothing of: the checker stops at the first one, the import names all.
void set_unknown_operators_apart(onnx::ModelProto& model);

/// Whether a node's domain says that it was set apart.
bool is_set_apart(const std::string& domain);

/// The domain that the file gives a node.
std::string given_domain(const std::string& domain);

/// Says of a node's operator that ONNX has none of this name in this opset, and since or until when it has one.
void explain_unknown_operator(Problem& problem);

}  // namespace lithe::import
