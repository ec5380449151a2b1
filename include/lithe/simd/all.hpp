// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/simd/add.hpp"
#include "lithe/simd/attention.hpp"
#include "lithe/simd/average_pool2d.hpp"
#include "lithe/simd/depthwise_conv2d.hpp"
#include "lithe/simd/fully_connected.hpp"
#include "lithe/simd/group_normalization.hpp"
#include "lithe/simd/gru.hpp"
#include "lithe/simd/large_depthwise_conv2d.hpp"
#include "lithe/simd/layer_normalization.hpp"
#include "lithe/simd/lookup_table.hpp"
#include "lithe/simd/lstm.hpp"
#include "lithe/simd/max_pool2d.hpp"
#include "lithe/simd/pointwise_depthwise_conv2d.hpp"
#include "lithe/simd/quantized_depthwise_conv2d.hpp"
#include "lithe/simd/rnn.hpp"
#include "lithe/simd/softmax.hpp"
#include "lithe/simd/transpose.hpp"
#include "lithe/simd/unary.hpp"

namespace lithe::inline v0::simd {

/// Every vector kernel of ours, where it is faster than what comes after it.
// clang-format off
using all = KernelList<
    Add,
    Attention,
    AveragePool2D,
    FasterDepthwiseConv2D,
    FasterFullyConnected,
    FasterLargeDepthwiseConv2D,
    FasterQuantizedDepthwiseConv2D,
    GroupNormalization,
    GRU,
    LayerNormalization,
    LookupTable,
    LSTM,
    MaxPool2D,
    PointwiseDepthwiseConv2D,
    RNN,
    Softmax,
    Transpose,
    Unary>;
// clang-format on

}  // namespace lithe::inline v0::simd
