// SPDX-License-Identifier: Apache-2.0
// The equations of attention.h over whole matrices in double, for contiguous (B, T, NH, HD) operands, with bounds of
// float32's errors; and the cases of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::kernels::ref {

struct AttentionCase {
  int64_t batch, tokens, heads, width;
  int64_t size() const { return batch * tokens * heads * width; }
  // Of channel 0 of a token and head.
  int64_t at(int64_t image, int64_t token, int64_t head) const {
    return ((image * tokens + token) * heads + head) * width;
  }
};

// Tokens around the tiles of 16, 32 and 64; widths around vectors and both sizes of CUDA's tiles.
inline const std::vector<AttentionCase> kAttentionCases = {
    {0, 4, 1, 8},   {1, 0, 2, 8},   {1, 1, 1, 1},    {1, 2, 1, 3},    {2, 5, 3, 8},   {1, 15, 2, 16}, {1, 16, 1, 17},
    {1, 17, 1, 32}, {1, 31, 1, 64}, {1, 32, 2, 64},  {2, 33, 1, 64},  {1, 63, 1, 20}, {1, 64, 1, 64}, {1, 65, 1, 63},
    {1, 15, 1, 65}, {1, 33, 1, 96}, {1, 34, 2, 128}, {1, 100, 2, 64}, {1, 130, 1, 14}};

struct Attention {
  std::vector<double> out, lse;
  std::vector<double> out_tolerance, lse_tolerance;
};

// A score is off by a dot product's roundings; e^score by that, relatively; and out by as much of sum p |v|.
inline Attention attention_forward(const std::vector<double>& q, const std::vector<double>& k,
                                   const std::vector<double>& v, const AttentionCase& s) {
  Attention result;
  result.out.resize(s.size()), result.out_tolerance.resize(s.size());
  const double u = 0x1p-24, scale = 1 / std::sqrt(static_cast<double>(s.width));
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      for (int64_t i = 0; i < s.tokens; ++i) {
        std::vector<double> scores(s.tokens);
        double maximum = -INFINITY, largest_size = 0, sum = 0;
        for (int64_t j = 0; j < s.tokens; ++j) {
          double score = 0, size = 0;
          for (int64_t c = 0; c < s.width; ++c) {
            const double term = q[s.at(b, i, h) + c] * k[s.at(b, j, h) + c] * scale;
            score += term, size += std::fabs(term);
          }
          scores[j] = score;
          maximum = std::max(maximum, score), largest_size = std::max(largest_size, size);
        }
        for (const double score : scores) sum += std::exp(score - maximum);
        const double score_off = (s.width + 4) * u * largest_size + 2 * u * std::fabs(maximum);
        const double power_off = 2 * score_off + (s.tokens + 16) * u;  // relative: of a power and of their sum
        result.lse.push_back(maximum + std::log(sum));
        result.lse_tolerance.push_back(power_off + 4 * u * std::fabs(result.lse.back()));
        for (int64_t c = 0; c < s.width; ++c) {
          double out = 0, size = 0;
          for (int64_t j = 0; j < s.tokens; ++j) {
            const double term = std::exp(scores[j] - maximum) / sum * v[s.at(b, j, h) + c];
            out += term, size += std::fabs(term);
          }
          result.out[s.at(b, i, h) + c] = out;
          result.out_tolerance[s.at(b, i, h) + c] = (power_off + s.tokens * u) * size;
        }
      }
    }
  }
  return result;
}

struct AttentionGrads {
  std::vector<double> q, k, v;
  std::vector<double> q_tolerance, k_tolerance, v_tolerance;
};

// Of one image and head, added to grads.
inline void attention_backward_head(const std::vector<double>& q, const std::vector<double>& k,
                                    const std::vector<double>& v, const Attention& forward,
                                    const std::vector<double>& grad_out, const AttentionCase& s, int64_t b, int64_t h,
                                    AttentionGrads* grads) {
  const double u = 0x1p-24, scale = 1 / std::sqrt(static_cast<double>(s.width));
  for (int64_t i = 0; i < s.tokens; ++i) {
    const int64_t at_i = s.at(b, i, h);
    double delta = 0, delta_size = 0;
    for (int64_t c = 0; c < s.width; ++c) {
      delta += grad_out[at_i + c] * forward.out[at_i + c];
      delta_size += std::fabs(grad_out[at_i + c] * forward.out[at_i + c]);
    }
    const double lse = forward.lse[(b * s.heads + h) * s.tokens + i];
    for (int64_t j = 0; j < s.tokens; ++j) {
      const int64_t at_j = s.at(b, j, h);
      double score = 0, score_size = 0, dp = 0, dp_size = 0;
      for (int64_t c = 0; c < s.width; ++c) {
        score += q[at_i + c] * k[at_j + c] * scale, score_size += std::fabs(q[at_i + c] * k[at_j + c] * scale);
        dp += grad_out[at_i + c] * v[at_j + c], dp_size += std::fabs(grad_out[at_i + c] * v[at_j + c]);
      }
      const double p = std::exp(score - lse), ds = p * (dp - delta) * scale;
      const double power_off = (s.width + 6) * u * score_size + 2 * u * std::fabs(lse) + 8 * u;  // relative
      const double ds_size = p * (dp_size + delta_size) * scale;
      const double ds_off = ds_size * ((s.width + 8) * u + power_off) + s.tokens * u * ds_size;
      const double p_off = p * (power_off + s.tokens * u);
      for (int64_t c = 0; c < s.width; ++c) {
        grads->q[at_i + c] += ds * k[at_j + c], grads->q_tolerance[at_i + c] += ds_off * std::fabs(k[at_j + c]);
        grads->k[at_j + c] += ds * q[at_i + c], grads->k_tolerance[at_j + c] += ds_off * std::fabs(q[at_i + c]);
        grads->v[at_j + c] += p * grad_out[at_i + c];
        grads->v_tolerance[at_j + c] += p_off * std::fabs(grad_out[at_i + c]);
      }
    }
  }
}

// forward: out and lse as they were saved.
inline AttentionGrads attention_backward(const std::vector<double>& q, const std::vector<double>& k,
                                         const std::vector<double>& v, const Attention& forward,
                                         const std::vector<double>& grad_out, const AttentionCase& s) {
  AttentionGrads grads;
  for (auto* values : {&grads.q, &grads.k, &grads.v, &grads.q_tolerance, &grads.k_tolerance, &grads.v_tolerance}) {
    values->assign(s.size(), 0);
  }
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) attention_backward_head(q, k, v, forward, grad_out, s, b, h, &grads);
  }
  return grads;
}

// Compulsory traffic: q, k, v and out once; backward reads those and grad_out, and writes three gradients. The products
// of forward are two of T x T x HD, those of backward five.
inline double attention_forward_bytes(const AttentionCase& s) { return 4.0 * 4 * s.size(); }
inline double attention_forward_flop(const AttentionCase& s) { return 4.0 * s.size() * s.tokens; }
inline double attention_backward_bytes(const AttentionCase& s) { return 4.0 * 8 * s.size(); }
inline double attention_backward_flop(const AttentionCase& s) { return 10.0 * s.size() * s.tokens; }

}  // namespace assay::kernels::ref
