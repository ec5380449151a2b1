// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <lithe/lithe.hpp>

int main() {
  using Kernels = lithe::KernelList<lithe::xnn::all, lithe::portable::Kernel<lithe::ops::Flatten>>;
  const auto model = lithe::open(MODEL, lithe::Access::copy);
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
