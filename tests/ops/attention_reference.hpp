// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lithe/ops/attention.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// An attention in double precision, as the specification writes it: scores, mask, softmax, sums.
class AttentionReference {
 public:
  using Attributes = ops::Attention::Attributes;

  static ReferenceTensor of(const Attributes& a, const std::vector<ReferenceTensor>& in) {
    return AttentionReference(a, in).output();
  }

 private:
  AttentionReference(const Attributes& a, const std::vector<ReferenceTensor>& in) : a_(a), in_(in) {
    heads_ = in[0].shape.rank() == 3 ? a.heads : in[0].shape[1];
    kv_heads_ = in[1].shape.rank() == 4 ? in[1].shape[1] : a.kv_heads == 0 ? heads_ : a.kv_heads;
    queries_ = rows(in[0]);
    keys_ = rows(in[1]);
    depth_ = in[0].shape.back() / (in[0].shape.rank() == 3 ? heads_ : 1);
    width_ = in[2].shape.back() / (in[2].shape.rank() == 3 ? kv_heads_ : 1);
  }

  static index_t rows(const ReferenceTensor& t) { return t.shape[t.shape.rank() - 2]; }
  /// Element `d` of row `i` of a head.
  static double element(const ReferenceTensor& t, index_t b, index_t head, index_t i, index_t d,
                        index_t depth) {
    return t.shape.rank() == 3 ? t.at(b, i, head * depth + d) : t.at(b, head, i, d);
  }
  double masked(double score, index_t b, index_t h, index_t i, index_t j) const {
    if (a_.softcap != 0) score = a_.softcap * std::tanh(score / a_.softcap);
    if (in_.size() > 3 && in_[3].shape.rank() >= 0 && in_[3].dtype != DType::none) {
      const ReferenceTensor& mask = in_[3];
      const index_t full[] = {b, h, i, j};
      std::vector<index_t> index;
      for (int axis = 0; axis < mask.shape.rank(); ++axis)
        index.push_back(mask.shape[axis] == 1 ? 0 : full[4 - mask.shape.rank() + axis]);
      const double value = mask[mask.offset(index)];
      score = mask.dtype != DType::boolean ? score + value
              : value != 0                 ? score
                                           : static_cast<double>(a_.fill);
    }
    const index_t last = a_.causal == ops::Causal::from_last ? i + keys_ - queries_ : i;
    return a_.causal != ops::Causal::none && j > last ? -std::numeric_limits<double>::infinity() : score;
  }

  ReferenceTensor output() const {
    const index_t batch = in_[0].shape[0];
    ReferenceTensor out(a_.heads_apart ? Shape{batch, heads_, queries_, width_}
                                       : Shape{batch, queries_, heads_ * width_});
    for (index_t b = 0; b < batch; ++b)
      for (index_t h = 0; h < heads_; ++h)
        for (index_t i = 0; i < queries_; ++i) {
          const std::vector<double> weights = softmax(b, h, i);
          for (index_t e = 0; e < width_; ++e) {
            double sum = 0;
            for (index_t j = 0; j < keys_; ++j) {
              const double weight = weights[static_cast<std::size_t>(j)];
              if (weight != 0) sum += weight * element(in_[2], b, h / (heads_ / kv_heads_), j, e, width_);
            }
            (a_.heads_apart ? out.at(b, h, i, e) : out.at(b, i, h * width_ + e)) = sum;
          }
        }
    return out;
  }
  std::vector<double> softmax(index_t b, index_t h, index_t i) const {
    std::vector<double> scores;
    for (index_t j = 0; j < keys_; ++j) {
      double dot = 0;
      for (index_t d = 0; d < depth_; ++d)
        dot +=
            element(in_[0], b, h, i, d, depth_) * element(in_[1], b, h / (heads_ / kv_heads_), j, d, depth_);
      const double scale =
          a_.scale != 0 ? static_cast<double>(a_.scale) : 1 / std::sqrt(static_cast<double>(depth_));
      scores.push_back(masked(dot * scale, b, h, i, j));
    }
    if (scores.empty()) return scores;
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s - largest);
    for (double& s : scores) s = a_.nan_is_zero && std::isnan(sum) ? 0 : s / sum;
    return scores;
  }

  const Attributes& a_;
  const std::vector<ReferenceTensor>& in_;
  index_t heads_, kv_heads_, queries_, keys_, depth_, width_;
};

inline ReferenceTensor reference_attention(const ops::Attention::Attributes& a,
                                           const std::vector<ReferenceTensor>& in) {
  return AttentionReference::of(a, in);
}

}  // namespace lithe::test
