// SPDX-License-Identifier: Apache-2.0
// The equations of linear_attention.h in double, for contiguous (B, T, NH, HD) operands, with bounds of float32's
// errors. The cases are attention's.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/attention/attention_ref.h"

namespace assay::kernels::ref {

inline double phi(double x) { return x > 0 ? x + 1 : std::exp(x); }
inline double phi_slope(double x) { return x > 0 ? 1 : std::exp(x); }

struct LinearAttention {
  std::vector<double> out, kv, k_sum;
  std::vector<double> out_tolerance, kv_tolerance, k_sum_tolerance;
  std::vector<double> kv_size, out_size;  // the sums of their terms' magnitudes
};

// All terms of n are positive, so a sum over T or HD terms is off by that many roundings relatively; phi by a few.
inline double linear_attention_roundings(const AttentionCase& s) { return (s.tokens + 2 * s.width + 24) * 0x1p-24; }

inline LinearAttention linear_attention_forward(const std::vector<double>& q, const std::vector<double>& k,
                                                const std::vector<double>& v, const AttentionCase& s, double eps) {
  LinearAttention f;
  f.out.assign(s.size(), 0), f.out_size.assign(s.size(), 0), f.out_tolerance.assign(s.size(), 0);
  const int64_t heads = s.batch * s.heads, w = s.width;
  f.kv.assign(heads * w * w, 0), f.kv_size.assign(heads * w * w, 0), f.k_sum.assign(heads * w, 0);
  for (int64_t index = 0; index < heads; ++index) {
    const int64_t b = index / s.heads, h = index % s.heads;
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t d = 0; d < w; ++d) {
        const double p = phi(k[s.at(b, t, h) + d]);
        f.k_sum[index * w + d] += p;
        for (int64_t e = 0; e < w; ++e) {
          f.kv[(index * w + d) * w + e] += p * v[s.at(b, t, h) + e];
          f.kv_size[(index * w + d) * w + e] += p * std::fabs(v[s.at(b, t, h) + e]);
        }
      }
    }
    for (int64_t t = 0; t < s.tokens; ++t) {
      double n = eps;
      for (int64_t d = 0; d < w; ++d) n += phi(q[s.at(b, t, h) + d]) * f.k_sum[index * w + d];
      for (int64_t e = 0; e < w; ++e) {
        const int64_t place = s.at(b, t, h) + e;
        for (int64_t d = 0; d < w; ++d) {
          f.out[place] += phi(q[s.at(b, t, h) + d]) * f.kv[(index * w + d) * w + e] / n;
          f.out_size[place] += phi(q[s.at(b, t, h) + d]) * f.kv_size[(index * w + d) * w + e] / n;
        }
        f.out_tolerance[place] = 2 * linear_attention_roundings(s) * f.out_size[place];
      }
    }
  }
  for (const double size : f.kv_size) f.kv_tolerance.push_back(linear_attention_roundings(s) * size);
  for (const double sum : f.k_sum) f.k_sum_tolerance.push_back(linear_attention_roundings(s) * sum);
  return f;
}

// grad_q of one row; adds the row's share to grad_kv and grad_k_sum (with the sizes of their terms).
struct LinearGradSums {
  std::vector<double> kv, kv_size, k_sum, k_sum_size;
};
inline void linear_attention_grad_q_row(const std::vector<double>& q, const LinearAttention& f,
                                        const std::vector<double>& grad_out, const AttentionCase& s, int64_t index,
                                        int64_t row, double eps, AttentionGrads* grads, LinearGradSums* sums) {
  const int64_t w = s.width;
  double n = eps, m = 0, m_size = 0;
  for (int64_t d = 0; d < w; ++d) n += phi(q[row + d]) * f.k_sum[index * w + d];
  for (int64_t e = 0; e < w; ++e) {
    m -= grad_out[row + e] * f.out[row + e] / n;
    m_size += std::fabs(grad_out[row + e]) * f.out_size[row + e] / n;
  }
  for (int64_t d = 0; d < w; ++d) {
    const double p = phi(q[row + d]);
    double grad = m * f.k_sum[index * w + d], size = m_size * f.k_sum[index * w + d];
    sums->k_sum[d] += m * p, sums->k_sum_size[d] += m_size * p;
    for (int64_t e = 0; e < w; ++e) {
      const double g = grad_out[row + e] / n;
      grad += f.kv[(index * w + d) * w + e] * g, size += f.kv_size[(index * w + d) * w + e] * std::fabs(g);
      sums->kv[d * w + e] += p * g, sums->kv_size[d * w + e] += p * std::fabs(g);
    }
    grads->q[row + d] = grad * phi_slope(q[row + d]);
    grads->q_tolerance[row + d] = 4 * linear_attention_roundings(s) * size * phi_slope(q[row + d]);
  }
}

inline AttentionGrads linear_attention_backward(const std::vector<double>& q, const std::vector<double>& k,
                                                const std::vector<double>& v, const LinearAttention& f,
                                                const std::vector<double>& grad_out, const AttentionCase& s,
                                                double eps) {
  AttentionGrads grads;
  for (auto* values : {&grads.q, &grads.k, &grads.v, &grads.q_tolerance, &grads.k_tolerance, &grads.v_tolerance}) {
    values->assign(s.size(), 0);
  }
  const int64_t w = s.width;
  for (int64_t index = 0; index < s.batch * s.heads; ++index) {
    const int64_t b = index / s.heads, h = index % s.heads;
    LinearGradSums sums = {std::vector<double>(w * w), std::vector<double>(w * w), std::vector<double>(w),
                           std::vector<double>(w)};
    for (int64_t t = 0; t < s.tokens; ++t) {
      linear_attention_grad_q_row(q, f, grad_out, s, index, s.at(b, t, h), eps, &grads, &sums);
    }
    const double off = 4 * linear_attention_roundings(s);
    for (int64_t t = 0; t < s.tokens; ++t) {
      const int64_t row = s.at(b, t, h);
      for (int64_t d = 0; d < w; ++d) {
        double grad = sums.k_sum[d], size = sums.k_sum_size[d];
        for (int64_t e = 0; e < w; ++e) {
          grad += sums.kv[d * w + e] * v[row + e], size += sums.kv_size[d * w + e] * std::fabs(v[row + e]);
          grads.v[row + e] += sums.kv[d * w + e] * phi(k[row + d]);
          grads.v_tolerance[row + e] += off * sums.kv_size[d * w + e] * phi(k[row + d]);
        }
        grads.k[row + d] = grad * phi_slope(k[row + d]);
        grads.k_tolerance[row + d] = off * size * phi_slope(k[row + d]);
      }
    }
  }
  return grads;
}

// Compulsory traffic as attention's. Forward makes two products of T x HD x HD, backward four.
inline double linear_attention_forward_flop(const AttentionCase& s) { return 4.0 * s.size() * s.width; }
inline double linear_attention_backward_flop(const AttentionCase& s) { return 8.0 * s.size() * s.width; }

}  // namespace assay::kernels::ref
