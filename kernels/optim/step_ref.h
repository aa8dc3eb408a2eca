// SPDX-License-Identifier: Apache-2.0
// The equations of step.h for one tensor in double, with a bound of what float32 may have lost so far.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/optim/step.h"

namespace assay::kernels::ref {

struct OptimState {
  std::vector<double> p, m, v, w;  // parameter, moments, the largest second moment
  std::vector<double> m_size;      // the first moment of |g|: what errors of m are measured against
  std::vector<double> tolerance;   // of p
  explicit OptimState(const std::vector<float>& start)
      : p(start.begin(), start.end()),
        m(start.size()),
        v(start.size()),
        w(start.size()),
        m_size(start.size()),
        tolerance(start.size()) {}
  // p moves by `move`, whose terms have the size `size`, after `roundings` in its making.
  void move(size_t i, double by, double size, double roundings) {
    p[i] -= by;
    tolerance[i] += 0x1p-24 * (3 * std::fabs(p[i]) + roundings * size);
  }
};

// Of the moments' recursion t steps long, three roundings each, and of one step.
inline double optim_roundings(int64_t step) { return 3.0 * static_cast<double>(step) + 20; }

inline void sgd(OptimState* s, const std::vector<float>& grad, double scale, double rate, double momentum, double decay,
                int64_t step) {
  for (size_t i = 0; i < s->p.size(); ++i) {
    const double g = grad[i] * scale + decay * s->p[i];
    s->m[i] = momentum * s->m[i] + g;
    s->m_size[i] = momentum * s->m_size[i] + std::fabs(grad[i] * scale) + decay * std::fabs(s->p[i]);
    s->move(i, rate * s->m[i], rate * s->m_size[i], optim_roundings(step));
  }
}

struct AdamSettings {
  double rate, beta1, beta2, eps, decay;
  bool decoupled, amsgrad;
};

// Moves the moments of element i; returns sqrt(v / c2) + eps.
inline double adam_moments(OptimState* s, size_t i, double g, const AdamSettings& a, int64_t step) {
  s->m[i] = a.beta1 * s->m[i] + (1 - a.beta1) * g;
  s->m_size[i] = a.beta1 * s->m_size[i] + (1 - a.beta1) * std::fabs(g);
  s->v[i] = a.beta2 * s->v[i] + (1 - a.beta2) * g * g;
  s->w[i] = a.amsgrad ? std::max(s->w[i], s->v[i]) : s->v[i];
  return std::sqrt(s->w[i] / (1 - std::pow(a.beta2, step))) + a.eps;
}

inline void adam(OptimState* s, const std::vector<float>& grad, double scale, const AdamSettings& a, int64_t step) {
  for (size_t i = 0; i < s->p.size(); ++i) {
    const double g = grad[i] * scale + (a.decoupled ? 0 : a.decay * s->p[i]);
    const double denominator = adam_moments(s, i, g, a, step), rate = a.rate / (1 - std::pow(a.beta1, step));
    if (a.decoupled) s->p[i] *= 1 - a.rate * a.decay;
    s->move(i, rate * s->m[i] / denominator, rate * s->m_size[i] / denominator, optim_roundings(step));
  }
}

inline void stable_adamw(OptimState* s, const std::vector<float>& grad, double scale, const AdamSettings& a,
                         double clip, int64_t step) {
  std::vector<double> denominators;
  double squares = 0;
  for (size_t i = 0; i < s->p.size(); ++i) {
    denominators.push_back(adam_moments(s, i, grad[i] * scale, a, step));
    squares += std::pow(grad[i] * scale / denominators[i], 2) / static_cast<double>(s->p.size());
  }
  const double rate = a.rate / (1 - std::pow(a.beta1, step)) / std::max(1.0, std::sqrt(squares) / clip);
  for (size_t i = 0; i < s->p.size(); ++i) {
    s->p[i] *= 1 - a.rate * a.decay;
    // RMS(u) adds the roundings of a run of 256 squares in four partial sums.
    s->move(i, rate * s->m[i] / denominators[i], rate * s->m_size[i] / denominators[i], optim_roundings(step) + 70);
  }
}

// Arrays read and written once: sgd 3 + 2, adam with amsgrad 5 + 4, stable_adamw 5 + 3 and 3 + 1 in its second pass.
inline double sgd_bytes(int64_t count) { return 4.0 * 5 * count; }
inline double adam_bytes(int64_t count, bool amsgrad) { return 4.0 * (amsgrad ? 9 : 7) * count; }
inline double stable_adamw_bytes(int64_t count) { return 4.0 * 11 * count; }
inline double stable_adamw_flop(int64_t count) { return 25.0 * count; }

}  // namespace assay::kernels::ref
