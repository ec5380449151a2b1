// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "lithe/ops/resize.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/hash.hpp"
#include "tools/io/file_names.hpp"
#include "tools/io/image.hpp"
#include "tools/io/npz.hpp"
#include "tools/io/tensor_files.hpp"
#include "tools/passes/constants.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::quantize {

namespace fs = std::filesystem;
using graph::ConstantPtr;
using graph::Dims;

namespace {

std::string dims_text(const Dims& dims) {
  return report::dims_text(dims, [](std::int64_t) { return "any"; });
}

bool fits(std::span<const index_t> shape, std::span<const std::int64_t> dims) {
  return shape.size() == dims.size() && std::equal(shape.begin(), shape.end(), dims.begin(),
                                                   [](index_t s, std::int64_t d) { return d < 0 || s == d; });
}

/// The dims without ones; nullopt where one is open.
template <class T>
std::optional<std::vector<std::int64_t>> squeezed(std::span<const T> dims) {
  std::vector<std::int64_t> result;
  for (T d : dims) {
    if (d < 0) return std::nullopt;
    if (d != 1) result.push_back(d);
  }
  return result;
}

/// A sample's shape: `dims` with an open batch of one.
Shape one(const Dims& dims) {
  Shape shape;
  for (std::int64_t d : dims) shape.push_back(d < 0 ? 1 : d);
  return shape;
}

struct Fit {
  std::size_t count;
  Shape shape;  ///< the shape of one sample
};

/// An array that holds one sample, with or without its batch axis.
std::optional<Fit> fit_one(const Shape& array, const Dims& dims) {
  if (fits(array.dims(), dims)) return Fit{1, array};
  if (dims.empty() || dims[0] > 1) return std::nullopt;
  const auto rest = std::span(dims).subspan(1);
  Shape shape{1};
  for (index_t d : array.dims()) shape.push_back(d);
  if (shape.valid() && fits(array.dims(), rest)) return Fit{1, shape};
  if (const auto wanted = squeezed(rest); wanted && squeezed(array.dims()) == wanted)
    return Fit{1, one(dims)};
  return std::nullopt;
}

/// An array of samples stacked along the batch axis, or along an axis of its own.
std::optional<Fit> fit_stack(const Shape& array, const Dims& dims) {
  if (array.rank() == 0) return fit_one(array, dims);
  const auto inner = array.dims().subspan(1);
  const std::int64_t batch = !dims.empty() && dims[0] > 0 ? dims[0] : 1;
  const auto rest = std::span(dims).subspan(dims.empty() ? 0 : 1);
  const auto wanted = squeezed(rest);
  const bool along_batch = !dims.empty() && (fits(inner, rest) || (wanted && squeezed(inner) == wanted));
  if (along_batch && array[0] % batch == 0) {
    Shape shape = fits(inner, rest) ? array : one(dims);
    shape[0] = static_cast<index_t>(batch);
    return Fit{static_cast<std::size_t>(array[0] / batch), shape};
  }
  if (fits(inner, dims)) return Fit{static_cast<std::size_t>(array[0]), Shape(inner)};
  return std::nullopt;
}

/// The array in the input's dtype; null where that loses something.
ConstantPtr converted(const ConstantPtr& array, DType dtype) {
  if (array->dtype == dtype) return array;
  const auto numbers = dtype == DType::f32 ? passes::doubles_of(array.get()) : std::nullopt;
  return numbers ? passes::make_numbers(dtype, array->shape, *numbers) : nullptr;
}

void check_finite(const graph::Constant& array, const std::string& where) {
  if (array.dtype != DType::f32) return;
  const auto elements = array.as<float>();
  const auto bad = std::find_if(elements.begin(), elements.end(), [](float v) { return !std::isfinite(v); });
  if (bad != elements.end())
    report::bad_input(where + ": element " + std::to_string(bad - elements.begin()) +
                      " is not a finite number; leave such samples out");
}

bool is_array(const fs::path& path) { return path.extension() == ".npy" || path.extension() == ".pb"; }

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  if (fs::is_regular_file(folder)) return {folder};
  for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  if (error)
    report::system_refused(folder.string() + ": cannot be read as a folder of samples; does it exist?");
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// [H, W, C] u8 to f32 of another size, by the portable Resize.
ConstantPtr resized(const ConstantPtr& picture, index_t height, index_t width) {
  const std::vector<float> pixels(picture->as<std::uint8_t>().begin(), picture->as<std::uint8_t>().end());
  ConstantPtr real = graph::make_constant<float>(picture->shape, pixels);
  if (picture->shape[0] == height && picture->shape[1] == width) return real;
  graph::Graph g;
  graph::Node node;
  graph::set_attributes<ops::Resize>(node, {.mode = ops::ResizeMode::linear, .antialias = true});
  const std::int64_t sizes[] = {height, width, picture->shape[2]};
  graph::Value out;
  out.name = "resized";
  out.dtype = DType::f32;
  node.inputs = {g.add_constant(real, "picture"), graph::absent, graph::absent,
                 g.add_constant(graph::make_constant<std::int64_t>({3}, sizes), "sizes")};
  node.outputs = {g.add_value(std::move(out))};
  const auto result = graph::evaluate(g, node, {.result_bytes = std::uint64_t{1} << 30});
  if (!result) report::bad_input("a picture cannot be resized to the input's size");
  return (*result)[0];
}

}  // namespace

