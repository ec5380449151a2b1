// SPDX-License-Identifier: Apache-2.0
// Runs a model with an operator from outside of lithe: signal -> 2 * signal -> example::MedianFilter -> + 1.
// usage: custom_op denoise.lithe
// made by: lithe convert denoise.onnx --custom example::MedianFilter -o denoise.lithe
#include <algorithm>
#include <cstdio>

#include "examples/custom_op/median_filter.hpp"
#include "lithe/lithe.hpp"

int fail(const char* text, int code = 1) {
  std::puts(text);
  return code;
}

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: custom_op denoise.lithe", 2);
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) return fail(model.status().text());

  // Without its kernel the file is refused, by the operator's name.
  if (const auto without = lithe::Session::create(*model, lithe::options());
      without.code() != lithe::Code::unsupported)
    return fail("not refused");

  using Kernels = lithe::KernelList<example::MedianFilterKernel, lithe::AllKernels>;
  auto session = lithe::Session::create(*model, lithe::options<Kernels>());
  if (!session.ok()) return fail(session.status().text());
  const float noisy[] = {1, 1, 9, 1, 2, 2, -5, 2};
  std::copy(std::begin(noisy), std::end(noisy), session->input<float>("signal").begin());
  if (const auto status = session->run(); !status.ok()) return fail(status.text());
  for (const float v : session->output<float>("denoised")) std::printf("%g ", static_cast<double>(v));
  std::printf("\n");
}
