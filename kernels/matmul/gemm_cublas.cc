// SPDX-License-Identifier: Apache-2.0
// gemm on CUDA by cuBLASLt. The library thinks in columns: a row-major C is its transpose in columns, so C^T = op(B)^T
// op(A)^T is computed, our b being the library's A. The bias is then one number for each of the library's rows, which
// is the only bias it knows.
//
// alpha, beta, bias, and a residual in the place of the library's C, are fused. Activations are not: the library's ReLU
// says nothing about NaN and its GELU is the approximation by tanh; a pass in place (gemm_cublas_finish) does them.
#include "kernels/matmul/gemm_cublas.h"

#include <cublasLt.h>

#include <algorithm>
#include <climits>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "kernels/base/check.h"
#include "kernels/base/cuda_check.h"
#include "kernels/matmul/gemm_cublas_finish.h"

namespace assay::kernels {
namespace {

void check_cublas(cublasStatus_t status, const char* call, const GemmArgs& args) {
  ASSAY_CHECK(status == CUBLAS_STATUS_SUCCESS, "gemm: ", call, " of ", args.batch, " x (", args.m, " x ", args.n, " x ",
              args.k, "): ", cublasLtGetStatusName(status), " (", cublasLtGetStatusString(status), ")",
              cuda_error_beside());
}

// ---- What the library is asked for

// One matrix in columns, as the library counts.
struct Columns {
  int64_t rows, columns, ld, stride;
};

struct Request {
  cublasComputeType_t compute;
  cublasOperation_t operation_a, operation_b;  // of the library's A, our b, and its B, our a
  Columns a, b, c, d;
  int64_t batch;
  const float *a_data, *b_data, *c_data, *bias;
  float* d_data;
  float alpha, beta;
  size_t workspace_bytes;
};

// Whether the residual can be the library's C: in the place of beta c, and laid out as c is.
bool fuses_residual(const GemmArgs& args) {
  const GemmEpilogue& e = args.epilogue;
  return e.residual != nullptr && e.beta == 0 && e.ld_residual == args.ldc &&
         (args.batch == 1 || e.stride_residual == args.stride_c);
}

Request make_request(const GemmArgs& args, cublasComputeType_t compute) {
  const GemmEpilogue& e = args.epilogue;
  Request r = {};
  r.compute = compute;
  r.operation_a = args.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  r.operation_b = args.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  r.a = {args.transpose_b ? args.k : args.n, args.transpose_b ? args.n : args.k, args.ldb, args.stride_b};
  r.b = {args.transpose_a ? args.m : args.k, args.transpose_a ? args.k : args.m, args.lda, args.stride_a};
  r.d = {args.n, args.m, args.ldc, args.stride_c};
  r.c = r.d;
  r.batch = args.batch;
  r.a_data = args.b;
  r.b_data = args.a;
  r.c_data = r.d_data = args.c;
  r.bias = e.bias;
  r.alpha = e.alpha;
  r.beta = e.beta;
  if (fuses_residual(args)) {
    r.c_data = e.residual;
    r.beta = 1;
  }
  r.workspace_bytes = args.workspace == nullptr ? 0 : static_cast<size_t>(args.workspace_bytes);
  return r;
}

// The largest power of two, up to 16, that an address is a multiple of: what an algorithm may count on.
uint32_t alignment_of(const void* data) {
  uint32_t alignment = 16;
  while (reinterpret_cast<uintptr_t>(data) % alignment != 0) alignment /= 2;
  return alignment;
}

// Descriptors in place: nothing to allocate, nothing to destroy.
struct Descriptors {
  cublasLtMatmulDescOpaque_t desc;
  cublasLtMatrixLayoutOpaque_t a, b, c, d;
};

void describe_matrix(const Columns& matrix, int64_t batch, const GemmArgs& args, cublasLtMatrixLayoutOpaque_t* layout) {
  check_cublas(cublasLtMatrixLayoutInit(layout, CUDA_R_32F, matrix.rows, matrix.columns, matrix.ld),
               "cublasLtMatrixLayoutInit", args);
  const int32_t count = static_cast<int32_t>(batch);
  check_cublas(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
               "cublasLtMatrixLayoutSetAttribute", args);
  check_cublas(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &matrix.stride,
                                                sizeof matrix.stride),
               "cublasLtMatrixLayoutSetAttribute", args);
}

template <class T>
void set(cublasLtMatmulDescOpaque_t* desc, cublasLtMatmulDescAttributes_t name, const T& value, const GemmArgs& args) {
  check_cublas(cublasLtMatmulDescSetAttribute(desc, name, &value, sizeof value), "cublasLtMatmulDescSetAttribute",
               args);
}

void describe(const Request& r, const GemmArgs& args, Descriptors* d) {
  check_cublas(cublasLtMatmulDescInit(&d->desc, r.compute, CUDA_R_32F), "cublasLtMatmulDescInit", args);
  set(&d->desc, CUBLASLT_MATMUL_DESC_TRANSA, r.operation_a, args);
  set(&d->desc, CUBLASLT_MATMUL_DESC_TRANSB, r.operation_b, args);
  if (r.bias != nullptr) {
    set(&d->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS, args);
    set(&d->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, r.bias, args);
  }
  describe_matrix(r.a, r.batch, args, &d->a);
  describe_matrix(r.b, r.batch, args, &d->b);
  describe_matrix(r.c, r.batch, args, &d->c);
  describe_matrix(r.d, r.batch, args, &d->d);
}

// ---- Algorithms, asked for once

// All that the heuristic looks at.
using Key = std::tuple<int, std::vector<int64_t>>;

Key key_of(int device, const Request& r) {
  std::vector<int64_t> numbers = {
      r.compute,   r.operation_a,       r.operation_b, r.batch, static_cast<int64_t>(r.workspace_bytes),
      r.beta == 0, r.c_data == r.d_data};
  for (const Columns& matrix : {r.a, r.b, r.c, r.d}) {
    numbers.insert(numbers.end(), {matrix.rows, matrix.columns, matrix.ld, matrix.stride});
  }
  for (const float* data : {r.a_data, r.b_data, r.c_data, static_cast<const float*>(r.d_data), r.bias}) {
    numbers.push_back(data == nullptr ? 0 : alignment_of(data));
  }
  return {device, std::move(numbers)};
}

// Handles and algorithms of a process. Never destroyed: at the end of a process the driver may be gone already.
class CublasLt {
 public:
  static CublasLt& instance() {
    static auto* const all = new CublasLt;
    return *all;
  }

