// SPDX-License-Identifier: Apache-2.0
// The rules of a matrix product in cuBLASLt, from its header and manual.
#include "tests/cuda_sim_vendor/cublaslt_problem.h"

#include <climits>

namespace assay::cuda_sim_vendor {
namespace {

Verdict invalid(const std::string& why) { return {CUBLAS_STATUS_INVALID_VALUE, why}; }
Verdict unsupported(const std::string& why) { return {CUBLAS_STATUS_NOT_SUPPORTED, why}; }

Verdict check_layout(const char* name, const Layout& layout) {
  const std::string matrix = std::string("matrix ") + name + ": ";
  if (element_bytes(static_cast<cudaDataType_t>(layout.type)) == 0) return unsupported(matrix + "its type");
  if (layout.order != CUBLASLT_ORDER_COL && layout.order != CUBLASLT_ORDER_ROW) {
    return unsupported(matrix + "its order");
  }
  if (layout.rows == 0 || layout.columns == 0) return invalid(matrix + "it is empty");
  if (layout.rows > INT_MAX || layout.columns > INT_MAX)
    return unsupported(matrix + "more than 2^31 - 1 rows or columns");
  const uint64_t contiguous = layout.order == CUBLASLT_ORDER_ROW ? layout.columns : layout.rows;
  if (layout.ld < 0 || static_cast<uint64_t>(layout.ld) < contiguous) {
    return invalid(matrix + "leading dimension " + std::to_string(layout.ld) + " for " + std::to_string(contiguous) +
                   " contiguous elements");
  }
  if (layout.batch_count < 1) return invalid(matrix + "batch count " + std::to_string(layout.batch_count));
  if (layout.batch_stride < 0) return invalid(matrix + "a negative stride");
  if (layout.plane_offset != 0) return unsupported(matrix + "planar complex");
  if (layout.batch_mode != CUBLASLT_BATCH_MODE_STRIDED) return unsupported(matrix + "a batch of pointers");
  return {};
}

bool is_transpose(int32_t operation) { return operation == CUBLAS_OP_T || operation == CUBLAS_OP_C; }

Verdict check_operations(const MatmulDesc& desc) {
  for (const int32_t operation : {desc.transpose_a, desc.transpose_b}) {
    if (operation != CUBLAS_OP_N && !is_transpose(operation)) return invalid("no such operation");
  }
  if (desc.transpose_c != CUBLAS_OP_N) return unsupported("a transposed C");
  if (desc.fill_mode != CUBLAS_FILL_MODE_FULL) return unsupported("a fill mode");
  if (desc.pointer_mode != CUBLASLT_POINTER_MODE_HOST) return unsupported("alpha and beta in device memory");
  return {};
}

Verdict check_shapes(Problem* p) {
  const bool ta = is_transpose(p->desc.transpose_a), tb = is_transpose(p->desc.transpose_b);
  p->m = static_cast<int64_t>(ta ? p->a.columns : p->a.rows);
  p->k = static_cast<int64_t>(ta ? p->a.rows : p->a.columns);
  p->n = static_cast<int64_t>(tb ? p->b.rows : p->b.columns);
  const int64_t k_of_b = static_cast<int64_t>(tb ? p->b.columns : p->b.rows);
  if (k_of_b != p->k)
    return invalid("op(A) has " + std::to_string(p->k) + " columns, op(B) " + std::to_string(k_of_b) + " rows");
  for (const Layout* layout : {&p->c, &p->d}) {
    if (static_cast<int64_t>(layout->rows) != p->m || static_cast<int64_t>(layout->columns) != p->n) {
      return invalid("C or D is not " + std::to_string(p->m) + " x " + std::to_string(p->n));
    }
  }
  if (p->c.order != p->d.order) return invalid("C and D have different orders");
  p->batch = p->d.batch_count;
  for (const Layout* layout : {&p->a, &p->b, &p->c}) {
    if (layout->batch_count != p->batch) return invalid("batch counts differ");
  }
  if (p->batch > 1 && p->d.batch_stride < extent(p->d)) return invalid("matrices of D overlap in the batch");
  return {};
}

// Which types go together, and what the compute type does to inputs.
Verdict check_types(Problem* p) {
  const int32_t a = p->a.type, b = p->b.type, c = p->c.type, d = p->d.type;
  p->rounding = InputRounding::kNone;
  p->integer = p->accumulates_in_half = false;
  if (c != d) return unsupported("C and D have different types");
  switch (p->desc.compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      break;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      p->rounding = InputRounding::kTf32;
      break;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      p->rounding = InputRounding::kBfloat16;
      break;
    case CUBLAS_COMPUTE_32F_FAST_16F:
      p->rounding = InputRounding::kFloat16;
      break;
    case CUBLAS_COMPUTE_16F:
      if (a != CUDA_R_16F || b != CUDA_R_16F || d != CUDA_R_16F || p->desc.scale != CUDA_R_16F) {
        return unsupported("compute type 16F with other types than 16F");
      }
      p->accumulates_in_half = true;
      return {};
    case CUBLAS_COMPUTE_32I:
      p->integer = true;
      if (a != CUDA_R_8I || b != CUDA_R_8I) return unsupported("compute type 32I with other inputs than 8I");
      if (!(d == CUDA_R_32I && p->desc.scale == CUDA_R_32I) && !(d == CUDA_R_8I && p->desc.scale == CUDA_R_32F)) {
        return unsupported("compute type 32I gives 32I (scale 32I) or 8I (scale 32F)");
      }
      return {};
    default:
      return unsupported("the compute type");
  }
  if (p->desc.scale != CUDA_R_32F) return unsupported("compute type 32F with another scale type");
  if (a != b || (a != CUDA_R_32F && a != CUDA_R_16F && a != CUDA_R_16BF)) return unsupported("the input types");
  if (d != CUDA_R_32F && d != a) return unsupported("the output type");
  if (p->rounding != InputRounding::kNone && a != CUDA_R_32F)
    return unsupported("a fast compute type for 16-bit inputs");
  return {};
}

// Integers on tensor cores: A transposed, B not, sizes and leading dimensions multiples of four.
Verdict check_integer_shapes(const Problem& p) {
  if (!p.integer) return {};
  if (!is_transpose(p.desc.transpose_a) || is_transpose(p.desc.transpose_b)) {
    return unsupported("8I inputs: A must be transposed and B must not");
  }
  for (const int64_t size : {p.m, p.k, p.a.ld, p.b.ld, p.c.ld, p.d.ld}) {
    if (size % 4 != 0) return unsupported("8I inputs: m, k and the leading dimensions must be multiples of 4");
  }
  return {};
}

Verdict check_epilogue(const Problem& p) {
  switch (p.desc.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
      return {};
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
      break;
    default:
      return unsupported("an epilogue that does not exist or is not simulated");
  }
  if (p.d.type == CUDA_R_32I || p.d.type == CUDA_R_8I) return unsupported("an epilogue on integers");
  if (p.d.order != CUBLASLT_ORDER_COL) return unsupported("an epilogue on a row-major D");
  if (!has_bias(p)) return {};
  const cudaDataType_t type = bias_type(p);
  if (type != static_cast<cudaDataType_t>(p.d.type)) return unsupported("the bias' type");
  if (p.desc.bias_stride < 0 || (p.desc.bias_stride > 0 && p.desc.bias_stride < p.m)) {
    return invalid("the biases of a batch overlap");
  }
  return {};
}

}  // namespace

Verdict make_problem(const Descriptors& descriptors, Problem* problem) {
  const MatmulDesc* desc = matmul_desc_of(descriptors.desc);
  if (desc == nullptr) return invalid("the operation's descriptor is null, destroyed, or was never made");
  problem->desc = *desc;
  struct Named {
    const char* name;
    cublasLtMatrixLayout_t from;
    Layout* to;
  };
  for (const Named& matrix : {Named{"A", descriptors.a, &problem->a}, Named{"B", descriptors.b, &problem->b},
                              Named{"C", descriptors.c, &problem->c}, Named{"D", descriptors.d, &problem->d}}) {
    const Layout* layout = layout_of(matrix.from);
    if (layout == nullptr) {
      return invalid(std::string("the layout of ") + matrix.name + " is null, destroyed, or was never made");
    }
    *matrix.to = *layout;
    const Verdict verdict = check_layout(matrix.name, *layout);
    if (verdict.status != CUBLAS_STATUS_SUCCESS) return verdict;
  }
  Verdict verdict = check_operations(problem->desc);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) verdict = check_shapes(problem);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) verdict = check_types(problem);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) verdict = check_integer_shapes(*problem);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) verdict = check_epilogue(*problem);
  return verdict;
}

uint64_t configuration_of(const Problem& p) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a over whole numbers
  for (const int64_t part :
       {int64_t{p.desc.compute}, int64_t{p.desc.scale}, int64_t{p.desc.transpose_a}, int64_t{p.desc.transpose_b},
        int64_t{p.desc.epilogue}, int64_t{p.a.type}, int64_t{p.b.type}, int64_t{p.d.type}, int64_t{p.a.order},
        int64_t{p.b.order}, int64_t{p.d.order}}) {
    hash = (hash ^ static_cast<uint64_t>(part)) * 1099511628211u;
  }
  return hash;
}

size_t workspace_bytes(const Problem& p, Algorithm algorithm) {
  return algorithm == Algorithm::kSplit ? static_cast<size_t>(kSplits * p.m * p.n * p.batch) * sizeof(float) : 0;
}

uint32_t alignment_bytes(const Problem& p, const Layout& layout, Algorithm algorithm) {
  if (algorithm == Algorithm::kWideLoads) return 16;
  const size_t bytes = element_bytes(static_cast<cudaDataType_t>(layout.type));
  return p.integer ? 4 : static_cast<uint32_t>(bytes);
}

}  // namespace assay::cuda_sim_vendor
