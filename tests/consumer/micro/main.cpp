// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <lithe/micro.hpp>

namespace {
alignas(64) std::array<std::byte, 64 * 1024> flash, arena;
}

int main() {
  using namespace lithe::portable;
  using Kernels = lithe::KernelList<Kernel<lithe::ops::Conv2D>, Kernel<lithe::ops::MaxPool2D>,
                                    Kernel<lithe::ops::Flatten>, Kernel<lithe::ops::FullyConnected>,
                                    Kernel<lithe::ops::Softmax>>;
  std::FILE* file = std::fopen(MODEL, "rb");
  if (file == nullptr) {
    std::puts("no model");
    return 1;
  }
  const std::size_t bytes = std::fread(flash.data(), 1, flash.size(), file);
  std::fclose(file);
  const auto model = lithe::Model::open(std::span<const std::byte>(flash).first(bytes));
  if (!model.ok()) {
    std::puts(model.status().text());
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options<Kernels>(arena));
  if (!session.ok()) {
    std::puts(session.status().text());
    return 1;
  }
  for (float& v : session->input<float>("image")) v = 1;
  const lithe::Status status = session->run();
  return status.ok() ? 0 : (std::puts(status.text()), 1);
}
