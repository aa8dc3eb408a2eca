// SPDX-License-Identifier: Apache-2.0
// cublasLtMatmul and its heuristic, as plain loops. Every broken rule gives the library's status and a report.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/cuda_sim_vendor/control.h"
#include "tests/cuda_sim_vendor/cublaslt_problem.h"
#include "tests/cuda_sim_vendor/device_work.h"

namespace assay::cuda_sim_vendor {
namespace {

std::atomic<int64_t> heuristic_calls{0};

constexpr uint32_t kWorkspaceAlignment = 16;

// The matrices of one call.
struct Operands {
  const void *a, *b, *c;
  void* d;
  float alpha, beta;
  int32_t integer_alpha, integer_beta;
  void* workspace;
};

cublasStatus_t refuse(const char* call, const Verdict& verdict) {
  report(std::string(call) + ": " + verdict.why);
  return verdict.status;
}

Verdict check_handle(cublasLtHandle_t handle) {
  const int device = device_of_handle(handle);
  if (device < 0) return {CUBLAS_STATUS_NOT_INITIALIZED, "the handle is null, destroyed, or was never made"};
  if (device != current_device()) {
    return {CUBLAS_STATUS_INVALID_VALUE, "the handle is of device " + std::to_string(device) + ", the thread is on " +
                                             std::to_string(current_device())};
  }
  return {};
}

Verdict check_memory(const char* name, const void* data, size_t bytes, uint32_t alignment) {
  if (data == nullptr) return {CUBLAS_STATUS_INVALID_VALUE, std::string(name) + " is null"};
  if (reinterpret_cast<uintptr_t>(data) % alignment != 0) {
    return {CUBLAS_STATUS_INVALID_VALUE, std::string(name) + " is not aligned to " + std::to_string(alignment) +
                                             " bytes, which the algorithm needs"};
  }
  std::string why;
  if (!is_device_memory(data, bytes, current_device(), &why)) {
    return {CUBLAS_STATUS_EXECUTION_FAILED, std::string(name) + ": " + why};
  }
  return {};
}

bool overlap(const void* x, size_t x_bytes, const void* y, size_t y_bytes) {
  const auto a = reinterpret_cast<uintptr_t>(x), b = reinterpret_cast<uintptr_t>(y);
  return a < b + y_bytes && b < a + x_bytes;
}

Verdict check_operands(const Problem& p, const Operands& o, Algorithm algorithm) {
  Verdict v = check_memory("A", o.a, batch_bytes(p.a), alignment_bytes(p, p.a, algorithm));
  if (v.status == CUBLAS_STATUS_SUCCESS) {
    v = check_memory("B", o.b, batch_bytes(p.b), alignment_bytes(p, p.b, algorithm));
  }
  if (v.status == CUBLAS_STATUS_SUCCESS) {
    v = check_memory("D", o.d, batch_bytes(p.d), alignment_bytes(p, p.d, algorithm));
  }
  if (v.status == CUBLAS_STATUS_SUCCESS && (o.beta != 0 || o.integer_beta != 0)) {
    v = check_memory("C", o.c, batch_bytes(p.c), alignment_bytes(p, p.c, algorithm));
  }
  if (v.status == CUBLAS_STATUS_SUCCESS && has_bias(p)) {
    const size_t bytes = element_bytes(bias_type(p));
    v = check_memory("the bias", p.desc.bias, bytes * static_cast<size_t>((p.batch - 1) * p.desc.bias_stride + p.m),
                     static_cast<uint32_t>(bytes));
  }
  if (v.status != CUBLAS_STATUS_SUCCESS) return v;
  if (overlap(o.d, batch_bytes(p.d), o.a, batch_bytes(p.a)) || overlap(o.d, batch_bytes(p.d), o.b, batch_bytes(p.b))) {
    return {CUBLAS_STATUS_INVALID_VALUE, "D overlaps A or B"};
  }
  // D may be C, exactly: then each element is read before it is written.
  if (o.c != o.d && o.beta != 0 && overlap(o.d, batch_bytes(p.d), o.c, batch_bytes(p.c))) {
    return {CUBLAS_STATUS_INVALID_VALUE, "D overlaps C without being C"};
  }
  if (o.c == o.d && (o.beta != 0 || o.integer_beta != 0) && p.c.ld != p.d.ld) {
    return {CUBLAS_STATUS_INVALID_VALUE, "D is C with another leading dimension"};
  }
  return v;
}

// op(A) or op(B) of one matrix of the batch as `rows` x `columns`, row-major, rounded as the compute type says.
std::vector<float> gather(const Problem& p, const Layout& layout, const void* data, int64_t matrix, int32_t operation,
                          int64_t rows, int64_t columns) {
  std::vector<float> values(static_cast<size_t>(rows * columns));
  const cudaDataType_t type = static_cast<cudaDataType_t>(layout.type);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t place =
          matrix * layout.batch_stride +
          (operation == CUBLAS_OP_N ? element_index(layout, row, column) : element_index(layout, column, row));
      values[row * columns + column] = round_input(load_element(data, place, type), p.rounding);
    }
  }
  return values;
}

