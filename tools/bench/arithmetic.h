// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace assay::bench {

// What FLOP are done in, and so which of the machine's limits they are held against.
enum class Arithmetic { kFloat32, kFloat64, kTf32, kThreeTf32, kFloat16, kBfloat16, kInt8 };

// "float32", as in the csv and in tools/cuda_report/roofline.py. kThreeTf32: "3xtf32", three products for each one.
inline const char* name_of(Arithmetic a) {
  constexpr const char* kNames[] = {"float32", "float64", "tf32", "3xtf32", "float16", "bfloat16", "int8"};
  return kNames[static_cast<int>(a)];
}

}  // namespace assay::bench
