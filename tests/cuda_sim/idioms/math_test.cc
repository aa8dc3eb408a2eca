// SPDX-License-Identifier: Apache-2.0
// The device math library against the host's in a wider format. Bounds are those of the CUDA C++ Programming Guide
// (mathematical functions); the division and square root are exact to half a unit.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/cuda_sim/idioms/device_array.h"
#include "tests/cuda_sim/idioms/idioms.h"

namespace assay::cuda_sim::idioms {
namespace {

using Wide = long double;

struct MathCase {
  Math function;
  const char* name;
  Wide (*reference)(Wide x, Wide y);
  double low, high;  // of the arguments
  double ulp_f32;    // bound of the error in units of the last place
  double ulp_f64;    // 0: there is no such function
};

const MathCase kCases[] = {
    {Math::kExp, "exp", [](Wide x, Wide) { return std::exp(x); }, -80, 80, 2, 1},
    {Math::kExp2, "exp2", [](Wide x, Wide) { return std::exp2(x); }, -100, 100, 2, 1},
    {Math::kExp10, "exp10", [](Wide x, Wide) { return std::pow(Wide{10}, x); }, -30, 30, 2, 1},
    {Math::kExpm1, "expm1", [](Wide x, Wide) { return std::expm1(x); }, -5, 5, 1, 1},
    {Math::kLog, "log", [](Wide x, Wide) { return std::log(x); }, 1e-3, 1e3, 1, 1},
    {Math::kLog2, "log2", [](Wide x, Wide) { return std::log2(x); }, 1e-3, 1e3, 1, 1},
    {Math::kLog10, "log10", [](Wide x, Wide) { return std::log10(x); }, 1e-3, 1e3, 2, 1},
    {Math::kLog1p, "log1p", [](Wide x, Wide) { return std::log1p(x); }, -0.9, 10, 1, 1},
    {Math::kPow, "pow", [](Wide x, Wide y) { return std::pow(x, y); }, 0.01, 10, 4, 2},
    {Math::kSqrt, "sqrt", [](Wide x, Wide) { return std::sqrt(x); }, 0, 1e6, 0.5, 0.5},
    {Math::kRsqrt, "rsqrt", [](Wide x, Wide) { return 1 / std::sqrt(x); }, 1e-6, 1e6, 2, 1},
    {Math::kCbrt, "cbrt", [](Wide x, Wide) { return std::cbrt(x); }, -1e3, 1e3, 1, 1},
    {Math::kSin, "sin", [](Wide x, Wide) { return std::sin(x); }, -1e6, 1e6, 2, 2},
    {Math::kCos, "cos", [](Wide x, Wide) { return std::cos(x); }, -1e6, 1e6, 2, 2},
    {Math::kTan, "tan", [](Wide x, Wide) { return std::tan(x); }, -1e3, 1e3, 4, 2},
    {Math::kAsin, "asin", [](Wide x, Wide) { return std::asin(x); }, -1, 1, 2, 2},
    {Math::kAcos, "acos", [](Wide x, Wide) { return std::acos(x); }, -1, 1, 2, 2},
    {Math::kAtan, "atan", [](Wide x, Wide) { return std::atan(x); }, -10, 10, 2, 2},
    {Math::kAtan2, "atan2", [](Wide x, Wide y) { return std::atan2(x, y); }, -10, 10, 3, 2},
    {Math::kSinh, "sinh", [](Wide x, Wide) { return std::sinh(x); }, -20, 20, 3, 2},
    {Math::kCosh, "cosh", [](Wide x, Wide) { return std::cosh(x); }, -20, 20, 2, 1},
    {Math::kTanh, "tanh", [](Wide x, Wide) { return std::tanh(x); }, -5, 5, 2, 2},
    {Math::kErf, "erf", [](Wide x, Wide) { return std::erf(x); }, -4, 4, 2, 2},
    {Math::kErfc, "erfc", [](Wide x, Wide) { return std::erfc(x); }, -3, 8, 4, 5},
    {Math::kTgamma, "tgamma", [](Wide x, Wide) { return std::tgamma(x); }, 0.1, 20, 5, 10},
    {Math::kLgamma, "lgamma", [](Wide x, Wide) { return std::lgamma(x); }, 3, 100, 6, 4},
    {Math::kFmod, "fmod", [](Wide x, Wide y) { return std::fmod(x, y); }, -100, 100, 0, 0.001},
    {Math::kRemainder, "remainder", [](Wide x, Wide y) { return std::remainder(x, y); }, -100, 100, 0, 0.001},
    {Math::kHypot, "hypot", [](Wide x, Wide y) { return std::hypot(x, y); }, -100, 100, 3, 2},
    {Math::kDivide, "divide", [](Wide x, Wide y) { return x / y; }, -100, 100, 0.5, 0.5},
    {Math::kReciprocal, "reciprocal", [](Wide x, Wide) { return 1 / x; }, -100, 100, 0.5, 0.5},
    {Math::kNearbyint, "nearbyint", [](Wide x, Wide) { return std::nearbyint(x); }, -100, 100, 0, 0.001},
    {Math::kFloor, "floor", [](Wide x, Wide) { return std::floor(x); }, -100, 100, 0, 0.001},
    {Math::kFastExp, "__expf", [](Wide x, Wide) { return std::exp(x); }, -10, 10, 13, 0},
    {Math::kFastLog, "__logf", [](Wide x, Wide) { return std::log(x); }, 2, 1e3, 3, 0},
    {Math::kFastDivide, "__fdividef", [](Wide x, Wide y) { return x / y; }, 0.1, 100, 2, 0},
};

// The error of `value` in units of the last place of the format T at `reference`.
template <class T>
double ulps(T value, Wide reference) {
  if (std::isinf(reference) || std::isnan(reference)) return std::isnan(reference) ? !std::isnan(value) : 1e9;
  const int exponent = std::max(std::ilogb(reference == 0 ? Wide{std::numeric_limits<T>::min()} : reference),
                                std::numeric_limits<T>::min_exponent - 1);
  const Wide unit = std::ldexp(Wide{1}, exponent - (std::numeric_limits<T>::digits - 1));
  return static_cast<double>(std::fabs(value - reference) / unit);
}

template <class T, class Launch>
void check_functions(Launch launch, double MathCase::*bound) {
  std::mt19937 random(11);
  for (const MathCase& item : kCases) {
    const bool only_f32 = item.function >= Math::kFastExp;
    if (only_f32 && sizeof(T) == 8) continue;
    std::uniform_real_distribution<double> pick(item.low, item.high);
    std::vector<T> x(kBlock), y(kBlock);
    for (int i = 0; i < kBlock; ++i) {
      x[i] = static_cast<T>(pick(random));
      y[i] = static_cast<T>(pick(random));
    }
    DeviceArray<T> device_x(x), device_y(y), device_result(kBlock);
    launch(item.function, device_x.get(), device_y.get(), device_result.get(), kBlock);
    const std::vector<T> result = device_result.values();
    double worst = 0;
    for (int i = 0; i < kBlock; ++i) worst = std::max(worst, ulps(result[i], item.reference(x[i], y[i])));
    INFO(std::string(item.name) << ": " << worst << " units of the last place, at most " << item.*bound);
    CHECK(worst <= item.*bound + 0.01);
  }
}

TEST_CASE("the device math library in single precision") { check_functions<float>(math_f32, &MathCase::ulp_f32); }

TEST_CASE("the device math library in double precision") { check_functions<double>(math_f64, &MathCase::ulp_f64); }

TEST_CASE("functions of infinities and NaN") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {inf, -inf, nan, 0, -1};
  auto values = [&](Math function) {
    DeviceArray<float> device_x(x), device_y(x), result(x.size());
    math_f32(function, device_x.get(), device_y.get(), result.get(), static_cast<int>(x.size()));
    return result.values();
  };
  const std::vector<float> exponential = values(Math::kExp);
  CHECK(exponential[0] == inf);
  CHECK(exponential[1] == 0);
  CHECK(std::isnan(exponential[2]));
  CHECK(exponential[3] == 1);
  const std::vector<float> logarithm = values(Math::kLog);
  CHECK(logarithm[0] == inf);
  CHECK(std::isnan(logarithm[1]));
  CHECK(std::isnan(logarithm[2]));
  CHECK(logarithm[3] == -inf);
  CHECK(std::isnan(logarithm[4]));
  const std::vector<float> tangent = values(Math::kTanh);
  CHECK(tangent[0] == 1);
  CHECK(tangent[1] == -1);
  CHECK(std::isnan(tangent[2]));
  CHECK(std::isnan(values(Math::kSin)[0]));
  CHECK(std::isnan(values(Math::kSqrt)[4]));
}

}  // namespace
}  // namespace assay::cuda_sim::idioms
