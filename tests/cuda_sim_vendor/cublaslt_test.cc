// SPDX-License-Identifier: Apache-2.0
// The simulated cuBLASLt: its results for each parameter that is used, and each rule broken once.
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim_vendor/elements.h"

namespace assay::cuda_sim_vendor {
namespace {

// One product with all its parts, right until a test breaks one.
struct Call {
  int32_t compute = CUBLAS_COMPUTE_32F, scale = CUDA_R_32F;
  cudaDataType_t input = CUDA_R_32F, output = CUDA_R_32F;
  int64_t m = 4, n = 8, k = 16, pad = 0;
  bool transpose_a = false, transpose_b = false;
  bool row_major = false;
  int32_t batch = 1;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  float alpha = 1, beta = 0;
  int32_t integer_alpha = 1, integer_beta = 0;
  uint64_t workspace_bytes = 0;
  // Breaks something just before the product is asked for.
  std::function<void(Call&)> before_matmul = [](Call&) {};

  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t layout[4] = {};  // A, B, C, D
  void* data[4] = {};                     // the same; C is D
  void* bias = nullptr;
  void* workspace = nullptr;
  cublasLtMatmulHeuristicResult_t result = {};
  int num_results = 0;
  const cublasLtMatmulAlgo_t* algo = nullptr;
  cudaStream_t stream = nullptr;

  int64_t rows(int i) const { return i == 0 ? (transpose_a ? k : m) : i == 1 ? (transpose_b ? n : k) : m; }
  int64_t columns(int i) const { return i == 0 ? (transpose_a ? m : k) : i == 1 ? (transpose_b ? k : n) : n; }
  int64_t ld(int i) const { return (row_major ? columns(i) : rows(i)) + pad; }
  int64_t stride(int i) const { return ld(i) * (row_major ? rows(i) : columns(i)); }
  cudaDataType_t type(int i) const { return i < 2 ? input : output; }
  size_t bytes(int i) const { return element_bytes(type(i)) * static_cast<size_t>(stride(i) * batch); }

  // Small whole numbers: exact in every type. C starts with them, too.
  std::vector<unsigned char> host(int i) const {
    std::vector<unsigned char> values(bytes(i));
    for (int64_t e = 0; e < stride(i) * batch; ++e) {
      const int number = static_cast<int>((e * 7 + i * 3) % 5) - 2;
      if (type(i) == CUDA_R_32I) {
        write_as<int32_t>(values.data(), e, number);
      } else {
        store_element(values.data(), e, type(i), static_cast<float>(number));
      }
    }
    return values;
  }

  cublasStatus_t run() {
    if (cublasLtCreate(&handle) != CUBLAS_STATUS_SUCCESS) return CUBLAS_STATUS_NOT_INITIALIZED;
    cublasLtMatmulDescCreate(&desc, static_cast<cublasComputeType_t>(compute), static_cast<cudaDataType_t>(scale));
    const cublasOperation_t a = transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, b = transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    cudaMalloc(&bias, static_cast<size_t>(m) * element_bytes(output));
    std::vector<unsigned char> biases(static_cast<size_t>(m) * element_bytes(output));
    for (int64_t i = 0; i < m; ++i) store_element(biases.data(), i, output, static_cast<float>(i - 1));
    cudaMemcpy(bias, biases.data(), biases.size(), cudaMemcpyHostToDevice);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    for (int i = 0; i < 4; ++i) make_matrix(i);
    data[2] = data[3];
    if (workspace_bytes > 0) cudaMalloc(&workspace, workspace_bytes);
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulPreferenceInit(&preference);
    cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                                         sizeof workspace_bytes);
    const cublasStatus_t asked = cublasLtMatmulAlgoGetHeuristic(handle, desc, layout[0], layout[1], layout[2],
                                                                layout[3], &preference, 1, &result, &num_results);
    if (asked != CUBLAS_STATUS_SUCCESS) return asked;
    algo = &result.algo;
    before_matmul(*this);
    const void* factors[2] = {&alpha, &beta};
    if (scale == CUDA_R_32I) factors[0] = &integer_alpha, factors[1] = &integer_beta;
    const __half halves[2] = {__float2half(alpha), __float2half(beta)};
    if (scale == CUDA_R_16F) factors[0] = &halves[0], factors[1] = &halves[1];
    return cublasLtMatmul(handle, desc, factors[0], data[0], layout[0], data[1], layout[1], factors[1], data[2],
                          layout[2], data[3], layout[3], algo, workspace, workspace_bytes, stream);
  }

