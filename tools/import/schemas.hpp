// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnx/defs/schema.h>

namespace lithe::import {

/// ONNX's schemas for shape inference, without what reads beyond its arrays for models that the checker lets
/// through (onnx 1.22: Einsum whose ellipses have different widths, or whose output names a new letter).
const onnx::ISchemaRegistry& schemas();

}  // namespace lithe::import
