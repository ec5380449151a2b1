// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "lithe/lithe.hpp"
#include "tools/lithe/common.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

int show(const Common& common) {
  const Machine machine(common);
  const SessionOptions o = machine.options();
  const char* names[32];
  const int n = features(o.cpu, names);
  std::printf("processor         %s\n", cpu_name());
  std::printf("features          ");
  for (int i = 0; i < n; ++i) std::printf("%s%s", i == 0 ? "" : " ", names[i]);
  std::printf("%s\n", n == 0 ? "none that lithe chooses by" : "");
  std::printf("performance cores %u\n", o.cpu.performance_cores);
  std::printf("caches            L1d %u KB, L2 %u KB\n", o.cpu.l1d_bytes / 1024, o.cpu.l2_bytes / 1024);
  std::printf("half precision    %s\n",
              o.cpu.f16_arithmetic ? "native arithmetic" : "stored as f16, computed in f32");
  std::printf("bfloat16          stored as bf16, computed in f32\n");
  std::printf("int8              XNNPACK's microkernels for this processor\n");
  std::printf("XNNPACK           commit 4ea82e5%s\n",
              xnn::initialize().ok() ? "" : ", which does not support this processor: portable kernels run");
  std::printf("kernels           %zu in the list\n", o.kernels.size());
  return report::exits::done;
}

}  // namespace

void add_cpu(CLI::App& app, int& exit) {
  auto o = std::make_shared<Common>();
  CLI::App* c =
      app.add_subcommand("cpu", "what this processor offers, and which code paths lithe takes on it");
  add_common(*c, *o);
  c->callback([o, &exit] { exit = show(*o); });
}

}  // namespace lithe::cli