  void make_matrix(int i) {
    cublasLtMatrixLayoutCreate(&layout[i], type(i), static_cast<uint64_t>(rows(i)), static_cast<uint64_t>(columns(i)),
                               ld(i));
    const int32_t order = row_major ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL;
    const int64_t step = stride(i);
    cublasLtMatrixLayoutSetAttribute(layout[i], CUBLASLT_MATRIX_LAYOUT_ORDER, &order, sizeof order);
    cublasLtMatrixLayoutSetAttribute(layout[i], CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch);
    cublasLtMatrixLayoutSetAttribute(layout[i], CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step);
    if (i == 2) return;
    cudaMalloc(&data[i], bytes(i));
    const std::vector<unsigned char> values = host(i);
    cudaMemcpy(data[i], values.data(), values.size(), cudaMemcpyHostToDevice);
  }

  // Element of op(A) (i = 0), op(B) (1) or C (3) as it was.
  double input_at(const std::vector<unsigned char>& values, int i, int64_t matrix, int64_t row, int64_t column) const {
    if ((i == 0 && transpose_a) || (i == 1 && transpose_b)) std::swap(row, column);
    const int64_t place = matrix * stride(i) + (row_major ? row * ld(i) + column : column * ld(i) + row);
    return type(i) == CUDA_R_32I ? read_as<int32_t>(values.data(), place) : load_element(values.data(), place, type(i));
  }

