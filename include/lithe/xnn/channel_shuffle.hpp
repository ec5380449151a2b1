// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>

#include "lithe/ops/transpose.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// channel_shuffle_nc of elements of 1 and 4 bytes: transposes that interleave up to 8 groups, [..., G, n] ->
/// [..., n, G], where G and n may be several axes each. Rows, the axes before them, are shared among threads.
class ChannelShuffle {
 public:
  using Op = ops::Transpose;
  static constexpr const char* name = "xnn::channel_shuffle_nc";

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int width = element_bytes(input.dtype);
    const Groups groups = split(a, input.shape);
    return (width == 1 || width == 4) && groups.count >= 2 && groups.count <= most_groups &&
           groups.channels >= 2 && !any_empty(node);
  }

  Status create(const Op::Attributes&, CreateContext&) { return initialize(); }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    const Groups groups = split(a, input.shape);
    const bool bytes = element_bytes(input.dtype) == 1;
    if (!op_ || groups.count != groups_.count || groups.channels != groups_.channels) {
      const auto create_operator =
          bytes ? xnn_create_channel_shuffle_nc_x8 : xnn_create_channel_shuffle_nc_x32;
      const auto count = static_cast<std::size_t>(groups.count),
                 channels = static_cast<std::size_t>(groups.channels);
      LITHE_TRY(check(create_operator(count, channels, count * channels, count * channels, 0, op_.out())));
    }
    groups_ = groups;
    const auto reshape_operator =
        bytes ? xnn_reshape_channel_shuffle_nc_x8 : xnn_reshape_channel_shuffle_nc_x32;
    return check(reshape_operator(op_.get(), static_cast<std::size_t>(groups.rows),
                                  native(context.threads, input.elements())));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const TensorView& input = context.input(0);
    const auto setup =
        element_bytes(input.dtype) == 1 ? xnn_setup_channel_shuffle_nc_x8 : xnn_setup_channel_shuffle_nc_x32;
    LITHE_TRY(check(setup(op_.get(), input.data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads(), input.elements())));
  }

 private:
  struct Groups {
    index_t rows = 0, count = 0, channels = 0;
  };
  static constexpr index_t most_groups = 8;  // with more, transpose_nd is as fast

  /// The sizes [rows, count, channels] of a permutation that keeps some leading axes and rotates the others;
  /// all 0 for any other permutation.
  static Groups split(const Op::Attributes& a, const Shape& shape) {
    const int rank = shape.rank();
    int kept = 0;
    while (kept < rank && Op::source(a, rank, kept) == kept) ++kept;
    if (kept == rank) return {};
    const int middle = Op::source(a, rank, kept);
    for (int i = kept; i < rank; ++i)
      if (Op::source(a, rank, i) != kept + (middle - kept + i - kept) % (rank - kept)) return {};
    return {shape.product(0, kept), shape.product(kept, middle), shape.product(middle, rank)};
  }

  Handle op_;
  Groups groups_;
};

}  // namespace lithe::inline v0::xnn
