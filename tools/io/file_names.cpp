// SPDX-License-Identifier: Apache-2.0
#include "tools/io/file_names.hpp"

#include <algorithm>
#include <set>

namespace lithe::io {

std::vector<std::string> file_names(std::span<const std::string> names) {
  std::set<std::string> taken;
  for (const std::string& name : names)
    if (name.find('/') == std::string::npos) taken.insert(name);
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::string file = name;
    if (name.find('/') != std::string::npos) {
      std::replace(file.begin(), file.end(), '/', '_');
      const std::string wanted = file;
      for (int n = 2; !taken.insert(file).second; ++n) file = wanted + "_" + std::to_string(n);
    }
    files.push_back(file);
  }
  return files;
}

}  // namespace lithe::io
