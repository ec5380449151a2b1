// SPDX-License-Identifier: Apache-2.0
// A program's unit that names kernels; compile_time.py compiles it with OPERATORS defined as 1, 10 or 0: all.
#include <cstdio>

#include "lithe/lithe.hpp"

using namespace lithe;

#if OPERATORS == 1
using Kernels = KernelList<xnn::Conv2D>;
#elif OPERATORS == 10
using Kernels = KernelList<xnn::AveragePool2D, xnn::Binary<ops::Add>, xnn::Conv2D, xnn::DepthwiseConv2D,
                           xnn::FullyConnected, xnn::MaxPool2D, xnn::Softmax, xnn::Transpose,
                           portable::Kernel<ops::Add>, portable::Kernel<ops::AveragePool2D>,
                           portable::Kernel<ops::Concat>, portable::Kernel<ops::Conv2D>,
                           portable::Kernel<ops::DepthwiseConv2D>, portable::Kernel<ops::FullyConnected>,
                           portable::Kernel<ops::MaxPool2D>, portable::Kernel<ops::Reshape>,
                           portable::Kernel<ops::Softmax>, portable::Kernel<ops::Transpose> >;
#else
using Kernels = AllKernels;
#endif

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("usage: app MODEL.lithe"), 2;
  const auto model = open(argv[1]);
  if (!model.ok()) return std::puts(model.status().text()), 1;
  auto session = Session::create(*model, options<Kernels>());
  if (!session.ok()) return std::puts(session.status().text()), 1;
  return session->run().ok() ? 0 : 1;
}
