// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/pipeline.hpp"

#include <array>
#include <cstddef>

#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"

namespace lithe::passes {
namespace {

constexpr Pass before_layout[] = {
    {"remove_dead", remove_dead},
    {"fold_constants", fold_constants},
    {"simplify", simplify},
    {"eliminate_common_subexpressions", eliminate_common_subexpressions},
    {"quantize_dynamically", quantize_dynamically},
    {"fuse_attention", fuse_attention},
    {"drop_flattening", drop_flattening},
    {"fuse_group_normalization", fuse_group_normalization},
};
constexpr Pass layout[] = {{"channels_last", channels_last}};
constexpr Pass fold[] = {{"fold_constants", fold_constants}};
constexpr Pass fuse[] = {
    {"sink_squeezes", sink_squeezes},
    {"simplify", simplify},
    {"fuse_patterns", fuse_patterns},
    {"fuse_pad", fuse_pad},
    {"merge_scales", merge_scales},
    {"fuse_batch_normalization", fuse_batch_normalization},
    {"fuse_bias", fuse_bias},
    {"fuse_scale", fuse_scale},
    {"fuse_activation", fuse_activation},
    {"eliminate_common_subexpressions", eliminate_common_subexpressions},
};
constexpr Pass quantized[] = {
    {"quantize", quantize},
    {"unify_quantized_types", unify_quantized_types},
    {"fold_quantized_constants", fold_quantized_constants},
};
constexpr Pass last[] = {{"tabulate", tabulate}, {"remove_dead", remove_dead}};

template <std::size_t... sizes>
constexpr auto joined(const Pass (&... lists)[sizes]) {
  std::array<Pass, (sizes + ...)> all{};
  std::size_t end = 0;
  const auto append = [&](std::span<const Pass> list) {
    for (const Pass& pass : list) all[end++] = pass;
  };
  (append(lists), ...);
  return all;
}

// Fusing comes after the layout: importers put transposes between convolutions and what follows. It comes
// before quantize, which wants one operator between DequantizeLinear and QuantizeLinear; what that leaves is
// fused again once its weights are floating-point constants.
constexpr auto passes = joined(before_layout, layout, fold, fuse, quantized, layout, fuse, last);

}  // namespace

std::span<const Pass> pipeline() { return passes; }

void run_pipeline(graph::Model& model, PassLog& log, void (*after)(void*, const Pass&, const graph::Model&),
                  void* context) {
  for (const Pass& pass : passes) {
    log.begin(pass.name);
    pass.run(model, log);
    if (after != nullptr) after(context, pass, model);
  }
}

}  // namespace lithe::passes