void check(const PixelOptions& pixels) {
  const auto any = [](const std::vector<float>& numbers, auto wrong) {
    return std::any_of(numbers.begin(), numbers.end(), wrong);
  };
  constexpr float largest_deviation = 4;
  if (any(pixels.deviation, [](float d) { return !(d > 0) || !std::isfinite(d); }))
    report::bad_usage("--std: pictures are divided by it, give positive numbers");
  if (any(pixels.mean, [](float m) { return !(std::fabs(m) <= 1); }) ||
      any(pixels.deviation, [](float d) { return d > largest_deviation; }))
    report::bad_usage(
        "--mean and --std: pixels lie between 0 and 1 here; divide numbers meant for 0 to 255 by 255");
}

int channel_axis(const Dims& dims) {
  if (dims.size() != 4) return -1;
  const auto colours = [](std::int64_t d) { return d == 1 || d == 3; };
  const int axis = colours(dims[1]) ? 1 : colours(dims[3]) ? 3 : -1;
  const bool sized = axis == 1 ? dims[2] > 0 && dims[3] > 0 : axis == 3 && dims[1] > 0 && dims[2] > 0;
  return sized && dims[0] <= 1 ? axis : -1;
}

Samples::Samples(const fs::path& folder, const graph::Model& model, const PixelOptions& pixels)
    : pixels_(pixels) {
  check(pixels);
  const graph::Graph& main = model.graphs[0];
  std::vector<std::string> names;
  for (graph::ValueId v : main.inputs) names.push_back(main.value(v).name);
  const std::vector<std::string> files = io::file_names(names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const graph::Value& v = main.value(main.inputs[i]);
    inputs_.push_back({names[i], files[i], v.dtype, v.dims.value_or(Dims{}), false});
  }
  for (const graph::State& s : model.signatures[0].states)
    inputs_[static_cast<std::size_t>(s.input)].state = true;
  scan(folder);
  for (const Group& g : groups_) size_ += g.count;
  if (size_ == 0)
    report::bad_input(
        folder.string() +
        ": holds no samples; put NAME.npy for each input there (samples stacked along the batch axis), "
        ".npz files, one folder for each sample, or pictures (PNG, JPEG)");
  const bool pictures = !groups_[0].picture.empty();
  if (!pictures && (!pixels.mean.empty() || !pixels.deviation.empty()))
    report::bad_usage("--mean and --std are for pictures; " + folder.string() +
                      " holds arrays, which are taken as they are");
}

std::size_t Samples::fed() const {
  return static_cast<std::size_t>(
      std::count_if(inputs_.begin(), inputs_.end(), [](const Input& i) { return !i.state; }));
}