// sums[column] += sum of a[k] b[k][column] over k = begin, begin + step, ... < end.
template <class Sum>
void add_products(const Problem& p, const float* a, const float* b, int64_t begin, int64_t end, int64_t step,
                  Sum* sums) {
  for (int64_t k = begin; k < end; k += step) {
    const float factor = a[k];
    const float* row = b + k * p.n;
    for (int64_t column = 0; column < p.n; ++column)
      sums[column] += static_cast<Sum>(factor) * static_cast<Sum>(row[column]);
    if (p.accumulates_in_half) {
      for (int64_t column = 0; column < p.n; ++column) {
        sums[column] = static_cast<Sum>(round_input(static_cast<float>(sums[column]), InputRounding::kFloat16));
      }
    }
  }
}

template <class Sum>
std::vector<Sum> row_of_product(const Problem& p, Algorithm algorithm, const float* a, const float* b) {
  const int64_t parts = algorithm == Algorithm::kSplit ? kSplits : algorithm == Algorithm::kWideLoads ? 4 : 1;
  std::vector<Sum> total(static_cast<size_t>(p.n), Sum{0});
  for (int64_t part = 0; part < parts; ++part) {
    std::vector<Sum> sums(static_cast<size_t>(p.n), Sum{0});
    if (algorithm == Algorithm::kWideLoads) {
      add_products(p, a, b, part, p.k, parts, sums.data());
    } else {
      add_products(p, a, b, part * p.k / parts, (part + 1) * p.k / parts, 1, sums.data());
    }
    for (int64_t column = 0; column < p.n; ++column) total[column] += sums[column];
  }
  return total;
}

