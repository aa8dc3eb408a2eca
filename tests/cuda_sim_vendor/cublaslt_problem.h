// SPDX-License-Identifier: Apache-2.0
// One matrix product as cublasLtMatmul and its heuristic see it, and the rules it must keep.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <string>

#include "tests/cuda_sim_vendor/cublaslt_descriptors.h"
#include "tests/cuda_sim_vendor/elements.h"

namespace assay::cuda_sim_vendor {

struct Descriptors {
  cublasLtMatmulDesc_t desc;
  cublasLtMatrixLayout_t a, b, c, d;
};

struct Problem {
  MatmulDesc desc;
  Layout a, b, c, d;
  int64_t m, n, k;  // D is m x n
  int64_t batch;
  InputRounding rounding;
  bool integer;  // accumulates in int32
  bool accumulates_in_half;
};

struct Verdict {
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  std::string why;  // which rule was broken
};

// Reads the descriptors and checks all that does not need the matrices themselves.
Verdict make_problem(const Descriptors& descriptors, Problem* problem);

// Elements from the first of a matrix to behind its last.
inline int64_t extent(const Layout& layout) {
  const int64_t rows = static_cast<int64_t>(layout.rows), columns = static_cast<int64_t>(layout.columns);
  if (rows == 0 || columns == 0) return 0;
  return layout.order == CUBLASLT_ORDER_ROW ? (rows - 1) * layout.ld + columns : (columns - 1) * layout.ld + rows;
}
inline size_t batch_bytes(const Layout& layout) {
  const int64_t elements = (layout.batch_count - 1) * layout.batch_stride + extent(layout);
  return static_cast<size_t>(elements) * element_bytes(static_cast<cudaDataType_t>(layout.type));
}
inline int64_t element_index(const Layout& layout, int64_t row, int64_t column) {
  return layout.order == CUBLASLT_ORDER_ROW ? row * layout.ld + column : column * layout.ld + row;
}

inline bool has_bias(const Problem& p) { return (p.desc.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }
inline cudaDataType_t bias_type(const Problem& p) {
  return static_cast<cudaDataType_t>(p.desc.bias_type >= 0 ? p.desc.bias_type : p.d.type);
}

// The simulated algorithms. They sum in different orders, so that no two give the same bits in general.
enum class Algorithm : uint32_t {
  kSplit,       // K in kSplits parts, whose sums lie in the workspace
  kWideLoads,   // four interleaved sums; matrices must be aligned to 16 bytes
  kSequential,  // one sum; takes everything
};
constexpr int64_t kSplits = 3;

// The content of a cublasLtMatmulAlgo_t.
struct ChosenAlgorithm {
  static constexpr uint32_t kMagic = 0x416c676f;
  uint32_t magic;
  Algorithm algorithm;
  uint64_t configuration;  // of the problem it was chosen for: types, orders, transposes, epilogue
};
static_assert(sizeof(ChosenAlgorithm) <= sizeof(cublasLtMatmulAlgo_t));

uint64_t configuration_of(const Problem& problem);
size_t workspace_bytes(const Problem& problem, Algorithm algorithm);
uint32_t alignment_bytes(const Problem& problem, const Layout& layout, Algorithm algorithm);

}  // namespace assay::cuda_sim_vendor
