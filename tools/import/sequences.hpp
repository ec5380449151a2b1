// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace onnx {
class ModelProto;
}

namespace lithe::import {

/// Replaces sequences of tensors where they are lists that the file tells: made of named tensors, or split into parts whose
/// number is known, then indexed by constants, or joined; and lists that begin empty and to which each pass of a Loop appends
/// one tensor, which are what Loop calls scan outputs. Other sequences stay, and are refused by the name of their operator.
void replace_sequences(onnx::ModelProto& model);

}  // namespace lithe::import
