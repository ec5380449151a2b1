// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "tools/report/difference.hpp"
#include "tools/report/progress.hpp"

namespace lithe::quantize {

namespace {

constexpr std::size_t largest_kept = std::size_t{256} << 20;

std::vector<graph::ConstantPtr> outputs_of(Session& session) {
  std::vector<graph::ConstantPtr> outputs;
  for (int o = 0; o < session.outputs(); ++o) {
    const TensorView t = session.output(o);
    auto copy = std::make_shared<graph::Constant>();
    copy->dtype = t.dtype;
    copy->shape = t.shape;
    copy->bytes.resize(t.bytes());
    if (t.bytes() != 0) std::memcpy(copy->bytes.data(), t.data, t.bytes());
    outputs.push_back(std::move(copy));
  }
  return outputs;
}

/// Classes of a result [N, classes] or [N, classes, 1 ...], else 0.
std::size_t classes(const Shape& shape) {
  if (shape.rank() < 2 || shape[1] < 2 || shape.product(2, shape.rank()) != 1) return 0;
  return static_cast<std::size_t>(shape[1]);
}

void add(OutputAccuracy& to, const TensorView& got, const TensorView& wanted) {
  const std::vector<double> a = report::reals(got), b = report::reals(wanted);
  if (a.size() != b.size()) return;
  for (std::size_t i = 0; i < a.size(); ++i) {
    to.signal += b[i] * b[i];
    to.noise += (a[i] - b[i]) * (a[i] - b[i]);
  }
  to.error = std::max(to.error, report::measure(got, wanted).relative());
  const auto width = static_cast<std::ptrdiff_t>(classes(wanted.shape));
  for (std::ptrdiff_t at = 0; width != 0 && at < static_cast<std::ptrdiff_t>(b.size()); at += width) {
    const auto best = [&](const std::vector<double>& v) {
      return std::max_element(v.begin() + at, v.begin() + at + width) - v.begin();
    };
    ++to.rows;
    to.agreeing += best(a) == best(b);
  }
}

}  // namespace

double OutputAccuracy::snr_db() const {
  constexpr double smallest = 1e-30;
  return noise == 0 ? std::numeric_limits<double>::infinity()
                    : 10 * std::log10(std::max(signal, smallest) / noise);
}

double Accuracy::error() const {
  double largest = 0;
  for (const OutputAccuracy& o : outputs) largest = std::max(largest, o.error);
  return largest;
}

double Accuracy::relative_noise() const {
  double sum = 0;
  for (const OutputAccuracy& o : outputs)
    sum += o.noise / std::max(o.signal, std::numeric_limits<double>::min());
  return sum;
}

const OutputAccuracy* Accuracy::worst() const {
  const auto found = std::min_element(outputs.begin(), outputs.end(),
                                      [](const auto& a, const auto& b) { return a.snr_db() < b.snr_db(); });
  return found == outputs.end() ? nullptr : &*found;
}

Judge::Judge(const graph::Model& floating, const Samples& samples, std::size_t most, std::size_t threads)
    : floating_(floating), samples_(samples), threads_(threads) {
  const std::size_t count = std::min(most, samples.size());
  for (std::size_t i = 0; i < count; ++i) indices_.push_back(i * samples.size() / count);
  kept_.resize(count);
}

const std::vector<graph::ConstantPtr>& Judge::wanted(std::size_t i) {
  if (!kept_[i].empty()) return kept_[i];
  if (!reference_) reference_.emplace(floating_, threads_);
  reference_->run(samples_, indices_[i]);
  last_ = outputs_of(*reference_->session());
  std::size_t bytes = 0;
  for (const auto& t : last_) bytes += t->bytes.size();
  if (kept_bytes_ + bytes > largest_kept) return last_;
  kept_bytes_ += bytes;
  return kept_[i] = last_;
}

Accuracy Judge::compare(const graph::Model& model) {
  Accuracy result;
  result.samples = indices_.size();
  const graph::Graph& main = floating_.graphs[0];
  for (graph::ValueId v : main.outputs)
    if (is_float(main.value(v).dtype)) result.outputs.emplace_back().name = main.value(v).name;
  Runner runner(model, threads_);
  report::Progress progress("measuring", indices_.size());
  for (std::size_t i = 0; i < indices_.size(); ++i, progress.advance()) {
    runner.run(samples_, indices_[i]);
    const std::vector<graph::ConstantPtr>& reference = wanted(i);
    std::size_t at = 0;
    for (std::size_t o = 0; o < main.outputs.size(); ++o)
      if (is_float(main.value(main.outputs[o]).dtype))
        add(result.outputs[at++], runner.session()->output(static_cast<int>(o)), reference[o]->view());
  }
  return result;
}

}  // namespace lithe::quantize
