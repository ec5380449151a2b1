// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/passes/rewriter.hpp"

/// Constants as they are stored: bare, or through a DequantizeLinear.
namespace lithe::passes {

/// Whether `v` is made by a DequantizeLinear of constants only.
bool is_dequantized_constant(Rewriter& rewriter, ValueId v);
/// The stored elements of a constant or of a dequantized constant (per tensor or per axis, not by block);
/// else null.
ConstantPtr stored_constant(Rewriter& rewriter, ValueId v);
/// The axis of the scales if `v` is a dequantized constant with one scale for each index of an axis, else -1.
int stored_axis(Rewriter& rewriter, ValueId v);
/// `v` with other stored elements: a constant, or a DequantizeLinear of one whose scales lie along `axis`.
ValueId with_stored(Rewriter& rewriter, ValueId v, ConstantPtr elements, int axis, int near);
/// `v` as a vector [n] if it holds one number for each index of the last of `rank` axes, or one for all; else
/// absent.
ValueId as_channel_vector(Rewriter& rewriter, ValueId v, int rank, index_t n, int near);

}  // namespace lithe::passes
