// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/cuda_check.h"

#include "kernels/base/check.h"

namespace assay {

namespace {

std::string name_and_text(cudaError_t error) {
  return text(cudaGetErrorName(error), " (", cudaGetErrorString(error), ")");
}

}  // namespace

void check_cuda_call(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();  // reported here, so it must not surface again at the next launch
  throw Error(text(call, ": ", name_and_text(error)));
}

void check_cuda_launch(const char* kernel, dim3 grid, dim3 block) {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return;
  throw Error(text(kernel, ": launch of ", grid.x, " x ", grid.y, " x ", grid.z, " blocks of ", block.x, " x ", block.y,
                   " x ", block.z, " threads: ", name_and_text(error)));
}

std::string cuda_error_beside() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? "" : "; " + name_and_text(error);
}

dim3 cuda_grid(const char* kernel, int64_t blocks) {
  ASSAY_CHECK(blocks >= 1 && blocks <= INT32_MAX, kernel, ": a grid of ", blocks, " blocks, expected 1 to ", INT32_MAX);
  return dim3(static_cast<unsigned>(blocks));
}

}  // namespace assay