  int64_t num_wrong() {
    std::vector<unsigned char> found(bytes(3));
    cudaMemcpy(found.data(), data[3], found.size(), cudaMemcpyDeviceToHost);
    const std::vector<unsigned char> a = host(0), b = host(1), c = host(3);
    const double al = scale == CUDA_R_32I ? integer_alpha : alpha, be = scale == CUDA_R_32I ? integer_beta : beta;
    int64_t wrong = 0;
    for (int64_t matrix = 0; matrix < batch; ++matrix) {
      for (int64_t row = 0; row < m; ++row) {
        for (int64_t column = 0; column < n; ++column) {
          double x = 0;
          for (int64_t i = 0; i < k; ++i) x += input_at(a, 0, matrix, row, i) * input_at(b, 1, matrix, i, column);
          x = al * x + be * input_at(c, 3, matrix, row, column);
          if ((epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) x += static_cast<double>(row - 1);
          if ((epilogue & CUBLASLT_EPILOGUE_RELU) != 0) x = std::fmax(x, 0);
          if ((epilogue & CUBLASLT_EPILOGUE_GELU) != 0) {
            x = 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
          }
          if (output == CUDA_R_8I) x = std::fmin(std::fmax(x, -128), 127);
          const bool rounds = (epilogue & CUBLASLT_EPILOGUE_GELU) != 0;  // all others are whole numbers
          if (!(std::abs(input_at(found, 3, matrix, row, column) - x) <= (rounds ? 1e-5 * (1 + std::abs(x)) : 0))) {
            ++wrong;
          }
        }
      }
    }
    return wrong;
  }
};

void check_result(Call call) {
  CAPTURE(call.compute);
  CAPTURE(call.epilogue);
  CAPTURE(call.transpose_a);
  CAPTURE(call.transpose_b);
  CHECK(call.run() == CUBLAS_STATUS_SUCCESS);
  CHECK(call.num_wrong() == 0);
  CHECK(cuda_sim::take_reports().empty());
}

TEST_CASE("products are right for transposes, orders, leading dimensions, batches, scales and workspaces") {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const bool row_major : {false, true}) {
        for (const int64_t pad : {0, 1, 4}) {
          for (const int32_t batch : {1, 3}) {
            for (const uint64_t workspace : {0, 1 << 16}) {
              Call call;
              call.transpose_a = ta;
              call.transpose_b = tb;
              call.row_major = row_major;
              call.pad = pad;
              call.batch = batch;
              call.workspace_bytes = workspace;
              call.alpha = 2;
              call.beta = workspace == 0 ? 0 : -1;
              check_result(call);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("epilogues and types do what they say") {
  for (const uint32_t epilogue : {CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS,
                                  CUBLASLT_EPILOGUE_GELU, CUBLASLT_EPILOGUE_GELU_BIAS}) {
    Call call;
    call.epilogue = epilogue;
    check_result(call);
  }
  Call call;
  for (const int32_t compute :
       {CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_16BF, CUBLAS_COMPUTE_32F_FAST_16F}) {
    call.compute = compute;
    check_result(call);
  }
  call.compute = CUBLAS_COMPUTE_32F;
  for (const cudaDataType_t input : {CUDA_R_16F, CUDA_R_16BF}) {
    call.input = input;
    for (const cudaDataType_t output : {CUDA_R_32F, input}) {
      call.output = output;
      check_result(call);
    }
  }
  call.compute = CUBLAS_COMPUTE_16F;
  call.input = call.output = CUDA_R_16F;
  call.scale = CUDA_R_16F;
  check_result(call);
  call = Call();
  call.compute = CUBLAS_COMPUTE_32I;
  call.input = CUDA_R_8I;
  call.transpose_a = true;
  call.output = CUDA_R_32I;
  call.scale = CUDA_R_32I;
  call.integer_alpha = 3;
  call.integer_beta = 2;
  check_result(call);
  call.output = CUDA_R_8I;
  call.scale = CUDA_R_32F;
  call.alpha = 4;  // some saturate
  check_result(call);
}

TEST_CASE("fast compute types round their inputs, the exact one does not") {
  struct Expected {
    int32_t compute;
    float product;
  };
  const float x = 1 + 0x1p-12f;
  for (const Expected& e : {Expected{CUBLAS_COMPUTE_32F, x}, Expected{CUBLAS_COMPUTE_32F_FAST_TF32, 1},
                            Expected{CUBLAS_COMPUTE_32F_FAST_16BF, 1}, Expected{CUBLAS_COMPUTE_32F_FAST_16F, 1}}) {
    Call call;
    call.m = call.n = call.k = 1;
    call.compute = e.compute;
    call.before_matmul = [&](Call& c) {
      const float one = 1;
      cudaMemcpy(c.data[0], &x, sizeof x, cudaMemcpyHostToDevice);
      cudaMemcpy(c.data[1], &one, sizeof one, cudaMemcpyHostToDevice);
    };
    CHECK(call.run() == CUBLAS_STATUS_SUCCESS);
    float found = 0;
    cudaMemcpy(&found, call.data[3], sizeof found, cudaMemcpyDeviceToHost);
    CHECK(found == e.product);
  }
}

// A broken rule gives its status, and one report that holds these words.
void check_refused(const std::function<void(Call&)>& break_it, cublasStatus_t status, const char* words,
                   Call call = {}) {
  CAPTURE(words);
  call.before_matmul = break_it;
  CHECK(call.run() == status);
  const std::vector<cuda_sim::Report> reports = cuda_sim::take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].text.find(words) != std::string::npos);
}

template <class T>
void set_layout(Call& c, int i, cublasLtMatrixLayoutAttribute_t name, T value) {
  cublasLtMatrixLayoutSetAttribute(c.layout[i], name, &value, sizeof value);
}

TEST_CASE("handles and descriptors must live, and fit each other") {
  check_refused([](Call& c) { cublasLtDestroy(c.handle); }, CUBLAS_STATUS_NOT_INITIALIZED, "the handle");
  check_refused([](Call& c) { c.handle = nullptr; }, CUBLAS_STATUS_NOT_INITIALIZED, "the handle");
  check_refused([](Call& c) { cublasLtMatmulDescDestroy(c.desc); }, CUBLAS_STATUS_INVALID_VALUE, "descriptor");
  check_refused([](Call& c) { cublasLtMatrixLayoutDestroy(c.layout[1]); }, CUBLAS_STATUS_INVALID_VALUE, "layout of B");
  check_refused([](Call& c) { set_layout<int64_t>(c, 0, CUBLASLT_MATRIX_LAYOUT_LD, 3); }, CUBLAS_STATUS_INVALID_VALUE,
                "leading dimension 3");
  check_refused([](Call& c) { set_layout<uint64_t>(c, 1, CUBLASLT_MATRIX_LAYOUT_ROWS, 15); },
                CUBLAS_STATUS_INVALID_VALUE, "columns");
  check_refused([](Call& c) { set_layout<int32_t>(c, 0, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 2); },
                CUBLAS_STATUS_INVALID_VALUE, "batch counts");
  Call batch;
  batch.batch = 2;
  check_refused([](Call& c) { set_layout<int64_t>(c, 3, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 31); },
                CUBLAS_STATUS_INVALID_VALUE, "overlap", batch);
}

TEST_CASE("matrices must be memory of the device, aligned, and large enough") {
  static float on_the_host[1024];
  check_refused([](Call& c) { c.data[0] = nullptr; }, CUBLAS_STATUS_INVALID_VALUE, "A is null");
  check_refused([](Call& c) { c.data[0] = on_the_host; }, CUBLAS_STATUS_EXECUTION_FAILED, "A: ");
  check_refused([](Call& c) { c.data[1] = static_cast<char*>(c.data[1]) + 16; }, CUBLAS_STATUS_EXECUTION_FAILED, "B: ");
  check_refused([](Call& c) { cudaFree(c.data[3]); }, CUBLAS_STATUS_EXECUTION_FAILED, "D: ");
  check_refused([](Call& c) { c.data[1] = static_cast<char*>(c.data[1]) + 2; }, CUBLAS_STATUS_INVALID_VALUE, "aligned");
  check_refused([](Call& c) { c.data[3] = c.data[2] = c.data[1]; }, CUBLAS_STATUS_INVALID_VALUE, "D overlaps A or B");
  check_refused(
      [](Call& c) {
        cudaSetDevice(1);
        cudaMalloc(&c.data[0], c.bytes(0));
        cudaSetDevice(0);
      },
      CUBLAS_STATUS_EXECUTION_FAILED, "of device 1");
  Call bias;
  bias.epilogue = CUBLASLT_EPILOGUE_BIAS;
  check_refused(
      [](Call& c) {
        const void* none = nullptr;
        cublasLtMatmulDescSetAttribute(c.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &none, sizeof none);
      },
      CUBLAS_STATUS_INVALID_VALUE, "the bias is null", bias);
}

TEST_CASE("an algorithm needs its workspace and its problem, a handle its device, a stream its own") {
  Call large;
  large.workspace_bytes = 4096;
  check_refused([](Call& c) { c.workspace_bytes = 16; }, CUBLAS_STATUS_INVALID_VALUE, "a workspace of 16", large);
  check_refused([](Call& c) { c.workspace = nullptr; }, CUBLAS_STATUS_INVALID_VALUE, "a workspace of 0", large);
  check_refused([](Call& c) { c.workspace = static_cast<char*>(c.workspace) + 8; }, CUBLAS_STATUS_INVALID_VALUE,
                "the workspace is not aligned", large);
  check_refused([](Call& c) { std::memset(&c.result, 0, sizeof c.result); }, CUBLAS_STATUS_INVALID_VALUE,
                "did not come from the heuristic");
  check_refused(
      [](Call& c) {
        const uint32_t epilogue = CUBLASLT_EPILOGUE_RELU;
        cublasLtMatmulDescSetAttribute(c.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
      },
      CUBLAS_STATUS_NOT_SUPPORTED, "chosen for other");
  check_refused([](Call&) { cudaSetDevice(1); }, CUBLAS_STATUS_INVALID_VALUE, "the handle is of device 0");
  cudaSetDevice(1);
  cudaStream_t other = nullptr;
  cudaStreamCreate(&other);
  cudaSetDevice(0);
  check_refused([&](Call& c) { c.stream = other; }, CUBLAS_STATUS_EXECUTION_FAILED, "the stream");
}

TEST_CASE("what is not supported is an answer of the heuristic, not a fault") {
  Call call;
  call.compute = CUBLAS_COMPUTE_32I;
  call.input = CUDA_R_8I;  // A is not transposed
  call.output = CUDA_R_32I;
  call.scale = CUDA_R_32I;
  CHECK(call.run() == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(cuda_sim::take_reports().empty());
}

TEST_CASE("a product runs when its stream gets there") {
  Call call;
  cudaStreamCreateWithFlags(&call.stream, cudaStreamNonBlocking);
  CHECK(call.run() == CUBLAS_STATUS_SUCCESS);
  // Not yet: the memory behind the pointer is as it was.
  CHECK(std::memcmp(call.data[3], call.host(3).data(), call.bytes(3)) == 0);
  cudaStreamSynchronize(call.stream);
  CHECK(call.num_wrong() == 0);
}

}  // namespace
}  // namespace assay::cuda_sim_vendor
