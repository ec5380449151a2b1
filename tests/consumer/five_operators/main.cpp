// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <lithe/ops/flatten.hpp>
#include <lithe/platform.hpp>
#include <lithe/xnn/conv2d.hpp>
#include <lithe/xnn/fully_connected.hpp>
#include <lithe/xnn/max_pool2d.hpp>
#include <lithe/xnn/softmax.hpp>

int main() {
  using Kernels = lithe::KernelList<lithe::xnn::Conv2D, lithe::xnn::MaxPool2D,
                                    lithe::portable::Kernel<lithe::ops::Flatten>, lithe::xnn::FullyConnected,
                                    lithe::xnn::Softmax>;
  const auto model = lithe::open(MODEL);
  if (!model.ok()) {
    std::puts(model.status().text());
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options<Kernels>());
  if (!session.ok()) {
    std::puts(session.status().text());
    return 1;
  }
  std::ranges::fill(session->input<float>("image"), 1.0f);
  return session->run().ok() ? 0 : 1;
}
