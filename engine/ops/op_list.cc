// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/op_list.h"

#include "kernels/blur/gaussian_blur.h"
#include "kernels/coreset/greedy_k_center.h"
#include "kernels/elementwise/add_row.h"
#include "kernels/elementwise/convert_bfloat16.h"
#include "kernels/elementwise/convert_float16.h"
#include "kernels/elementwise/normalise_rows.h"
#include "kernels/gather/gather.h"
#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/interpolate/bicubic_resize.h"
#include "kernels/interpolate/bilinear_resize.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/packed_bank.h"
#include "kernels/knn/segment_minimum.h"
#include "kernels/knn/top_k.h"
#include "kernels/matmul/gemm.h"
#include "kernels/norm/batch_norm.h"
#include "kernels/pool/neighbourhood_mean.h"
#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/nearest_resize.h"

namespace assay::ops {
namespace {

template <class... Args>
ListedOp listed(const char* op, const KernelTable<Args>&... kernels) {
  return {op, {{kernels.name, kernels.cpu != nullptr, kernels.cuda != nullptr}...}};
}

}  // namespace

const std::vector<ListedOp>& op_list() {
  static const std::vector<ListedOp> list = {
      listed("add_row", kernels::add_row),
      listed("antialias_resize", kernels::antialias_resize),
      listed("batch_norm_apply", kernels::batch_norm_apply),
      listed("coreset_greedy", kernels::greedy_k_center),
      listed("from_bfloat16", kernels::from_bfloat16),
      listed("gather_columns", kernels::gather_columns),
      listed("gather_rows", kernels::gather_rows),
      listed("gaussian_blur", kernels::gaussian_blur),
      listed("mahalanobis", kernels::mahalanobis),
      listed("matmul", kernels::gemm),
      listed("nearest_neighbour", kernels::nearest_neighbour),
      listed("nearest_resize", kernels::nearest_resize),
      listed("neighbourhood_mean", kernels::neighbourhood_mean),
      listed("normalise_rows", kernels::normalise_rows),
      listed("packed_bank", kernels::pack_bank),
      listed("place_columns", kernels::place_columns),
      listed("position_gaussians", kernels::covariance_accumulate, kernels::covariance_finish, kernels::cholesky),
      listed("resize_bicubic", kernels::bicubic_resize),
      listed("resize_bilinear", kernels::bilinear_resize),
      listed("segment_minimum", kernels::segment_minimum),
      listed("to_bfloat16", kernels::to_bfloat16),
      listed("to_float16", kernels::to_float16),
      listed("to_float32", kernels::from_float16),
      listed("top_k_neighbours", kernels::top_k),
  };
  return list;
}

}  // namespace assay::ops
