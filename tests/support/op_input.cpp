// SPDX-License-Identifier: Apache-2.0
#include "tests/support/op_input.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace lithe::test {

void fill_random(StoredTensor& tensor, std::optional<std::pair<double, double>> range, std::uint32_t seed) {
  std::mt19937 generator(seed);
  const DType d = tensor.dtype;
  const bool quantized = tensor.quantization.active();
  double low = -2, high = 2;
  if (d == DType::boolean) {
    low = 0;
    high = 1;
  } else if (is_integer(d) && bits(d) <= 8) {
    const auto& zero_points = tensor.quantization.zero_point;
    const bool symmetric = quantized && d == DType::s8 &&
                           std::all_of(zero_points.begin(), zero_points.end(), [](auto z) { return z == 0; });
    low = symmetric ? -127 : lowest(d);
    high = highest(d);
  } else if (is_integer(d)) {
    low = is_signed_integer(d) ? -1000 : 0;
    high = 1000;
  }
  if (range && !quantized) {
    low = range->first;
    high = range->second;
  }
  const auto real = [&] { return low + (high - low) * (static_cast<double>(generator()) / 4294967295.0); };
  for (index_t i = 0; i < tensor.shape.elements(); ++i) {
    double value =
        is_float(d) ? real()
                    : std::floor(low + (high - low + 1) * (static_cast<double>(generator()) / 4294967296.0));
    if (quantized && range) {
      const std::size_t s = tensor.quantization.index(tensor.shape, i);
      value = (range->first +
               (range->second - range->first) * (static_cast<double>(generator()) / 4294967295.0)) /
                  tensor.quantization.scale[s] +
              tensor.quantization.zero_point[s];
    }
    store_value(d, tensor.bytes.data(), static_cast<std::size_t>(i), value);
  }
}

std::vector<Types> concrete_rows(std::span<const TypeRow> rows, const std::vector<Input>& inputs,
                                 int outputs) {
  std::vector<Types> cases;
  for (const TypeRow& row : rows)
    for (DType any : {DType::f32, DType::boolean, DType::u8, DType::f16, DType::s32, DType::s64}) {
      Types types;
      bool fits = true, uses_any = false;
      const auto bind = [&](DType want, DType asked) {
        if (want == DType::any_output) return asked == DType::none ? DType::f32 : asked;
        return want == DType::any ? (uses_any = true, any) : want;
      };
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const DType want = row.inputs[static_cast<int>(i)], asked = inputs[i].dtype();
        if (want == DType::any && asked != DType::none) any = asked;
      }
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const DType d =
            inputs[i].present() ? bind(row.inputs[static_cast<int>(i)], inputs[i].dtype()) : DType::none;
        fits = fits && (inputs[i].dtype() == DType::none || !inputs[i].present() || inputs[i].dtype() == d);
        types.inputs.push_back(d);
      }
      for (int o = 0; o < outputs; ++o) types.outputs.push_back(bind(row.outputs[o], DType::none));
      if (fits && std::find(cases.begin(), cases.end(), types) == cases.end()) cases.push_back(types);
      if (!uses_any) break;
    }
  return cases;
}

}  // namespace lithe::test
