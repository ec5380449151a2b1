// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/xnn/average_pool2d.hpp"
#include "lithe/xnn/binary.hpp"
#include "lithe/xnn/cast.hpp"
#include "lithe/xnn/channel_shuffle.hpp"
#include "lithe/xnn/clip.hpp"
#include "lithe/xnn/conv2d.hpp"
#include "lithe/xnn/conv_transpose2d.hpp"
#include "lithe/xnn/depthwise_conv2d.hpp"
#include "lithe/xnn/dequantize_linear.hpp"
#include "lithe/xnn/dynamic_fully_connected.hpp"
#include "lithe/xnn/dynamic_quantize.hpp"
#include "lithe/xnn/fully_connected.hpp"
#include "lithe/xnn/matmul.hpp"
#include "lithe/xnn/max_pool2d.hpp"
#include "lithe/xnn/narrow_conv_transpose2d.hpp"
#include "lithe/xnn/pad.hpp"
#include "lithe/xnn/quantize_linear.hpp"
#include "lithe/xnn/reduce.hpp"
#include "lithe/xnn/resize.hpp"
#include "lithe/xnn/runtime.hpp"
#include "lithe/xnn/slice.hpp"
#include "lithe/xnn/softmax.hpp"
#include "lithe/xnn/transpose.hpp"
#include "lithe/xnn/unary.hpp"
#include "lithe/xnn/winograd_conv2d.hpp"

namespace lithe::inline v0::xnn {

/// Every kernel on XNNPACK.
// clang-format off
using all = KernelList<
    AveragePool2D,
    BinaryKernels,
    Cast,
    ChannelShuffle,
    Clip,
    ConstantMatMul,
    FasterWinogradConv2D,  // before Conv2D
    Conv2D,
    NarrowConvTranspose2D,  // before ConvTranspose2D: faster, and keeps NaN
    ConvTranspose2D,
    DepthwiseConv2D,
    DequantizeLinear,
    DynamicFullyConnected,
    DynamicQuantize,
    FullyConnected,
    MatMul,
    MaxPool2D,
    Pad,
    QuantizeLinear,
    ReduceMean,
    ReduceSum,
    Resize,
    Slice,
    Softmax,
    Transpose,
    UnaryKernels,
    UnpackedFullyConnected>;
// clang-format on

}  // namespace lithe::inline v0::xnn
