// SPDX-License-Identifier: Apache-2.0
#include "tools/import/formats.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

namespace lithe::import {

namespace {

constexpr const char* pytorch =
    "a PyTorch file; load it in Python and run: torch.onnx.export(model, example_inputs, \"model.onnx\")";
constexpr const char* executorch =
    "an ExecuTorch program; export the PyTorch model it was made from: torch.onnx.export(model, "
    "example_inputs, \"model.onnx\")";
constexpr const char* tflite =
    "a TensorFlow Lite model; run: python -m tf2onnx.convert --tflite MODEL.tflite --output model.onnx";
constexpr const char* saved_model =
    "a TensorFlow SavedModel; run: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx";
constexpr const char* frozen_graph =
    "a TensorFlow graph; run: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx (or "
    "--graphdef FILE.pb --inputs X:0 --outputs Y:0)";
constexpr const char* keras =
    "a Keras model; run: python -m tf2onnx.convert --keras MODEL --output model.onnx";
constexpr const char* engine =
    "a TensorRT engine, compiled for one GPU; convert the ONNX model it was built from";
constexpr const char* core_ml =
    "a Core ML model; run: python -c \"import coremltools, onnxmltools; "
    "onnxmltools.utils.save_model(onnxmltools.convert_coreml(coremltools.utils.load_spec('MODEL.mlmodel')), "
    "'model.onnx')\"";
constexpr const char* safetensors =
    "a file of weights (safetensors) without a graph; run: optimum-cli export onnx --model FOLDER "
    "onnx_folder";
constexpr const char* gguf =
    "a GGUF file of weights without a graph; run: optimum-cli export onnx --model ORIGINAL_MODEL onnx_folder";
constexpr const char* pickle =
    "a Python pickle; for scikit-learn run: skl2onnx.to_onnx(model, X[:1]).SerializeToString(), for PyTorch "
    "torch.onnx.export";
constexpr const char* paddle =
    "a PaddlePaddle model; run: paddle2onnx --model_dir FOLDER --model_filename MODEL.pdmodel "
    "--params_filename MODEL.pdiparams --save_file model.onnx";
constexpr const char* openvino = "an OpenVINO model; convert the ONNX model it was made from";
constexpr const char* converted = "a lithe model already; use it as it is (lithe inspect, lithe run)";

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* meaning;
};

constexpr Signature signatures[] = {
    {4, "TFL3", tflite},
    {8, "LITH", converted},
    {4, "ET12", executorch},
    {4, "ORTM", "an ONNX Runtime model in its own format (.ort); convert the .onnx it was made from"},
    {0, "ftrt", engine},
    {0, "ptrt", engine},
    {0, "\x89HDF\r\n", keras},
    {0, "GGUF", gguf},
    {0, "\x93NUMPY", "a NumPy array, not a model"},
    {0, "7767517\n", "an ncnn model; convert the ONNX model it was made from"},
    {0, "version https://git-lfs", "a Git LFS pointer, not the model itself; run: git lfs pull"},
    {0, "<?xml", openvino},
    {0, "<!DOCTYPE", "a web page, not a model; download the raw file"},
    {0, "<!doctype", "a web page, not a model; download the raw file"},
    {0, "<html", "a web page, not a model; download the raw file"},
    {0, "\x1f\x8b", "compressed with gzip; run: gunzip FILE"},
    {0, "\x80\x02", pickle},
    {0, "\x80\x03", pickle},
    {0, "\x80\x04", pickle},
    {0, "\x80\x05", pickle},
};

struct Extension {
  std::string_view text;
  const char* meaning;
};

constexpr Extension extensions[] = {
    {".pt", pytorch},
    {".pth", pytorch},
    {".ckpt", pytorch},
    {".ts", pytorch},
    {".torchscript", pytorch},
    {".pt2", pytorch},
    {".pte", executorch},
    {".tflite", tflite},
    {".lite", tflite},
    {".h5", keras},
    {".hdf5", keras},
    {".keras", keras},
    {".engine", engine},
    {".plan", engine},
    {".trt", engine},
    {".mlmodel", core_ml},
    {".mlpackage", core_ml},
    {".mlmodelc", core_ml},
    {".safetensors", safetensors},
    {".gguf", gguf},
    {".pkl", pickle},
    {".joblib", pickle},
    {".pdmodel", paddle},
    {".xml", openvino},
    {".pb", frozen_graph},
    {".pbtxt", frozen_graph},
    {".lithe", converted},
};

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A zip archive: PyTorch's, Keras's, or something else.
const char* archive(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 64 * 1024);
  if (head.find("data.pkl") != head.npos || head.find("constants.pkl") != head.npos ||
      head.find("/version") != head.npos)
    return pytorch;
  if (head.find("config.json") != head.npos) return keras;
  if (head.find(".npy") != head.npos) return "a NumPy archive, not a model";
  return "a zip archive; unpack it and convert the .onnx file inside";
}

}  // namespace

std::string other_format_by_content(std::span<const std::byte> bytes) {
  const std::string_view all = text(bytes);
  for (const Signature& s : signatures)
    if (all.size() >= s.offset + s.bytes.size() && all.substr(s.offset, s.bytes.size()) == s.bytes)
      return s.meaning;
  if (all.starts_with("PK\x03\x04")) return archive(all);
  // safetensors: the length of a JSON header in 8 bytes, then the header
  if (all.size() > 10 && all.substr(5, 3) == std::string_view("\0\0\0", 3) && all.substr(8, 2) == "{\"")
    return safetensors;
  return {};
}

std::string other_format_by_name(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path / "saved_model.pb", ignored) || path.filename() == "saved_model.pb")
    return saved_model;
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const Extension& e : extensions)
    if (extension == e.text) return e.meaning;
  return {};
}

}  // namespace lithe::import
