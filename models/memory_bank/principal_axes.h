// SPDX-License-Identifier: Apache-2.0
// Principal axes of a symmetric positive semidefinite matrix.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::models {

struct PrincipalAxes {
  std::vector<double> variance;  // (D), descending, never negative
  std::vector<double> axes;      // (D, D), row r is the unit vector of variance[r], its largest component positive
};

// covariance: (D, D) row-major, symmetric and finite (assay::Error otherwise). Runs in one thread.
PrincipalAxes principal_axes(const std::vector<double>& covariance, int64_t dim);

}  // namespace assay::models
