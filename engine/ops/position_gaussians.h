// SPDX-License-Identifier: Apache-2.0
// A Gaussian per grid position: gathered from samples that come in blocks, and the distance from it (kernels/gaussian).
#pragma once

#include <cstdint>

#include "engine/memory/storage.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::ops {

// P Gaussians of D channels. T = D (D + 1) / 2.
struct PositionGaussians {
  Tensor mean;      // (P, D) float32
  Tensor cholesky;  // (P, T) float32: lower factor of the covariance, column after column, diagonal positive

  PositionGaussians to(Device device) const;
};

// Whether tensors that come from a file are P Gaussians of D channels: shapes, dtypes, finite values, positive
// diagonal. P, D >= 1; D < 2^31.
Status validate(const PositionGaussians& gaussians, int64_t positions, int64_t channels);

// Holds P D (D + 3) / 2 doubles until it is destroyed.
class GaussianAccumulator {
 public:
  // P, D >= 1. Throws assay::Error where the size overflows or memory is short. Samples must lie on the device.
  GaussianAccumulator(int64_t positions, int64_t channels, Device device = Device::cpu());

  // N more samples, (N, P, D) float32. The result depends on the order of samples, in its last bits, and neither on how
  // they are cut into blocks nor on the number of threads.
  void add(const Tensor& samples);
  int64_t count() const { return count_; }

  // Mean and factor of covariance (divisor N - 1; zero for a single sample) + regularisation * I. Ends the accumulator:
  // no call may follow. regularisation > 0; at least one sample. Throws assay::Error, naming the position, where a
  // matrix is not positive definite: samples that were not finite, or values beyond what the regularisation can mend.
  PositionGaussians finish(double regularisation) &&;

 private:
  Device device_;
  int64_t positions_;
  int64_t channels_;
  int64_t count_ = 0;
  Storage mean_;      // (P, D) double
  Storage comoment_;  // (P, T) double
};

// Mahalanobis distance of each row of x, (P, D) float32, from the Gaussian of its position: (P) float32. NaN where a
// row holds NaN. Safe from several threads at once.
Tensor mahalanobis(const PositionGaussians& gaussians, const Tensor& x);

}  // namespace assay::ops
