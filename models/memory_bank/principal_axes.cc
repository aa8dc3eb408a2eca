// SPDX-License-Identifier: Apache-2.0
#include "models/memory_bank/principal_axes.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "kernels/base/check.h"

namespace assay::models {

PrincipalAxes principal_axes(const std::vector<double>& covariance, int64_t dim) {
  ASSAY_CHECK(static_cast<int64_t>(covariance.size()) == dim * dim, "principal_axes: ", covariance.size(),
              " values for a matrix of ", dim, " rows");
  for (const double v : covariance) ASSAY_CHECK(std::isfinite(v), "principal_axes: the covariance is not finite");
  const Eigen::Map<const Eigen::MatrixXd> matrix(covariance.data(), dim, dim);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  ASSAY_CHECK(solver.info() == Eigen::Success, "principal_axes: no convergence for a matrix of ", dim, " rows");
  PrincipalAxes result;
  result.variance.resize(dim);
  result.axes.resize(dim * dim);
  for (int64_t r = 0; r < dim; ++r) {
    const int64_t column = dim - 1 - r;  // the solver sorts ascending
    result.variance[r] = std::max(0.0, solver.eigenvalues()(column));
    const Eigen::VectorXd axis = solver.eigenvectors().col(column);
    Eigen::Index largest = 0;
    axis.cwiseAbs().maxCoeff(&largest);
    const double sign = axis(largest) < 0 ? -1 : 1;
    for (int64_t d = 0; d < dim; ++d) result.axes[r * dim + d] = sign * axis(d);
  }
  return result;
}

}  // namespace assay::models
