// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/passes.hpp"

namespace lithe::passes {
namespace {

// Fusing comes after the layout: importers put transposes between convolutions and what follows. It comes
// before quantize, which wants one operator between DequantizeLinear and QuantizeLinear; what that leaves is
// fused again once its weights are floating-point constants.
constexpr Pass passes[] = {
    {"remove_dead", remove_dead},
    {"fold_constants", fold_constants},
    {"simplify", simplify},
    {"eliminate_common_subexpressions", eliminate_common_subexpressions},
    {"quantize_dynamically", quantize_dynamically},
    {"fuse_group_normalization", fuse_group_normalization},
    {"channels_last", channels_last},
    {"fold_constants", fold_constants},
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
    {"quantize", quantize},
    {"unify_quantized_types", unify_quantized_types},
    {"fold_quantized_constants", fold_quantized_constants},
    {"channels_last", channels_last},
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
    {"remove_dead", remove_dead},
};

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
