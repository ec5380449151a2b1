// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/arg_max.hpp"
#include "lithe/ops/argmax_pool2d.hpp"
#include "lithe/ops/attention.hpp"
#include "lithe/ops/average_pool2d.hpp"
#include "lithe/ops/batch_normalization.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/bit_cast.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/clip.hpp"
#include "lithe/ops/col2im.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/constant_of_shape.hpp"
#include "lithe/ops/conv2d.hpp"
#include "lithe/ops/conv3d.hpp"
#include "lithe/ops/conv_transpose2d.hpp"
#include "lithe/ops/conv_transpose3d.hpp"
#include "lithe/ops/cum_sum.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/dequantize_linear.hpp"
#include "lithe/ops/det.hpp"
#include "lithe/ops/dft.hpp"
#include "lithe/ops/dynamic_fully_connected.hpp"
#include "lithe/ops/dynamic_quantize.hpp"
#include "lithe/ops/dynamic_quantize_linear.hpp"
#include "lithe/ops/expand.hpp"
#include "lithe/ops/flatten.hpp"
#include "lithe/ops/fully_connected.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/gather_elements.hpp"
#include "lithe/ops/gather_nd.hpp"
#include "lithe/ops/grid_sample.hpp"
#include "lithe/ops/group_normalization.hpp"
#include "lithe/ops/gru.hpp"
#include "lithe/ops/if.hpp"
#include "lithe/ops/layer_normalization.hpp"
#include "lithe/ops/lookup_table.hpp"
#include "lithe/ops/loop.hpp"
#include "lithe/ops/lp_pool2d.hpp"
#include "lithe/ops/lrn.hpp"
#include "lithe/ops/lstm.hpp"
#include "lithe/ops/matmul.hpp"
#include "lithe/ops/max_pool2d.hpp"
#include "lithe/ops/max_roi_pool.hpp"
#include "lithe/ops/max_unpool.hpp"
#include "lithe/ops/narrow.hpp"
#include "lithe/ops/non_max_suppression.hpp"
#include "lithe/ops/non_zero.hpp"
#include "lithe/ops/pad.hpp"
#include "lithe/ops/pairwise_coupling.hpp"
#include "lithe/ops/quantize_linear.hpp"
#include "lithe/ops/random.hpp"
#include "lithe/ops/range.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/resize.hpp"
#include "lithe/ops/reverse_sequence.hpp"
#include "lithe/ops/rnn.hpp"
#include "lithe/ops/roi_align.hpp"
#include "lithe/ops/scatter_elements.hpp"
#include "lithe/ops/scatter_nd.hpp"
#include "lithe/ops/shape.hpp"
#include "lithe/ops/size.hpp"
#include "lithe/ops/slice.hpp"
#include "lithe/ops/softmax.hpp"
#include "lithe/ops/split.hpp"
#include "lithe/ops/squeeze.hpp"
#include "lithe/ops/tensor_scatter.hpp"
#include "lithe/ops/tile.hpp"
#include "lithe/ops/top_k.hpp"
#include "lithe/ops/transpose.hpp"
#include "lithe/ops/tree_ensemble.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/ops/unique.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "lithe/ops/where.hpp"

namespace lithe::inline v0::portable {

/// The portable kernel of every operator.
// clang-format off
using all = KernelList<
    ArgKernels,
    Kernel<ops::ArgmaxPool2D>,
    Kernel<ops::Attention>,
    Kernel<ops::AveragePool2D>,
    Kernel<ops::BatchNormalization>,
    BinaryKernels,
    Kernel<ops::BitCast>,
    Kernel<ops::Cast>,
    Kernel<ops::Clip>,
    Kernel<ops::Col2Im>,
    Kernel<ops::Concat>,
    Kernel<ops::ConstantOfShape>,
    Kernel<ops::Conv2D>,
    Kernel<ops::Conv3D>,
    Kernel<ops::ConvTranspose2D>,
    Kernel<ops::ConvTranspose3D>,
    CumulativeKernels,
    Kernel<ops::DepthwiseConv2D>,
    Kernel<ops::DequantizeLinear>,
    Kernel<ops::Det>,
    Kernel<ops::DFT>,
    Kernel<ops::DynamicFullyConnected>,
    Kernel<ops::DynamicQuantize>,
    Kernel<ops::DynamicQuantizeLinear>,
    Kernel<ops::Expand>,
    Kernel<ops::Flatten>,
    Kernel<ops::FullyConnected>,
    Kernel<ops::Gather>,
    Kernel<ops::GatherElements>,
    Kernel<ops::GatherND>,
    Kernel<ops::GridSample>,
    Kernel<ops::GroupNormalization>,
    Kernel<ops::GRU>,
    Kernel<ops::If>,
    Kernel<ops::LayerNormalization>,
    Kernel<ops::LookupTable>,
    Kernel<ops::Loop>,
    Kernel<ops::LpPool2D>,
    Kernel<ops::LRN>,
    Kernel<ops::LSTM>,
    Kernel<ops::MatMul>,
    Kernel<ops::MaxPool2D>,
    Kernel<ops::MaxRoiPool>,
    Kernel<ops::MaxUnpool>,
    Kernel<ops::Narrow>,
    Kernel<ops::NonMaxSuppression>,
    Kernel<ops::NonZero>,
    Kernel<ops::Pad>,
    Kernel<ops::PairwiseCoupling>,
    Kernel<ops::QuantizeLinear>,
    RandomKernels,
    Kernel<ops::Range>,
    ReduceKernels,
    Kernel<ops::Reshape>,
    Kernel<ops::Resize>,
    Kernel<ops::ReverseSequence>,
    Kernel<ops::RMSNormalization>,
    Kernel<ops::RNN>,
    Kernel<ops::RoiAlign>,
    Kernel<ops::ScatterElements>,
    Kernel<ops::ScatterND>,
    Kernel<ops::ShapeOf>,
    Kernel<ops::Size>,
    Kernel<ops::Slice>,
    SoftmaxKernels,
    Kernel<ops::Split>,
    Kernel<ops::Squeeze>,
    Kernel<ops::TensorScatter>,
    Kernel<ops::Tile>,
    Kernel<ops::TopK>,
    Kernel<ops::Transpose>,
    Kernel<ops::TreeEnsemble>,
    UnaryKernels,
    Kernel<ops::Unique>,
    Kernel<ops::Unsqueeze>,
    Kernel<ops::Where>>;
// clang-format on

}  // namespace lithe::inline v0::portable
