// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/machine_limits.h"

#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/bench/machine_limits.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "kernels/base/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace assay::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Vec = hn::Vec<Tag<T>>;

// Independent chains of multiply-adds; a recursive struct, whose members GCC keeps in registers without pragmas.
template <class T, int kCount>
struct Chains {
  Vec<T> value;
  Chains<T, kCount - 1> rest;
  HWY_INLINE void load(const float* start) {
    value = hn::Set(Tag<T>(), static_cast<T>(*start));
    rest.load(start + 1);
  }
  HWY_INLINE void step(Vec<T> factor, Vec<T> term) {
    value = hn::MulAdd(value, factor, term);
    rest.step(factor, term);
  }
  HWY_INLINE Vec<T> sum() const { return hn::Add(value, rest.sum()); }
};
template <class T>
struct Chains<T, 0> {
  HWY_INLINE void load(const float*) {}
  HWY_INLINE void step(Vec<T>, Vec<T>) {}
  HWY_INLINE Vec<T> sum() const { return hn::Zero(Tag<T>()); }
};

constexpr int kChains = 12;  // twice over what the latency of one unit asks for, and no more than 16 registers hold

// values: kChains starting values, a factor and a term, which the compiler must not know. Returns the FLOP done.
template <class T>
HWY_INLINE double fma_loop_of(int64_t rounds, const float* values, float* result) {
  const Vec<T> factor = hn::Set(Tag<T>(), static_cast<T>(values[kChains]));
  const Vec<T> term = hn::Set(Tag<T>(), static_cast<T>(values[kChains + 1]));
  Chains<T, kChains> chains;
  chains.load(values);
  for (int64_t round = 0; round < rounds; ++round) chains.step(factor, term);
  *result = static_cast<float>(hn::GetLane(hn::SumOfLanes(Tag<T>(), chains.sum())));
  return 2.0 * kChains * static_cast<double>(hn::Lanes(Tag<T>())) * static_cast<double>(rounds);
}
double fma_loop(int64_t rounds, const float* values, float* result) {
  return fma_loop_of<float>(rounds, values, result);
}
double fma_loop_float64(int64_t rounds, const float* values, float* result) {
  return fma_loop_of<double>(rounds, values, result);
}

// count is a multiple of 8 vectors.
void read_all(const float* HWY_RESTRICT x, int64_t count, float* result) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag));
  FloatVec sum0 = hn::Zero(tag), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (int64_t i = 0; i < count; i += 4 * lanes) {
    sum0 = hn::Add(sum0, hn::LoadU(tag, x + i));
    sum1 = hn::Add(sum1, hn::LoadU(tag, x + i + lanes));
    sum2 = hn::Add(sum2, hn::LoadU(tag, x + i + 2 * lanes));
    sum3 = hn::Add(sum3, hn::LoadU(tag, x + i + 3 * lanes));
  }
  *result = hn::GetLane(hn::SumOfLanes(tag, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

}  // namespace assay::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::bench {

HWY_EXPORT(fma_loop);
HWY_EXPORT(fma_loop_float64);
HWY_EXPORT(read_all);

double now(Clock clock, int threads) {
  timespec t;
  clock_gettime(clock == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  const double seconds = static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  return clock == Clock::kWall ? seconds : seconds / threads;
}

namespace {

template <class Loop>
double fma_flop_per_s(Clock clock, int threads, const Loop& loop) {
  constexpr int64_t kRounds = 1500000;
  const std::vector<float> values = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f,
                                     0.8f, 0.9f, 1.0f, 1.1f, 1.2f, 0.5f, 0.25f};
  std::vector<double> flop(threads);
  std::vector<float> results(threads);
  const double start = now(clock, threads);
  parallel_for(threads, 1,
               [&](int64_t thread, int64_t) { flop[thread] = loop(kRounds, values.data(), &results[thread]); });
  return flop[0] * threads / (now(clock, threads) - start);
}

}  // namespace

double measure_fma_flop_per_s(Clock clock, int threads) {
  return fma_flop_per_s(clock, threads, [](int64_t rounds, const float* values, float* result) {
    return HWY_DYNAMIC_DISPATCH(fma_loop)(rounds, values, result);
  });
}

double measure_float64_fma_flop_per_s(Clock clock, int threads) {
  return fma_flop_per_s(clock, threads, [](int64_t rounds, const float* values, float* result) {
    return HWY_DYNAMIC_DISPATCH(fma_loop_float64)(rounds, values, result);
  });
}

int64_t last_level_cache_bytes() {
  constexpr int64_t kUnknown = 32 << 20;
  for (const int level : {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE}) {
    if (const int64_t bytes = sysconf(level); bytes > 0) return bytes;
  }
  return kUnknown;
}

double measure_read_bytes_per_s(Clock clock, int threads) {
  constexpr int64_t kFloats = 64 << 20;
  constexpr int64_t kPiece = 1 << 18;
  static const int64_t windows = std::max<int64_t>(1, (2 * last_level_cache_bytes() + 4 * kFloats - 1) / (4 * kFloats));
  static const std::vector<float>* buffer = new std::vector<float>(windows * kFloats, 1.0f);
  static int64_t window = 0;
  const float* x = buffer->data() + window * kFloats;
  window = (window + 1) % windows;
  std::vector<float> results(kFloats / kPiece);
  const double start = now(clock, threads);
  parallel_for(kFloats, kPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(read_all)(x + begin, end - begin, &results[begin / kPiece]);
  });
  return 4.0 * kFloats / (now(clock, threads) - start);
}

}  // namespace assay::bench
#endif  // HWY_ONCE
