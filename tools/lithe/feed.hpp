// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "lithe/session.hpp"
#include "tools/io/constant.hpp"
#include "tools/lithe/open_model.hpp"

/// What goes into a session.
namespace lithe::cli {

/// Reads the files of "-i NAME=FILE"; `names` are those of the model's inputs, which may hold '='.
std::map<std::string, io::ConstantPtr> read_inputs(const std::vector<std::string>& texts,
                                                   const std::vector<std::string>& names);
/// Gives the session the shapes of `tensors` (by input name), and their contents where they decide shapes;
/// then copies the contents. Every input must be there, and no other name.
void feed(Session& session, const OpenModel& model, const std::map<std::string, io::ConstantPtr>& tensors,
          const std::string& signature = {});
/// Normal random numbers times `scale`; any bytes for 8-bit integers, 0 or 1 for booleans. Other integers
/// (they are mostly indices) become 0.
void fill_random(const Tensor& tensor, std::mt19937& random, float scale = 1);

}  // namespace lithe::cli
