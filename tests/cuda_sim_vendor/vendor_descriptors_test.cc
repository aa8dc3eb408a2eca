// SPDX-License-Identifier: Apache-2.0
// What cuBLASLt and cuDNN say to wrong descriptors. The same cases run on the simulated libraries and, without a GPU,
// on the real ones: what the simulation refuses or takes is what the libraries do.
#include <cublasLt.h>
#include <cudnn.h>
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/cuda_sim_vendor/forget_reports.h"

namespace assay::cuda_sim_vendor {
namespace {

TEST_CASE("cuBLASLt takes attributes of the right size only, whatever their value") {
  cublasLtMatrixLayout_t layout = nullptr;
  CHECK(cublasLtMatrixLayoutCreate(&layout, CUDA_R_32F, 10, 20, 5) == CUBLAS_STATUS_SUCCESS);  // ld too small
  const int32_t count = 3;
  const int64_t wide = 3, negative = -3;
  const auto set = [&](cublasLtMatrixLayoutAttribute_t name, const void* value, size_t bytes) {
    return cublasLtMatrixLayoutSetAttribute(layout, name, value, bytes);
  };
  CHECK(set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &wide, sizeof wide) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(set(CUBLASLT_MATRIX_LAYOUT_LD, &negative, sizeof negative) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATRIX_LAYOUT_LD, nullptr, sizeof wide) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(set(static_cast<cublasLtMatrixLayoutAttribute_t>(99), &wide, sizeof wide) == CUBLAS_STATUS_INVALID_VALUE);
  int64_t ld = 0;
  size_t written = 0;
  CHECK(cublasLtMatrixLayoutGetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_LD, nullptr, 0, &written) ==
        CUBLAS_STATUS_SUCCESS);
  CHECK(written == sizeof ld);
  CHECK(cublasLtMatrixLayoutGetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_LD, &ld, sizeof ld, &written) ==
        CUBLAS_STATUS_SUCCESS);
  CHECK(ld == -3);
  CHECK(cublasLtMatrixLayoutDestroy(layout) == CUBLAS_STATUS_SUCCESS);
  CHECK(cublasLtMatrixLayoutDestroy(nullptr) == CUBLAS_STATUS_SUCCESS);
  forget_reports();
}

TEST_CASE("cuBLASLt's operation and preference take attributes of the right size only") {
  cublasLtMatmulDescOpaque_t desc;
  CHECK(cublasLtMatmulDescInit(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS);
  const cublasOperation_t operation = CUBLAS_OP_T;
  const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  const float* bias = nullptr;
  const auto set = [&](cublasLtMatmulDescAttributes_t name, const void* value, size_t bytes) {
    return cublasLtMatmulDescSetAttribute(&desc, name, value, bytes);
  };
  CHECK(set(CUBLASLT_MATMUL_DESC_TRANSA, &operation, sizeof operation) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATMUL_DESC_TRANSB, &operation, sizeof operation) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 8) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias) == CUBLAS_STATUS_SUCCESS);
  CHECK(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, 4) == CUBLAS_STATUS_INVALID_VALUE);

  cublasLtMatmulPreferenceOpaque_t preference;
  CHECK(cublasLtMatmulPreferenceInit(&preference) == CUBLAS_STATUS_SUCCESS);
  const uint64_t bytes = 1 << 20;
  const uint32_t alignment = 4;
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, const void* value, size_t size) {
    return cublasLtMatmulPreferenceSetAttribute(&preference, name, value, size);
  };
  CHECK(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes) == CUBLAS_STATUS_SUCCESS);
  CHECK(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &alignment, sizeof alignment) == CUBLAS_STATUS_SUCCESS);
  CHECK(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &bytes, sizeof bytes) == CUBLAS_STATUS_INVALID_VALUE);
  uint32_t unset = 0;
  size_t written = 0;
  CHECK(cublasLtMatmulPreferenceGetAttribute(&preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &unset,
                                             sizeof unset, &written) == CUBLAS_STATUS_SUCCESS);
  CHECK(unset == 256);
  cublasLtMatrixLayoutOpaque_t layout;
  CHECK(cublasLtMatrixLayoutInit(&layout, CUDA_R_32F, 4, 4, 4) == CUBLAS_STATUS_SUCCESS);
  cublasLtMatmulHeuristicResult_t result;
  int count = 0;
  CHECK(cublasLtMatmulAlgoGetHeuristic(nullptr, &desc, &layout, &layout, &layout, &layout, &preference, 1, &result,
                                       &count) == CUBLAS_STATUS_NOT_INITIALIZED);
  const float one = 1;
  CHECK(cublasLtMatmul(nullptr, &desc, &one, nullptr, &layout, nullptr, &layout, &one, nullptr, &layout, nullptr,
                       &layout, nullptr, nullptr, 0, nullptr) == CUBLAS_STATUS_NOT_INITIALIZED);
  forget_reports();
}

