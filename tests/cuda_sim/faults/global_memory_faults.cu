// SPDX-License-Identifier: Apache-2.0
#undef NDEBUG  // the assertions are what is tested
#include <cassert>

#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

template <bool kFaulty>
__global__ void write_past_end(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < n + (kFaulty ? 1 : 0)) {
    y[i] = 1.0f;  // fault
  }
}

template <bool kFaulty>
__global__ void read_before_begin(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  const int first = kFaulty ? 0 : 1;
  if (i >= first && i < n) {
    y[i] = x[i - 1];  // fault
  }
}

template <bool kFaulty>
__global__ void misaligned_vector(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (4 * i + 8 > n) return;
  const float4 four = *reinterpret_cast<const float4*>(x + 4 * i + (kFaulty ? 1 : 0));  // fault
  y[i] = four.x + four.w;
}

template <bool kFaulty>
__global__ void null_pointer(const float* x, float* y, int n) {
  // n is 100. The compiler knows what to make of a nullptr, and it is no access.
  const float* from = kFaulty ? reinterpret_cast<const float*>(static_cast<size_t>(n - 100)) : x;
  y[threadIdx.x] = from[threadIdx.x];  // fault
}

template <bool kFaulty>
__global__ void local_array_overrun(const float* x, float* y, int n) {
  float values[4];
  for (int k = 0; k < 4; ++k) values[k] = x[k];
  const int index = n % 4 + (kFaulty ? 4 : 0);
  y[threadIdx.x] = values[index];  // fault
}

template <bool kFaulty>
__global__ void uninitialised_global(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= n) return;
  if (!kFaulty) y[i] = x[i];
  y[i] += 1.0f;  // fault
}

template <bool kFaulty>
__global__ void failing_assert(const float* x, float* y, int n) {
  y[threadIdx.x] = x[threadIdx.x];
  assert(x[threadIdx.x] != (kFaulty ? 4.0f : -1.0f));  // fault
}

template <bool kFaulty>
__global__ void trapping(const float* x, float* y, int n) {
  y[threadIdx.x] = x[threadIdx.x];
  if (kFaulty && threadIdx.x == 3) {
    __trap();  // fault
  }
}

template <bool kFaulty>
__global__ void asks_for_active_mask(const float* x, float* y, int n) {
  unsigned mask = ~0u;
  if (kFaulty) {
    mask = __activemask();  // fault
  }
  y[threadIdx.x] = static_cast<float>(mask & 1) + x[0];
}

std::vector<FaultyKernel> global_memory_faults() {
  return {
      {"write past the end", write_past_end<false>, write_past_end<true>, Fault::kOutOfBounds, 1, 128},
      {"read before the beginning", read_before_begin<false>, read_before_begin<true>, Fault::kOutOfBounds, 1, 64},
      {"misaligned vector", misaligned_vector<false>, misaligned_vector<true>, Fault::kMisaligned, 1, 64},
      {"null pointer", null_pointer<false>, null_pointer<true>, Fault::kOutOfBounds, 1, 64},
      {"local array overrun", local_array_overrun<false>, local_array_overrun<true>, Fault::kOutOfBounds, 1, 64},
      {"uninitialised global memory", uninitialised_global<false>, uninitialised_global<true>, Fault::kUninitialised, 1,
       64, 0, true, false},
      {"failing assert", failing_assert<false>, failing_assert<true>, Fault::kAssert, 1, 64},
      {"trap", trapping<false>, trapping<true>, Fault::kTrap, 1, 64},
      {"activemask", asks_for_active_mask<false>, asks_for_active_mask<true>, Fault::kUnsupported, 1, 64},
  };
}

}  // namespace assay::cuda_sim
