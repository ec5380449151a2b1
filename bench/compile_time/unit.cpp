// SPDX-License-Identifier: Apache-2.0
// A program's unit that names kernels; compile_time.py compiles it with OPERATORS defined as 1, 10 or 0: all.
#include <cstdio>

#if OPERATORS == 0
#include "lithe/lithe.hpp"
using Kernels = lithe::AllKernels;
#elif OPERATORS == 1
#include "lithe/platform.hpp"
#include "lithe/xnn/conv2d.hpp"
using Kernels = lithe::KernelList<lithe::xnn::Conv2D>;
#else
#include "lithe/ops/concat.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/platform.hpp"
#include "lithe/xnn/average_pool2d.hpp"
#include "lithe/xnn/binary.hpp"
#include "lithe/xnn/conv2d.hpp"
#include "lithe/xnn/depthwise_conv2d.hpp"
#include "lithe/xnn/fully_connected.hpp"
#include "lithe/xnn/max_pool2d.hpp"
#include "lithe/xnn/softmax.hpp"
#include "lithe/xnn/transpose.hpp"
using namespace lithe;
using Kernels = KernelList<xnn::AveragePool2D, xnn::Binary<ops::Add>, xnn::Conv2D, xnn::DepthwiseConv2D,
                           xnn::FullyConnected, xnn::MaxPool2D, xnn::Softmax, xnn::Transpose,
                           portable::Kernel<ops::Concat>, portable::Kernel<ops::Reshape> >;
#endif

int main(int argc, char** argv) {
  if (argc != 2) {
    std::puts("usage: app MODEL.lithe");
    return 2;
  }
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) {
    std::puts(model.status().text());
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options<Kernels>());
  if (!session.ok()) {
    std::puts(session.status().text());
    return 1;
  }
  return session->run().ok() ? 0 : 1;
}