// Descriptors that end with the test.
struct Descriptors {
  std::vector<cudnnBackendDescriptor_t> all;
  ~Descriptors() {
    for (auto d = all.rbegin(); d != all.rend(); ++d) cudnnBackendDestroyDescriptor(*d);
  }
  cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t d = nullptr;
    REQUIRE(cudnnBackendCreateDescriptor(type, &d) == CUDNN_STATUS_SUCCESS);
    all.push_back(d);
    return d;
  }
  cudnnBackendDescriptor_t tensor(int64_t id, const std::vector<int64_t>& sizes) {
    const cudnnBackendDescriptor_t d = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const std::vector<int64_t> strides = {sizes[1] * sizes[2] * sizes[3], 1, sizes[1] * sizes[3], sizes[1]};
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const int64_t alignment = 16;
    cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, sizes.data());
    cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
    cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    REQUIRE(cudnnBackendFinalize(d) == CUDNN_STATUS_SUCCESS);
    return d;
  }
};

TEST_CASE("cuDNN's tensors are checked when they are set and when they are finalized") {
  Descriptors d;
  const cudnnBackendDescriptor_t x = d.make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  const std::vector<int64_t> sizes = {1, 3, 8, 8}, strides = {192, 1, 24, 3};
  const int64_t id = 7, odd = 3, sixteen = 16;
  const cudnnDataType_t type = CUDNN_DATA_FLOAT;
  CHECK(cudnnBackendFinalize(x) == CUDNN_STATUS_BAD_PARAM);
  const auto set = [&](cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t kind, int64_t count,
                       const void* values) { return cudnnBackendSetAttribute(x, name, kind, count, values); };
  CHECK(set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_FLOAT, 4, sizes.data()) == CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  CHECK(set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, nullptr) == CUDNN_STATUS_BAD_PARAM);
  CHECK(set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, sizes.data()) == CUDNN_STATUS_SUCCESS);
  CHECK(set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data()) == CUDNN_STATUS_SUCCESS);
  CHECK(set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type) == CUDNN_STATUS_SUCCESS);
  CHECK(set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 2, sizes.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id) == CUDNN_STATUS_SUCCESS);
  CHECK(set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudnnBackendFinalize(x) == CUDNN_STATUS_BAD_PARAM);  // no alignment
  CHECK(set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &odd) == CUDNN_STATUS_SUCCESS);
  CHECK(cudnnBackendFinalize(x) == CUDNN_STATUS_BAD_PARAM);
  int64_t count = 0, found = 0;
  CHECK(cudnnBackendGetAttribute(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &count, &found) ==
        CUDNN_STATUS_NOT_INITIALIZED);
  CHECK(set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &sixteen) == CUDNN_STATUS_SUCCESS);
  CHECK(cudnnBackendFinalize(x) == CUDNN_STATUS_SUCCESS);
  CHECK(cudnnBackendFinalize(x) == CUDNN_STATUS_BAD_PARAM);
  CHECK(set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &sixteen) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudnnBackendGetAttribute(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &count, &found) ==
        CUDNN_STATUS_SUCCESS);
  CHECK(count == 1);
  CHECK(found == id);
  forget_reports();
}

TEST_CASE("cuDNN's convolution must fit its tensors") {
  struct Shape {
    int64_t height, kernel, stride, pad_before, pad_after, out_height;
    bool fits;
  };
  for (const Shape& s :
       {Shape{8, 3, 2, 0, 1, 4, true}, Shape{8, 3, 2, 1, 1, 4, true}, Shape{8, 3, 2, 0, 1, 5, false},
        Shape{8, 3, 1, 0, 0, 6, true}, Shape{8, 3, 1, 0, 1, 6, false}, Shape{2, 3, 1, 0, 0, 1, false}}) {
    CAPTURE(s.height);
    CAPTURE(s.out_height);
    Descriptors d;
    const cudnnBackendDescriptor_t geometry = d.make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const int64_t two = 2, ones[2] = {1, 1}, strides[2] = {s.stride, s.stride},
                  before[2] = {s.pad_before, s.pad_before}, after[2] = {s.pad_after, s.pad_after};
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &two);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
    cudnnBackendSetAttribute(geometry, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
    CHECK(cudnnBackendFinalize(geometry) == CUDNN_STATUS_SUCCESS);
    const cudnnBackendDescriptor_t x = d.tensor(1, {1, 3, s.height, s.height}),
                                   w = d.tensor(2, {5, 3, s.kernel, s.kernel}),
                                   y = d.tensor(3, {1, 5, s.out_height, s.out_height}),
                                   operation = d.make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    const float alpha = 1, beta = 0;
    const auto set = [&](cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t value) {
      return cudnnBackendSetAttribute(operation, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
    };
    CHECK(set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, geometry) == CUDNN_STATUS_SUCCESS);
    CHECK(set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x) == CUDNN_STATUS_SUCCESS);
    CHECK(set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w) == CUDNN_STATUS_SUCCESS);
    CHECK(set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y) == CUDNN_STATUS_SUCCESS);
    cudnnBackendSetAttribute(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &alpha);
    cudnnBackendSetAttribute(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &beta);
    const cudnnBackendDescriptor_t graph = d.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    CHECK(cudnnBackendSetAttribute(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                   &operation) == CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
    CHECK(cudnnBackendFinalize(operation) == (s.fits ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM));
    char message[200] = "";
    cudnnGetLastErrorString(message, sizeof message);
    if (!s.fits) CHECK(std::string(message) != "");
    forget_reports();
  }
}

}  // namespace
}  // namespace assay::cuda_sim_vendor