void Samples::scan(const fs::path& folder) {
  Arrays arrays;
  std::vector<fs::path> archives, folders, pictures;
  for (const fs::path& entry : sorted_entries(folder)) {
    if (fs::is_directory(entry)) {
      folders.push_back(entry);
    } else if (io::is_image(entry)) {
      pictures.push_back(entry);
    } else if (entry.extension() == ".npz") {
      archives.push_back(entry);
    } else if (is_array(entry)) {
      arrays.emplace_back(entry.stem().string(), io::read_tensor(entry));
    }
  }
  if (!pictures.empty() + !archives.empty() + !arrays.empty() > 1)
    report::bad_input(folder.string() + ": holds samples of several kinds (.npy, .npz, pictures); keep one");
  for (const fs::path& file : archives) {
    const auto members = io::read_npz(file);
    add({members.begin(), members.end()}, file, true);
  }
  if (!arrays.empty()) {
    bool all = true;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      all = all && (inputs_[i].state || find(arrays, i) != nullptr);
    if (fed() != 1 || all)
      add(arrays, folder, true);
    else  // any number of files for the one input
      for (const auto& array : arrays) add({array}, folder / (array.first + ".npy"), true);
  }
  for (const fs::path& file : pictures) add_picture(file);
  if (!archives.empty() || !arrays.empty()) return;
  for (const fs::path& sub : folders) {
    Arrays one_sample;
    for (const fs::path& entry : sorted_entries(sub)) {
      if (io::is_image(entry)) add_picture(entry);
      if (is_array(entry)) one_sample.emplace_back(entry.stem().string(), io::read_tensor(entry));
    }
    if (!one_sample.empty()) add(one_sample, sub, false);
  }
}

/// By the input's name, else by its file's, else by its number, else the only one there is.
const ConstantPtr* Samples::find(const Arrays& arrays, std::size_t input) const {
  for (const std::string& name : {inputs_[input].name, inputs_[input].file, "input_" + std::to_string(input)})
    for (const auto& [found, array] : arrays)
      if (found == name) return &array;
  return fed() == 1 && arrays.size() == 1 ? &arrays[0].second : nullptr;
}

void Samples::add(const Arrays& arrays, const fs::path& where, bool stacked) {
  Group group;
  group.count = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    if (input.state) {
      group.arrays.push_back(nullptr);
      group.shapes.emplace_back();
      continue;
    }
    const ConstantPtr* array = find(arrays, i);
    if (array == nullptr) {
      std::string names;
      for (const auto& [name, unused] : arrays) names += (names.empty() ? "" : ", ") + name;
      report::bad_input(where.string() + ": has nothing for input '" + input.name + "'; name it " +
                        input.file + " or input_" + std::to_string(i) + " (found: " + names + ")");
    }
    add_array(group, input, *array, where.string() + ": input '" + input.name + "'", stacked);
  }
  groups_.push_back(std::move(group));
}

void Samples::add_array(Group& group, const Input& input, const ConstantPtr& array, const std::string& where,
                        bool stacked) {
  const ConstantPtr numbers = converted(array, input.dtype);
  const std::string held = report::type_text(array->view());
  if (!numbers)
    report::bad_input(where + " holds " + held + ", but the model wants " + name(input.dtype) +
                      "; save it with astype()");
  const auto fit = stacked ? fit_stack(array->shape, input.dims) : fit_one(array->shape, input.dims);
  if (!fit)
    report::bad_input(where + " holds " + held + ", but the model wants " + dims_text(input.dims) +
                      (stacked ? ", stacked along the first axis" : ""));
  if (group.count != 0 && group.count != fit->count)
    report::bad_input(where + " holds " + std::to_string(fit->count) + " samples, the inputs before it " +
                      std::to_string(group.count));
  check_finite(*numbers, where);
  group.count = fit->count;
  group.arrays.push_back(numbers);
  group.shapes.push_back(fit->shape);
}