  cublasLtHandle_t handle(int device, const GemmArgs& args) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = handles_.find(device);
    if (found != handles_.end()) return found->second;
    cublasLtHandle_t handle = nullptr;
    check_cublas(cublasLtCreate(&handle), "cublasLtCreate", args);
    handles_[device] = handle;
    return handle;
  }

  // The heuristic's first answer. One thread asks at a time, so that no question is put twice.
  cublasLtMatmulAlgo_t algorithm(cublasLtHandle_t handle, int device, const Request& r, Descriptors* d,
                                 const GemmArgs& args) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Key key = key_of(device, r);
    const auto found = algorithms_.find(key);
    if (found != algorithms_.end()) return found->second;
    if (algorithms_.size() >= kMaxAlgorithms) algorithms_.clear();
    return algorithms_[key] = ask(handle, r, d, args);
  }

 private:
  // Far more than a network has shapes; a caller whose shapes never repeat must not fill the memory.
  static constexpr size_t kMaxAlgorithms = 4096;

  static cublasLtMatmulAlgo_t ask(cublasLtHandle_t handle, const Request& r, Descriptors* d, const GemmArgs& args) {
    cublasLtMatmulPreferenceOpaque_t preference;
    check_cublas(cublasLtMatmulPreferenceInit(&preference), "cublasLtMatmulPreferenceInit", args);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
      check_cublas(cublasLtMatmulPreferenceSetAttribute(&preference, name, &value, sizeof value),
                   "cublasLtMatmulPreferenceSetAttribute", args);
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(r.workspace_bytes));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(r.a_data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(r.b_data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(r.c_data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(r.d_data));
    cublasLtMatmulHeuristicResult_t result = {};
    int num_results = 0;
    check_cublas(cublasLtMatmulAlgoGetHeuristic(handle, &d->desc, &d->a, &d->b, &d->c, &d->d, &preference, 1, &result,
                                                &num_results),
                 "cublasLtMatmulAlgoGetHeuristic", args);
    check_cublas(num_results == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : result.state, "cublasLtMatmulAlgoGetHeuristic", args);
    return result.algo;
  }

  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;  // by device
  std::map<Key, cublasLtMatmulAlgo_t> algorithms_;
};

// ---- Launchers

void check_sizes(const GemmArgs& args) {
  for (const int64_t size : {args.m, args.n, args.k, args.lda, args.ldb, args.ldc, args.batch}) {
    ASSAY_CHECK(size <= INT_MAX, "gemm: a size of ", size, ", cuBLASLt takes at most ", INT_MAX);
  }
}

// What cuBLASLt has not done. `product`: c holds a product, with what the library could add.
void finish(const GemmArgs& args, bool product, void* cuda_stream) {
  GemmFinishArgs pass = {args.c, args.m, args.n, args.ldc, args.batch, args.stride_c, args.epilogue};
  if (product) {
    if (fuses_residual(args)) pass.epilogue.residual = nullptr;
    pass.epilogue.beta = 1;
    pass.epilogue.bias = nullptr;
    if (pass.epilogue.residual == nullptr && pass.epilogue.activation == GemmActivation::kNone) return;
  }
  run(gemm_finish, pass, {Backend::kCuda, cuda_stream});
}

void launch_gemm_cublas(const GemmArgs& args, cublasComputeType_t compute, void* cuda_stream) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) return;
  if (args.k == 0) return finish(args, false, cuda_stream);
  check_sizes(args);
  int device = 0;
  ASSAY_CUDA_CHECK(cudaGetDevice(&device));
  const Request r = make_request(args, compute);
  Descriptors d;
  describe(r, args, &d);
  CublasLt& library = CublasLt::instance();
  const cublasLtHandle_t handle = library.handle(device, args);
  const cublasLtMatmulAlgo_t algorithm = library.algorithm(handle, device, r, &d, args);
  check_cublas(
      cublasLtMatmul(handle, &d.desc, &r.alpha, r.a_data, &d.a, r.b_data, &d.b, &r.beta, r.c_data, &d.c, r.d_data, &d.d,
                     &algorithm, args.workspace, r.workspace_bytes, static_cast<cudaStream_t>(cuda_stream)),
      "cublasLtMatmul", args);
  finish(args, true, cuda_stream);
}

}  // namespace

void gemm_cublas_cuda(const GemmArgs& args, void* cuda_stream) {
  launch_gemm_cublas(args, CUBLAS_COMPUTE_32F, cuda_stream);
}

void gemm_cublas_tf32_cuda(const GemmArgs& args, void* cuda_stream) {
  launch_gemm_cublas(args, CUBLAS_COMPUTE_32F_FAST_TF32, cuda_stream);
}

void gemm_cublas_bfloat16_cuda(const GemmArgs& args, void* cuda_stream) {
  launch_gemm_cublas(args, CUBLAS_COMPUTE_32F_FAST_16BF, cuda_stream);
}

}  // namespace assay::kernels
