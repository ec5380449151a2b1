// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lithe::passes {

/// What passes did and what they nearly did, for `convert --explain`. The same line is kept once.
class PassLog {
 public:
  struct Line {
    std::string pass, text;
    bool changed;  ///< false: a near miss, with its reason
  };
  void begin(std::string pass) { pass_ = std::move(pass); }
  void changed(std::string text) { add(std::move(text), true); }
  void near_miss(std::string text) { add(std::move(text), false); }
  const std::vector<Line>& lines() const { return lines_; }
  int changes() const { return changes_; }

 private:
  void add(std::string text, bool changed) {
    if (changed) ++changes_;
    if (seen_.insert(pass_ + '\n' + text).second) lines_.push_back({pass_, std::move(text), changed});
  }
  std::string pass_;
  std::vector<Line> lines_;
  std::set<std::string> seen_;
  int changes_ = 0;
};

}  // namespace lithe::passes