float activate(uint32_t epilogue, float x) {
  if ((epilogue & CUBLASLT_EPILOGUE_RELU) != 0) return x > 0 ? x : 0;
  // cuBLASLt's GELU is the approximation by tanh.
  if ((epilogue & CUBLASLT_EPILOGUE_GELU) != 0) {
    return 0.5f * x * (1 + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
  }
  return x;
}

void store_row(const Problem& p, const Operands& o, int64_t matrix, int64_t row, const std::vector<float>& product) {
  const cudaDataType_t type = static_cast<cudaDataType_t>(p.d.type);
  for (int64_t column = 0; column < p.n; ++column) {
    float x = o.alpha * product[column];
    if (o.beta != 0) {
      x += o.beta * load_element(o.c, matrix * p.c.batch_stride + element_index(p.c, row, column), type);
    }
    if (has_bias(p)) x += load_element(p.desc.bias, matrix * p.desc.bias_stride + row, bias_type(p));
    store_element(o.d, matrix * p.d.batch_stride + element_index(p.d, row, column), type, activate(p.desc.epilogue, x));
  }
}

void store_integer_row(const Problem& p, const Operands& o, int64_t matrix, int64_t row,
                       const std::vector<int32_t>& product) {
  for (int64_t column = 0; column < p.n; ++column) {
    const int64_t from = matrix * p.c.batch_stride + element_index(p.c, row, column);
    const int64_t to = matrix * p.d.batch_stride + element_index(p.d, row, column);
    if (p.d.type == CUDA_R_32I) {
      int32_t x = o.integer_alpha * product[column];
      if (o.integer_beta != 0) x += o.integer_beta * read_as<int32_t>(o.c, from);
      write_as(o.d, to, x);
    } else {
      float x = o.alpha * static_cast<float>(product[column]);
      if (o.beta != 0) x += o.beta * load_element(o.c, from, CUDA_R_8I);
      store_element(o.d, to, CUDA_R_8I, x);
    }
  }
}

void multiply(const Problem& p, const Operands& o, Algorithm algorithm) {
  // What the workspace held is gone, whatever the algorithm makes of it.
  if (workspace_bytes(p, algorithm) > 0) std::memset(o.workspace, 0xff, workspace_bytes(p, algorithm));
  for (int64_t matrix = 0; matrix < p.batch; ++matrix) {
    const std::vector<float> a = gather(p, p.a, o.a, matrix, p.desc.transpose_a, p.m, p.k);
    const std::vector<float> b = gather(p, p.b, o.b, matrix, p.desc.transpose_b, p.k, p.n);
    for (int64_t row = 0; row < p.m; ++row) {
      const float* a_row = a.data() + row * p.k;
      if (p.integer) {
        store_integer_row(p, o, matrix, row, row_of_product<int32_t>(p, algorithm, a_row, b.data()));
      } else {
        store_row(p, o, matrix, row, row_of_product<float>(p, algorithm, a_row, b.data()));
      }
    }
  }
}

void add_rows(const Layout& layout, const void* data, bool is_written, std::vector<Rows>* rows) {
  const size_t bytes = element_bytes(static_cast<cudaDataType_t>(layout.type));
  const bool row_major = layout.order == CUBLASLT_ORDER_ROW;
  for (int64_t matrix = 0; matrix < layout.batch_count; ++matrix) {
    const auto* begin =
        static_cast<const unsigned char*>(data) + matrix * layout.batch_stride * static_cast<int64_t>(bytes);
    rows->push_back({begin, bytes * (row_major ? layout.columns : layout.rows), bytes * static_cast<size_t>(layout.ld),
                     row_major ? layout.rows : layout.columns, is_written});
  }
}

// What a product reads and writes.
std::vector<Rows> rows_of(const Problem& p, const Operands& o, Algorithm algorithm) {
  std::vector<Rows> rows;
  add_rows(p.a, o.a, false, &rows);
  add_rows(p.b, o.b, false, &rows);
  if (o.beta != 0 || o.integer_beta != 0) add_rows(p.c, o.c, false, &rows);
  if (has_bias(p)) {
    const size_t bytes = element_bytes(bias_type(p));
    const auto count = static_cast<size_t>(p.desc.bias_stride == 0 ? 1 : p.batch);
    rows.push_back(
        {p.desc.bias, bytes * static_cast<size_t>(p.m), bytes * static_cast<size_t>(p.desc.bias_stride), count, false});
  }
  const size_t workspace = workspace_bytes(p, algorithm);
  if (workspace > 0) rows.push_back({o.workspace, workspace, workspace, 1, true});
  add_rows(p.d, o.d, true, &rows);
  return rows;
}

bool is_wide(const Layout& layout, uint32_t alignment) {
  const int64_t bytes = static_cast<int64_t>(element_bytes(static_cast<cudaDataType_t>(layout.type)));
  return alignment % 16 == 0 && layout.ld * bytes % 16 == 0 && layout.batch_stride * bytes % 16 == 0;
}

// Whether an algorithm can take the problem, matrices aligned as the preference promises.
bool applies(const Problem& p, const Preference& preference, Algorithm algorithm) {
  if (workspace_bytes(p, algorithm) > preference.max_workspace_bytes) return false;
  if (algorithm == Algorithm::kSplit) {
    return p.k >= 4 * kSplits && (preference.reduction_mask & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) != 0;
  }
  if (algorithm == Algorithm::kWideLoads) {
    return is_wide(p.a, preference.alignment_a) && is_wide(p.b, preference.alignment_b) &&
           is_wide(p.c, preference.alignment_c) && is_wide(p.d, preference.alignment_d);
  }
  return preference.alignment_a >= alignment_bytes(p, p.a, algorithm) &&
         preference.alignment_b >= alignment_bytes(p, p.b, algorithm) &&
         preference.alignment_d >= alignment_bytes(p, p.d, algorithm);
}

Verdict read_algorithm(const Problem& p, const cublasLtMatmulAlgo_t* algo, Algorithm* algorithm) {
  if (algo == nullptr) {  // the library's own choice, which must work without a workspace
    *algorithm = Algorithm::kSequential;
    return {};
  }
  ChosenAlgorithm chosen;
  std::memcpy(&chosen, algo, sizeof chosen);
  if (chosen.magic != ChosenAlgorithm::kMagic) {
    return {CUBLAS_STATUS_INVALID_VALUE, "the algorithm did not come from the heuristic"};
  }
  if (chosen.configuration != configuration_of(p)) {
    return {CUBLAS_STATUS_NOT_SUPPORTED, "the algorithm was chosen for other types, orders, transposes or epilogue"};
  }
  *algorithm = chosen.algorithm;
  return {};
}

Verdict check_workspace(const Problem& p, Algorithm algorithm, void* workspace, size_t bytes) {
  const size_t needed = workspace_bytes(p, algorithm);
  if (needed == 0) return {};
  if (bytes < needed || workspace == nullptr) {
    return {CUBLAS_STATUS_INVALID_VALUE, "a workspace of " + std::to_string(workspace == nullptr ? 0 : bytes) +
                                             " bytes, the algorithm needs " + std::to_string(needed)};
  }
  return check_memory("the workspace", workspace, bytes, kWorkspaceAlignment);
}

void read_scales(const Problem& p, const void* alpha, const void* beta, Operands* o) {
  if (p.desc.scale == CUDA_R_32I) {
    o->integer_alpha = read_as<int32_t>(alpha, 0);
    o->integer_beta = read_as<int32_t>(beta, 0);
    return;
  }
  const cudaDataType_t type = static_cast<cudaDataType_t>(p.desc.scale);
  o->alpha = load_element(alpha, 0, type);
  o->beta = load_element(beta, 0, type);
}

}  // namespace

