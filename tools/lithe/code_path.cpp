// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/code_path.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string_view>

#include "lithe/memory/mapped_file.hpp"

#if __has_include(<link.h>)
#include <elf.h>
#include <link.h>
#endif

namespace lithe::cli {

namespace {

/// The microkernels in this program, by address.
using Microkernels = std::map<std::uintptr_t, std::string>;

#if __has_include(<link.h>)

template <class T>
std::span<const T> table(std::span<const std::byte> file, const ElfW(Shdr) & section) {
  return {reinterpret_cast<const T*>(file.data() + section.sh_offset), section.sh_size / sizeof(T)};
}

/// How far from the addresses in its file the program was loaded.
std::uintptr_t load_bias() {
  std::uintptr_t bias = 0;
  dl_iterate_phdr(  // the program itself comes first
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<std::uintptr_t*>(to) = info->dlpi_addr;
        return 1;
      },
      &bias);
  return bias;
}

Microkernels find_microkernels() {
  Microkernels found;
  const auto storage = read_file("/proc/self/exe");
  if (!storage.ok()) return found;
  const auto file = storage->bytes();
  const auto& header = *reinterpret_cast<const ElfW(Ehdr)*>(file.data());
  const std::span sections{reinterpret_cast<const ElfW(Shdr)*>(file.data() + header.e_shoff), header.e_shnum};
  constexpr std::string_view prefix = "xnn_", mark = "_ukernel_";
  for (const auto& section : sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* names = table<char>(file, sections[section.sh_link]).data();
    for (const auto& symbol : table<ElfW(Sym)>(file, section)) {
      const std::string_view name = names + symbol.st_name;
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && name.starts_with(prefix) &&
          name.find(mark) != std::string_view::npos)
        found.emplace(load_bias() + symbol.st_value, name.substr(prefix.size()));
    }
  }
  return found;
}

#else

Microkernels find_microkernels() { return {}; }

#endif

/// Calls `use` with every word of `memory`, which may be an address.
void for_each_word(std::span<const std::byte> memory, auto use) {
  for (std::size_t at = 0; at + sizeof(void*) <= memory.size(); at += sizeof(void*)) {
    const void* word = nullptr;
    std::memcpy(static_cast<void*>(&word), memory.data() + at, sizeof word);
    use(word);
  }
}

std::string computed_in(const runtime::NodeView& node) {
  for (const TensorView& input : node.inputs())
    if (input.dtype != DType::none) return name(input.dtype);
  return "";
}

}  // namespace

std::string code_path(const Session& session, const runtime::NodeView& node) {
  static const Microkernels microkernels = find_microkernels();
  const OperatorHeap* const heap = session.inspect().operator_heap();
  std::string path;
  for_each_word(node.kernel_object(), [&](const void* block) {
    std::string_view last;
    for_each_word(heap->block_at(block), [&](const void* function) {
      const auto it = microkernels.find(reinterpret_cast<std::uintptr_t>(function));
      if (it != microkernels.end()) last = it->second;
    });
    if (!last.empty() && path.find(last) == std::string::npos)
      path.append(path.empty() ? "" : " + ").append(last);
  });
  return path.empty() ? computed_in(node) : path;
}

}  // namespace lithe::cli
