// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::quantize {

/// A tensor for each input of the main graph, in its order; null for inputs that the session feeds (states).
using Sample = std::vector<graph::ConstantPtr>;

/// How pictures become numbers: (pixel / 255 - mean) / deviation, one number for each channel or one for all;
/// empty: 0 and 1. An u8 input takes the pixels as they are.
struct PixelOptions {
  std::vector<float> mean{}, deviation{};
};
/// Throws Failure (exit 2) for numbers that cannot belong to pixels between 0 and 1.
void check(const PixelOptions& pixels);

/// The calibration set, one sample for each run. A folder holds one of
///   - NAME.npy for each input, stacked along the batch axis ('/' in a name is '_'; input_0.npy ... in the
///     order of the inputs; any name if there is one input), or a single file of that kind
///   - *.npz with an array for each input, named and stacked in the same way
///   - folders with NAME.npy, input_0.npy or input_0.pb, one sample each
///   - pictures (PNG, JPEG), also in folders: the model then has one input [N, C, H, W] or [N, H, W, C] of 1
///     channel (gray) or 3 (red, green, blue), to whose size they are resized (linear, antialiased; the ratio
///     is not kept)
/// Numbers of any type become those of an f32 input; other inputs need their own type.
class Samples {
 public:
  /// Errors: Failure, exit 2 for pixel options that do not fit; 3 for a folder or file that does not fit the
  /// model (it names the file, what it holds and what is wanted); 4 for a file that cannot be read.
  Samples(const std::filesystem::path& folder, const graph::Model& model, const PixelOptions& pixels = {});

  std::size_t size() const { return size_; }
  Sample at(std::size_t i) const;
  /// A hash of all contents as the model sees them.
  std::string hash() const;

 private:
  struct Input {
    std::string name;
    std::string file;  ///< what a file with its samples is called, without extension
    DType dtype;
    graph::Dims dims;
    bool state;
  };
  /// The contents of one file, set of files or picture.
  struct Group {
    std::vector<graph::ConstantPtr> arrays;  ///< per input, of the input's dtype
    std::vector<Shape> shapes;               ///< per input, of one sample
    std::size_t count = 1;
    std::filesystem::path picture;  ///< if not empty, decoded when it is asked for
  };
  using Arrays = std::vector<std::pair<std::string, graph::ConstantPtr>>;

  void scan(const std::filesystem::path& folder);
  void add(const Arrays& arrays, const std::filesystem::path& where, bool stacked);
  void add_array(Group& group, const Input& input, const graph::ConstantPtr& array, const std::string& where,
                 bool stacked);
  void add_picture(const std::filesystem::path& file);
  const graph::ConstantPtr* find(const Arrays& arrays, std::size_t input) const;
  std::size_t fed() const;
  graph::ConstantPtr picture(const std::filesystem::path& file) const;

  std::vector<Input> inputs_;
  std::vector<Group> groups_;
  PixelOptions pixels_;
  std::size_t size_ = 0;
};

/// The axis of the channels of an input for pictures: 1 or 3, or -1 if it takes no pictures.
int channel_axis(const graph::Dims& dims);

}  // namespace lithe::quantize
