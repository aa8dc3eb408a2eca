// SPDX-License-Identifier: Apache-2.0
// What CUDA programs typically do, one launcher each. The kernels write results that the host can work out by itself.
#pragma once

#include <cstdint>

namespace assay::cuda_sim::idioms {

constexpr int kBlock = 128;

// y[i] = f(x[i]) for n <= kBlock elements. The order is that of kMathNames.
enum class Math {
  kExp,
  kExp2,
  kExp10,
  kExpm1,
  kLog,
  kLog2,
  kLog10,
  kLog1p,
  kPow,
  kSqrt,
  kRsqrt,
  kCbrt,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kAtan2,
  kSinh,
  kCosh,
  kTanh,
  kErf,
  kErfc,
  kTgamma,
  kLgamma,
  kFmod,
  kRemainder,
  kHypot,
  kDivide,
  kReciprocal,
  kNearbyint,
  kFloor,
  kFastExp,
  kFastLog,
  kFastDivide,
  kFastSin,
  kCount
};
void math_f32(Math function, const float* x, const float* y, float* result, int n);
void math_f64(Math function, const double* x, const double* y, double* result, int n);

// 16-bit arithmetic: for pair i, the results of add, sub, mul, fma, min, max, negation, conversion to int and back.
constexpr int kHalfResults = 8;
void half_arithmetic(const float* a, const float* b, float* result, int n);      // (n, kHalfResults)
void bfloat16_arithmetic(const float* a, const float* b, float* result, int n);  // (n, kHalfResults)

// CUB over one block of kBlock threads with four items each.
void cub_block_sum(const int* items, int* sum);
void cub_block_scan(const int* items, int* exclusive);
void cub_block_sort(const float* keys, float* sorted);

// Language features.
void dynamic_and_static_shared(const float* x, float* reversed, int n);
void switch_on_thread(int* result, int n);  // see the test for the table
void virtual_and_function_pointers(const int* x, int* result, int n);
void recursion(int* result, int n);                        // Fibonacci numbers
void local_array(const int* x, int* result, int n);        // x rotated within groups of eight by its own value
void constant_and_device_variables(float* result, int n);  // constants[i % 4] + offsets[i % 2] + *pointer
void set_constants(const float* values);                   // (4)
int read_counter();                                        // how many threads constant_and_device_variables ran with
struct Large {
  float values[20];
  int64_t shift;
};
void large_argument(const Large& argument, float* result, int n);           // values[i % 20] + shift
void integers(const int64_t* a, const int64_t* b, int64_t* result, int n);  // (n, 10)
void warp_sums(const float* x, float* result, int n);                       // of 32 neighbours, in each of them
void histogram(const int* x, int* counts, int n, int num_bins);
void say_hello(int n);           // printf
void fail_assert(const int* x);  // assert(*x == 7)

}  // namespace assay::cuda_sim::idioms