void Samples::add_picture(const fs::path& file) {
  const bool fit = inputs_.size() == 1 && channel_axis(inputs_[0].dims) > 0 &&
                   (inputs_[0].dtype == DType::f32 || inputs_[0].dtype == DType::u8);
  if (!fit) {
    std::string wanted;
    for (const Input& i : inputs_)
      wanted +=
          (wanted.empty() ? "" : ", ") + ("'" + i.name + "' " + name(i.dtype) + " ") + dims_text(i.dims);
    report::bad_input(
        file.string() +
        ": pictures need a model with one input [1, C, H, W] or [1, H, W, C] of 1 or 3 channels, f32 or "
        "u8; this one takes " +
        wanted + "; fix open sizes with --shape, or give .npy files");
  }
  const std::int64_t channels = inputs_[0].dims[static_cast<std::size_t>(channel_axis(inputs_[0].dims))];
  for (const auto* option : {&pixels_.mean, &pixels_.deviation})
    if (option->size() > 1 && static_cast<std::int64_t>(option->size()) != channels)
      report::bad_usage("--mean and --std take one number, or one for each of the " +
                        std::to_string(channels) + " channels of input '" + inputs_[0].name + "'");
  if (inputs_[0].dtype == DType::u8 && (!pixels_.mean.empty() || !pixels_.deviation.empty()))
    report::bad_usage("--mean and --std: input '" + inputs_[0].name + "' takes u8 pixels as they are");
  Group group;
  group.picture = file;
  groups_.push_back(std::move(group));
}

ConstantPtr Samples::picture(const fs::path& file) const {
  const Input& input = inputs_[0];
  const bool channels_first = channel_axis(input.dims) == 1;
  Shape shape = one(input.dims);
  const index_t channels = shape[channels_first ? 1 : 3], height = shape[channels_first ? 2 : 1],
                width = shape[channels_first ? 3 : 2];
  const ConstantPtr image = resized(io::read_image(file, static_cast<int>(channels)), height, width);
  const auto pixels = image->as<float>();
  const auto option = [](const std::vector<float>& numbers, index_t c, float fallback) {
    return numbers.empty() ? fallback : numbers[numbers.size() == 1 ? 0 : static_cast<std::size_t>(c)];
  };
  std::vector<double> result(pixels.size());
  for (index_t p = 0; p < height * width; ++p)
    for (index_t c = 0; c < channels; ++c) {
      const float v = pixels[static_cast<std::size_t>(p * channels + c)];
      const index_t to = channels_first ? c * height * width + p : p * channels + c;
      result[static_cast<std::size_t>(to)] =
          input.dtype == DType::u8 ? std::clamp(std::nearbyint(v), 0.0f, 255.0f)
                                   : (v / 255 - option(pixels_.mean, c, 0)) / option(pixels_.deviation, c, 1);
    }
  return passes::make_numbers(input.dtype, shape, result);
}

Sample Samples::at(std::size_t i) const {
  auto group = groups_.begin();
  for (; i >= group->count; ++group) i -= group->count;
  if (!group->picture.empty()) return {picture(group->picture)};
  Sample sample;
  for (std::size_t input = 0; input < inputs_.size(); ++input) {
    sample.push_back(nullptr);
    const ConstantPtr& array = group->arrays[input];
    if (!array) continue;
    auto slice = std::make_shared<graph::Constant>();
    slice->dtype = array->dtype;
    slice->shape = group->shapes[input];
    const std::size_t bytes = slice->view().bytes();
    slice->bytes.assign(array->bytes.begin() + static_cast<std::ptrdiff_t>(i * bytes),
                        array->bytes.begin() + static_cast<std::ptrdiff_t>((i + 1) * bytes));
    sample.back() = std::move(slice);
  }
  return sample;
}

std::string Samples::hash() const {
  std::vector<std::byte> parts;
  const auto add = [&](const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    parts.insert(parts.end(), bytes, bytes + size);
  };
  for (std::size_t i = 0; i < size_; ++i)
    for (const ConstantPtr& tensor : at(i)) {
      if (!tensor) continue;
      const auto contents = graph::hash(tensor->bytes);
      add(contents.data(), sizeof contents);
      for (index_t d : tensor->shape.dims()) add(&d, sizeof d);
    }
  return graph::hex(graph::hash(parts));
}

}  // namespace lithe::quantize
