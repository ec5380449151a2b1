// SPDX-License-Identifier: Apache-2.0
#include <lithe/micro.hpp>

struct Twice {
  struct Attributes {
#if CASE == 3
    const char* unit = "";
    static constexpr auto fields() { return lithe::Fields{lithe::field("unit", &Attributes::unit)}; }
#elif CASE != 1
    static constexpr auto fields() { return lithe::Fields{}; }
#endif
  };
  static constexpr lithe::OpSpec spec{.name = "Twice", .inputs = {"input"}, .outputs = {"output"}};
  static constexpr lithe::TypeRow types[] = {{{lithe::DType::f32}, {lithe::DType::f32}}};
  static lithe::Status infer(const Attributes&, lithe::InferContext& context) {
    return context.output(0, context.shape(0));
  }
};

struct TwiceKernel {
  using Op = Twice;
  static lithe::Status run(const Twice::Attributes&, lithe::RunContext& context) {
    for (lithe::index_t i = 0; i < context.input(0).elements(); ++i)
      static_cast<float*>(context.output().data)[i] = 2 * static_cast<const float*>(context.input(0).data)[i];
    return {};
  }
};

#if CASE == 2
using Kernels = lithe::KernelList<TwiceKernel, int>;
#else
using Kernels = lithe::KernelList<TwiceKernel>;
#endif

lithe::Status use(lithe::Session& session) {
#if CASE == 4
  session.run();
#elif CASE == 5
  return session.input<char*>("x").empty() ? lithe::Status() : lithe::Status(lithe::Code::dtype, "");
#endif
  return session.run();
}

int main() { return Kernels::size == 1 && Kernels::entries[0].bytes == 1 ? 0 : 1; }