int64_t num_heuristic_calls() { return heuristic_calls; }

}  // namespace assay::cuda_sim_vendor

using namespace assay::cuda_sim_vendor;  // NOLINT: below are the library's own functions, outside any namespace

extern "C" {

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* num_results) {
  constexpr const char* kCall = "cublasLtMatmulAlgoGetHeuristic";
  ++heuristic_calls;
  Verdict verdict = check_handle(handle);
  if (verdict.status != CUBLAS_STATUS_SUCCESS) return refuse(kCall, verdict);
  const Preference* wanted = preference_of(preference);
  if (wanted == nullptr || requested < 1 || results == nullptr || num_results == nullptr) {
    return refuse(kCall, {CUBLAS_STATUS_INVALID_VALUE, "no preference, or no place for results"});
  }
  Problem problem;
  verdict = make_problem({desc, a, b, c, d}, &problem);
  *num_results = 0;
  // What is merely not supported may be asked for: the answer is the status.
  if (verdict.status == CUBLAS_STATUS_NOT_SUPPORTED) return verdict.status;
  if (verdict.status != CUBLAS_STATUS_SUCCESS) return refuse(kCall, verdict);
  for (const Algorithm algorithm : {Algorithm::kSplit, Algorithm::kWideLoads, Algorithm::kSequential}) {
    if (*num_results == requested || !applies(problem, *wanted, algorithm)) continue;
    cublasLtMatmulHeuristicResult_t& result = results[(*num_results)++];
    result = {};
    const ChosenAlgorithm chosen = {ChosenAlgorithm::kMagic, algorithm, configuration_of(problem)};
    std::memcpy(&result.algo, &chosen, sizeof chosen);
    result.workspaceSize = workspace_bytes(problem, algorithm);
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 1;
  }
  return *num_results > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t workspace_size, cudaStream_t stream) {
  constexpr const char* kCall = "cublasLtMatmul";
  Verdict verdict = check_handle(handle);
  if (verdict.status != CUBLAS_STATUS_SUCCESS) return refuse(kCall, verdict);
  Problem problem;
  verdict = make_problem({desc, a_layout, b_layout, c_layout, d_layout}, &problem);
  if (verdict.status != CUBLAS_STATUS_SUCCESS) return refuse(kCall, verdict);
  if (alpha == nullptr || beta == nullptr) {
    return refuse(kCall, {CUBLAS_STATUS_INVALID_VALUE, "alpha or beta is null"});
  }
  Operands operands = {a, b, c, d, 0, 0, 0, 0, workspace};
  read_scales(problem, alpha, beta, &operands);
  Algorithm algorithm = Algorithm::kSequential;
  verdict = read_algorithm(problem, algo, &algorithm);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) verdict = check_operands(problem, operands, algorithm);
  if (verdict.status == CUBLAS_STATUS_SUCCESS) {
    verdict = check_workspace(problem, algorithm, workspace, workspace_size);
  }
  if (verdict.status != CUBLAS_STATUS_SUCCESS) return refuse(kCall, verdict);
  const cudaError_t error = enqueue(kCall, stream, rows_of(problem, operands, algorithm),
                                    [problem, operands, algorithm] { multiply(problem, operands, algorithm); });
  if (error == cudaSuccess) return CUBLAS_STATUS_SUCCESS;
  if (error != cudaErrorInvalidResourceHandle) return CUBLAS_STATUS_EXECUTION_FAILED;  // the device is broken
  return refuse(kCall, {CUBLAS_STATUS_EXECUTION_FAILED, "the stream is none, or of another device"});
}

}  // extern "C"
