// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/feed.hpp"

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "lithe/core/half.hpp"
#include "tools/io/tensor_files.hpp"
#include "tools/lithe/given_shapes.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

void refuse_unknown_inputs(const Session& session, const OpenModel& model,
                           const std::map<std::string, io::ConstantPtr>& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (session.find_input(name) >= 0) continue;
    std::string names;
    for (int i = 0; i < session.inputs(); ++i)
      names += (i == 0 ? "'" : ", '") + std::string(session.input_name(i)) + "'";
    report::bad_input(model.path().string() + ": has no input '" + name + "'; " +
                      (names.empty() ? "it has no inputs" : "its inputs are " + names));
  }
}

}  // namespace

std::map<std::string, io::ConstantPtr> read_inputs(const std::vector<std::string>& texts,
                                                   const std::vector<std::string>& names) {
  std::map<std::string, io::ConstantPtr> tensors;
  for (const auto& [name, file] : once_each("-i", texts, names)) tensors[name] = io::read_tensor(file);
  return tensors;
}

void feed(Session& session, const OpenModel& model, const std::map<std::string, io::ConstantPtr>& tensors,
          const std::string& signature) {
  refuse_unknown_inputs(session, model, tensors);
  std::vector<InputShape> shapes;
  for (int i = 0; i < session.inputs(); ++i) {
    const std::string name(session.input_name(i));
    const auto found = tensors.find(name);
    if (found == tensors.end())
      report::bad_input(model.path().string() + ": input '" + name + "' is not given; add -i " + name +
                        "=FILE.npy");
    const DType want = session.inspect().input(static_cast<std::size_t>(i)).file_dtype();
    if (found->second->dtype != want)
      report::bad_input(model.path().string() + ": input '" + name + "' must be " + lithe::name(want) +
                        ", the file holds " + report::type_text(found->second->view()));
    shapes.push_back({session.input_name(i), found->second->shape,
                      is_host_input(session, i) ? found->second->bytes.data() : nullptr});
  }
  check_shapes(model, signature, shapes, report::exits::bad_input);
  if (const Status status = session.resize(shapes); !status.ok())
    fail_with_shapes(status, model, signature, shapes,
                     [&](std::span<const InputShape> others) { return session.resize(others).ok(); });
  for (int i = 0; i < session.inputs(); ++i) {
    const auto& bytes = tensors.at(std::string(session.input_name(i)))->bytes;
    if (!bytes.empty()) std::memcpy(session.input(i).data, bytes.data(), bytes.size());
  }
}

void fill_random(const Tensor& tensor, std::mt19937& random, float scale) {
  std::normal_distribution<float> normal(0, scale);
  const auto fill = [&](auto elements, auto draw) {
    for (auto& element : elements) element = static_cast<std::remove_reference_t<decltype(element)>>(draw());
  };
  const auto real = [&] { return normal(random); };
  switch (tensor.dtype) {
    case DType::f32:
      return fill(tensor.as<float>(), real);
    case DType::f64:
      return fill(tensor.as<double>(), real);
    case DType::f16:
      return fill(tensor.as<half>(), real);
    case DType::bf16:
      return fill(tensor.as<bfloat16>(), real);
    case DType::s8:
    case DType::u8:
    case DType::boolean: {
      const bool truth = tensor.dtype == DType::boolean;
      auto* bytes = static_cast<std::uint8_t*>(tensor.data);
      return fill(std::span(bytes, tensor.bytes()), [&] { return random() & (truth ? 1u : 255u); });
    }
    default:
      if (tensor.bytes() != 0) std::memset(tensor.data, 0, tensor.bytes());
  }
}

}  // namespace lithe::cli
